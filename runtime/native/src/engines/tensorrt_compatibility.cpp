#include "engines/tensorrt_compatibility.hpp"

#include <algorithm>
#include <cstdlib>
#include <regex>

#include "engines/version_requirement.hpp"

namespace dgiqa {
namespace {

constexpr std::size_t RELEASE_PARTS = 3;  // 10.3.0 names a TensorRT release; some packages add a build number
constexpr int AMPERE = 80;

std::string plain(std::string sm) {
    sm.erase(std::remove(sm.begin(), sm.end(), '.'), sm.end());
    return sm;
}

long major_of(const std::string &version) {
    const std::vector<long> release = release_of(version);
    return release.empty() ? 0 : release.front();
}

// Compares as many parts as both state: 10.3.0 and 10.3.0.26 are one release, 10.3 and 10.3.1 are not.
bool same_release(const std::string &built, const std::string &here) {
    std::vector<long> ours = release_of(built), theirs = release_of(here);
    const std::size_t shared = std::max(RELEASE_PARTS, std::min(ours.size(), theirs.size()));
    ours.resize(shared);
    theirs.resize(shared);
    return ours == theirs;
}

// Version-compatible plans exist since 8.6; a later release of the same major runs them, 10 those of 8, 11 those of 10.
bool later_runs(const std::string &built, const std::string &here) {
    if (!satisfies(built, std::string(">=8.6"))) return false;
    const long from = major_of(built), to = major_of(here);
    if (from == to) return satisfies(here, ">=" + built);
    return (from == 8 && to == 10) || (from == 10 && to == 11);
}

std::string built_with(const Requirements &needs) {
    std::string version = needs.backend_version.value_or("");
    const std::size_t start = version.find_first_not_of(" =>");
    version = start == std::string::npos ? "" : version.substr(start);
    return version.substr(0, version.find_last_not_of(' ') + 1);
}

bool version_fits(const Requirements &needs, const std::string &here) {
    if (!needs.backend_version) return true;
    const std::string &requirement = *needs.backend_version, built = built_with(needs);
    const std::size_t sign = std::min(requirement.find_first_not_of(' '), requirement.size());
    const bool exact = requirement.compare(sign, 2, "==") == 0, lower = requirement.compare(sign, 2, ">=") == 0;
    const bool single = (exact || lower) && requirement.find(',') == std::string::npos;
    if (single && needs.version_compatible) return same_release(built, here) || later_runs(built, here);
    if (single && exact) return same_release(built, here);
    return satisfies(here, needs.backend_version);
}

bool sm_fits(const Requirements &needs, const GpuMachine &machine) {
    if (plain(*needs.sm) == machine.sm) return true;
    // Hardware compatibility does not reach Jetson, whose GPU is part of the processor.
    return needs.compatibility == "ampere_plus" && std::atoi(machine.sm.c_str()) >= AMPERE && !machine.integrated;
}

}  // namespace

std::vector<std::string> obstacles(const Requirements &needs, const GpuMachine &machine) {
    std::vector<std::string> found;
    if (needs.platform && *needs.platform != machine.platform)
        found.push_back("it was built for " + *needs.platform + " (here " + machine.platform + ")");
    if (!version_fits(needs, machine.tensorrt))
        found.push_back("it was built with TensorRT " + built_with(needs) + " (here " + machine.tensorrt + ")");
    if (needs.sm && !sm_fits(needs, machine))
        found.push_back("it was built for SM " + plain(*needs.sm) + (needs.device ? ", " + *needs.device : "") +
                        " (here SM " + machine.sm + ", " + machine.gpu + ")");
    if (needs.cuda && !machine.driver_cuda.empty() && major_of(*needs.cuda) > major_of(machine.driver_cuda))
        found.push_back("it needs a driver for CUDA " + *needs.cuda + " (here one for CUDA " + machine.driver_cuda +
                        ")");
    // Jetson numbers its driver after Jetson Linux (35.4.1), so it compares with no other.
    const bool comparable = needs.driver_min && !machine.driver.empty() && !machine.integrated;
    if (comparable && !satisfies(machine.driver, ">=" + *needs.driver_min))
        found.push_back("it needs the NVIDIA driver " + *needs.driver_min + " or newer (here " + machine.driver + ")");
    return found;
}

std::string driver_from_proc(const std::string &text) {
    const std::string line = text.substr(0, std::min<std::size_t>(text.find('\n'), 200));
    std::smatch match;
    const std::regex version("^NVRM version:.*?Kernel Module.*?\\s(\\d+(?:\\.\\d+)+)\\b");
    return std::regex_search(line, match, version) ? match[1].str() : "";
}

}  // namespace dgiqa
