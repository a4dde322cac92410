// What this build can do, and what a bundle is.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "handles.hpp"
#include "output.hpp"
#include "system_facts.hpp"

namespace dgiqa_tool {

const Command &info_command() {
    static const Command command = {"info", nullptr, "the library's build, this machine, and with --bundle the bundle",
                                    "dgiqa-edge-native info --bundle build/demo/bundle --json",
                                    with_scorer_options({})};
    return command;
}

int run_info(const Arguments &arguments) {
    nlohmann::ordered_json info = {{"library", nlohmann::ordered_json::parse(dgiqa_build_info())},
                                   {"system", system_facts()}};
    if (arguments.has("--bundle"))
        info["scorer"] = nlohmann::ordered_json::parse(dgiqa_scorer_describe(scorer_of(arguments).get()));
    if (arguments.has("--json")) {
        print_json(info);
        return 0;
    }
    for (const auto &[section, facts] : info.items()) {
        print("%s\n", section.c_str());
        for (const auto &[name, value] : facts.items())
            print("  %-16s  %s\n", name.c_str(),
                        value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
    }
    return 0;
}

}  // namespace dgiqa_tool
