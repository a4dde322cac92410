// Command-line arguments of one sub-command: options by name, the rest in their order.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dgiqa_tool {

struct Option {
    const char *name;   // "--threads"
    const char *value;  // what stands for its value in the help; NULL: a switch
    const char *help;
};

struct Command {
    const char *name;
    const char *operands;  // "IMAGES..."; NULL: none
    const char *summary;
    const char *example;
    std::vector<Option> options;
};

class Arguments {
public:
    // Throws Error(DGIQA_ERROR_CONFIGURATION): an option that does not exist, twice, or without its value,
    // and an empty word: it is an unset variable, never the working directory.
    Arguments(const Command &command, const std::vector<std::string> &words);

    bool wants_help() const { return has("--help"); }
    bool has(const std::string &name) const { return given_.count(name) != 0; }
    std::optional<std::string> text(const std::string &name) const;
    std::string required(const std::string &name) const;  // throws where it is absent
    const std::vector<std::string> &operands() const { return operands_; }

    // Whole and real numbers within bounds that every option has to state; throw Error(DGIQA_ERROR_CONFIGURATION).
    int whole(const std::string &name, int fallback, int least, int most) const;
    std::optional<double> number(const std::string &name, double least, double most) const;

private:
    std::string command_;
    std::map<std::string, std::string> given_;
    std::vector<std::string> operands_;
};

std::string help_of(const Command &command);

// What the commands that score have in common: --bundle, --backend, --threads, --fit, --strict-size, --no-verify,
// --json.
std::vector<Option> with_scorer_options(std::vector<Option> own);

}  // namespace dgiqa_tool
