#include "system_facts.hpp"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace dgiqa_tool {
namespace {

using Json = nlohmann::ordered_json;

// What follows "key ... :" in a file of such lines; empty where there is none.
std::string value_in(const char *path, const std::string &key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (line.compare(0, key.size(), key) != 0) continue;
        const std::size_t start = line.find_first_not_of(" \t", line.find(':') + 1);
        return start == std::string::npos ? "" : line.substr(start);
    }
    return "";
}

std::string first_line(const char *path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line.substr(0, line.find('\0'));
}

Json or_null(const std::string &text) { return text.empty() ? Json() : Json(text); }

double kib_to_mib(const std::string &kib) { return kib.empty() ? 0.0 : std::stod(kib) / 1024.0; }

}  // namespace

Json system_facts() {
    utsname names{};
    uname(&names);
    const std::string board = first_line("/proc/device-tree/model");
    const std::string cpu = value_in("/proc/cpuinfo", "model name");
    return {{"cpu", or_null(cpu)},
            {"board", or_null(board)},
            {"cores", sysconf(_SC_NPROCESSORS_ONLN)},
            {"memory_mib", kib_to_mib(value_in("/proc/meminfo", "MemTotal"))},
            {"kernel", names.release},
            {"architecture", names.machine},
            {"governor", or_null(first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))}};
}

double peak_rss_mib() { return kib_to_mib(value_in("/proc/self/status", "VmHWM")); }

double seconds_since_process_start() {
    constexpr int kStartTime = 22;  // field of /proc/self/stat, in clock ticks since boot
    const std::string stat = first_line("/proc/self/stat");
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));  // the name in brackets may hold blanks
    std::string field;
    for (int at = 3; at <= kStartTime; ++at) fields >> field;
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    const double started = std::stod(field) / static_cast<double>(sysconf(_SC_CLK_TCK));
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9 - started;
}

}  // namespace dgiqa_tool
