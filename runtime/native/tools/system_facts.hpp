// Facts about this machine and this process, from Linux's /proc and /sys.
#pragma once

#include <nlohmann/json.hpp>

namespace dgiqa_tool {

// JSON object: cpu, cores, memory, kernel, architecture, frequency governor; null where Linux does not tell.
nlohmann::ordered_json system_facts();

// The most physical memory this process has held, in MiB; 0 where Linux does not tell.
double peak_rss_mib();

// Seconds since the kernel started this process, in steps of its clock tick (10 ms as a rule).
double seconds_since_process_start();

}  // namespace dgiqa_tool
