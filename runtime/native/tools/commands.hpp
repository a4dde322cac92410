// The sub-commands: each describes itself and runs; the result is the exit code.
#pragma once

#include "arguments.hpp"

namespace dgiqa_tool {

constexpr int kExitUsage = 2;
constexpr int kExitInput = 3;
constexpr int kExitEnvironment = 4;
constexpr int kExitReaderGone = 141;  // 128 + SIGPIPE

const Command &score_command();
int run_score(const Arguments &arguments);

const Command &gate_command();
int run_gate(const Arguments &arguments);

const Command &bench_command();
int run_bench(const Arguments &arguments);

const Command &info_command();
int run_info(const Arguments &arguments);

}  // namespace dgiqa_tool
