#include "engines/version_requirement.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "errors.hpp"
#include "formats/quoting.hpp"

namespace dgiqa {
namespace {

constexpr std::size_t MOST_DIGITS = 9;  // so that every part fits a long

std::string trimmed(const std::string &text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

bool is_release(const std::string &text) {
    bool digit_before = false;
    for (char letter : text) {
        const bool digit = std::isdigit(static_cast<unsigned char>(letter)) != 0;
        if (!digit && (letter != '.' || !digit_before)) return false;
        digit_before = digit;
    }
    return digit_before;
}

int compared(std::vector<long> left, std::vector<long> right) {
    const std::size_t length = std::max(left.size(), right.size());
    left.resize(length);
    right.resize(length);
    return left < right ? -1 : (right < left ? 1 : 0);
}

bool meets(const std::string &version, const std::string &constraint) {
    const std::string text = trimmed(constraint);
    for (const char *sign : {"==", "!=", ">=", "<=", ">", "<"}) {
        const std::string comparison = sign;
        if (text.compare(0, comparison.size(), comparison) != 0) continue;
        const std::string wanted = trimmed(text.substr(comparison.size()));
        if (!is_release(wanted)) break;
        const int order = compared(release_of(version), release_of(wanted));
        if (comparison == "==") return order == 0;
        if (comparison == "!=") return order != 0;
        if (comparison == ">=") return order >= 0;
        if (comparison == "<=") return order <= 0;
        return comparison == ">" ? order > 0 : order < 0;
    }
    throw Error(DGIQA_ERROR_BUNDLE, "the version requirement " + quoted(constraint) +
                                        " is not of the form '>=1.17': build the bundle again");
}

}  // namespace

std::vector<long> release_of(const std::string &version) {
    std::vector<long> release;
    std::size_t at = 0;
    while (at < version.size() && std::isdigit(static_cast<unsigned char>(version[at]))) {
        const std::size_t end = std::min(version.find_first_not_of("0123456789", at), version.size());
        release.push_back(std::stol(version.substr(at, std::min(end - at, MOST_DIGITS))));
        if (end >= version.size() || version[end] != '.') break;
        at = end + 1;
    }
    return release;
}

bool satisfies(const std::string &version, const std::optional<std::string> &requirement) {
    if (!requirement) return true;
    std::istringstream constraints(*requirement);
    bool all = true;
    for (std::string constraint; std::getline(constraints, constraint, ',');) all = meets(version, constraint) && all;
    return all;
}

}  // namespace dgiqa
