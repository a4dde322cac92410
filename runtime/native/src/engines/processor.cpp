#include "engines/processor.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "formats/quoting.hpp"
#include "formats/sha256.hpp"

namespace dgiqa {
namespace {

// Flags of /proc/cpuinfo, x86's and Arm's (runtime/machine/processor.py: DOT_PRODUCTS).
const std::set<std::string> kDotProducts = {"avx_vnni", "avx512_vnni", "amx_int8", "asimddp"};

std::string trimmed(const std::string &text) {
    const char *blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string machine_name() {
    utsname facts = {};
    return uname(&facts) == 0 ? facts.machine : "unknown";
}

}  // namespace

const Processor &processor() {
    static const Processor found = [] {
        std::ifstream stream("/proc/cpuinfo");
        return processor_from_cpuinfo({std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()});
    }();
    return found;
}

Processor processor_from_cpuinfo(const std::string &text) {
    std::map<std::string, std::string> fields;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = std::min(line.find(':'), line.size());
        const std::string value = colon < line.size() ? line.substr(colon + 1) : "";
        fields.emplace(trimmed(line.substr(0, colon)), trimmed(value));
    }
    std::string model = fields["model name"];
    if (model.empty()) model = fields["Model"];
    const std::string arm = trimmed(fields["CPU implementer"] + " " + fields["CPU part"]);
    if (model.empty() && !arm.empty()) model = "Arm " + arm;
    const std::string features = fields["flags"].empty() ? fields["Features"] : fields["flags"];
    std::istringstream words(features);
    std::vector<std::string> names{std::istream_iterator<std::string>(words), std::istream_iterator<std::string>()};
    std::sort(names.begin(), names.end());
    const bool dot_products =
        std::any_of(names.begin(), names.end(), [](const auto &name) { return kDotProducts.count(name) > 0; });
    return {model.empty() ? machine_name() : model, sha256_text(joined(names, " ")).substr(0, 12), dot_products};
}

std::string platform_name() {
    utsname facts = {};
    if (uname(&facts) != 0) return "unknown";
    std::string name = std::string(facts.sysname) + "-" + facts.machine;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return name;
}

}  // namespace dgiqa
