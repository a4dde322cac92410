// dgiqa-edge-native: scores, gates and measures without Python. Exit codes: 2 usage, 3 input, 4 environment,
// 130 and 143 interrupted, 141 nobody reads the output.
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "commands.hpp"
#include "dgiqa_edge.h"
#include "errors.hpp"
#include "formats/quoting.hpp"
#include "output.hpp"

namespace dgiqa_tool {
namespace {

struct Entry {
    const Command &(*command)();
    int (*run)(const Arguments &arguments);
};

const Entry kEntries[] = {
    {score_command, run_score}, {gate_command, run_gate}, {bench_command, run_bench}, {info_command, run_info}};

std::string usage() {
    std::string text = "usage: dgiqa-edge-native COMMAND [options]\n\ncommands:\n";
    for (const Entry &entry : kEntries) {
        std::string name = entry.command().name;
        name.resize(8, ' ');
        text += "  " + name + entry.command().summary + "\n";
    }
    return text +
           "\nexample:\n  dgiqa-edge-native score --bundle build/demo/bundle photo.jpg\n"
           "\ndgiqa-edge-native COMMAND --help tells more; --version prints the library's version.\n";
}

int exit_code_of(dgiqa_status status) {
    switch (status) {
        case DGIQA_OK:
            return 0;
        case DGIQA_ERROR_CONFIGURATION:
            return kExitUsage;
        case DGIQA_ERROR_ENGINE_COMPATIBILITY:
        case DGIQA_ERROR_MACHINE:
            return kExitEnvironment;
        default:
            return kExitInput;
    }
}

int run(const std::vector<std::string> &words) {
    if (words.empty() || words[0] == "--help" || words[0] == "-h") {
        if (!words.empty()) return print("%s", usage().c_str()), 0;
        std::fputs(usage().c_str(), stderr);
        return kExitUsage;
    }
    if (words[0] == "--version") {
        print("dgiqa-edge-native %s\n", dgiqa_version());
        return 0;
    }
    for (const Entry &entry : kEntries) {
        if (words[0] != entry.command().name) continue;
        const Arguments arguments(entry.command(), {words.begin() + 1, words.end()});
        if (!arguments.wants_help()) return entry.run(arguments);
        print("%s", help_of(entry.command()).c_str());
        return 0;
    }
    throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION,
                       "there is no command " + dgiqa::quoted(words[0]) + "; see dgiqa-edge-native --help");
}

}  // namespace
}  // namespace dgiqa_tool

int main(int argc, char **argv) {
    dgiqa_tool::prepare_streams();
    try {
        return dgiqa_tool::run({argv + 1, argv + argc});
    } catch (const dgiqa::Error &error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return dgiqa_tool::exit_code_of(error.status());
    } catch (const dgiqa_tool::ReaderGone &) {
        return dgiqa_tool::kExitReaderGone;
    } catch (const std::bad_alloc &) {
        std::fputs("error: out of memory: give smaller pictures\n", stderr);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "error: unexpected: %s\n", dgiqa::shown_name(error.what()).c_str());
    }
    return dgiqa_tool::kExitEnvironment;
}
