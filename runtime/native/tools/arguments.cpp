#include "arguments.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "errors.hpp"
#include "formats/quoting.hpp"

namespace dgiqa_tool {
namespace {

const Option kHelp = {"--help", nullptr, "show this text"};

[[noreturn]] void refuse(const std::string &command, const std::string &what) {
    throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION, what + "; see dgiqa-edge-native " + command + " --help");
}

std::string short_text(double number) {
    std::ostringstream text;
    text << number;
    return text.str();
}

const Option *find_option(const Command &command, const std::string &name) {
    for (const Option &option : command.options)
        if (name == option.name) return &option;
    return name == kHelp.name || name == "-h" ? &kHelp : nullptr;
}

}  // namespace

Arguments::Arguments(const Command &command, const std::vector<std::string> &words) : command_(command.name) {
    bool only_operands = false;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string &word = words[at];
        if (word.empty()) refuse(command_, "an empty argument is no path (an unset variable?): give one");
        if (only_operands || word.size() < 2 || word[0] != '-') {
            operands_.push_back(word);
            continue;
        }
        if (word == "--") {
            only_operands = true;
            continue;
        }
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const Option *option = find_option(command, name);
        if (option == nullptr) refuse(command_, "there is no option " + name);
        if (has(option->name)) refuse(command_, std::string(option->name) + " is given twice");
        std::string value;
        if (option->value == nullptr) {
            if (equals != std::string::npos) refuse(command_, name + " takes no value");
        } else if (equals != std::string::npos) {
            value = word.substr(equals + 1);
        } else if (++at < words.size()) {
            value = words[at];
        } else {
            refuse(command_, name + " needs a value (" + option->value + ")");
        }
        if (option->value != nullptr && value.empty())
            refuse(command_, name + " is empty (an unset variable?): give its value (" + option->value + ")");
        given_[option->name] = value;
    }
    if (command.operands == nullptr && !operands_.empty() && !wants_help())
        refuse(command_, command_ + " takes no '" + operands_.front() + "'");
}

std::optional<std::string> Arguments::text(const std::string &name) const {
    const auto found = given_.find(name);
    return found == given_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

std::string Arguments::required(const std::string &name) const {
    const auto value = text(name);
    if (!value) refuse(command_, name + " is missing");
    return *value;
}

int Arguments::whole(const std::string &name, int fallback, int least, int most) const {
    const auto value = text(name);
    if (!value) return fallback;
    char *end = nullptr;
    const long number = std::strtol(value->c_str(), &end, 10);
    if (*end != '\0' || number < least || number > most)
        refuse(command_, name + ": " + dgiqa::quoted(*value) + " is no whole number from " + std::to_string(least) +
                             " to " + std::to_string(most));
    return static_cast<int>(number);
}

std::optional<double> Arguments::number(const std::string &name, double least, double most) const {
    const auto value = text(name);
    if (!value) return std::nullopt;
    char *end = nullptr;
    const double number = std::strtod(value->c_str(), &end);
    if (*end != '\0' || !(number >= least && number <= most))  // nan is neither
        refuse(command_, name + ": " + dgiqa::quoted(*value) + " is no number from " + short_text(least) + " to " +
                             short_text(most));
    return number;
}

std::string help_of(const Command &command) {
    std::ostringstream text;
    text << "usage: dgiqa-edge-native " << command.name << " [options]"
         << (command.operands != nullptr ? std::string(" ") + command.operands : "") << "\n\n"
         << command.summary << "\n\noptions:\n";
    std::vector<Option> options = command.options;
    options.push_back(kHelp);
    for (const Option &option : options) {
        std::string left = option.name;
        if (option.value != nullptr) left += std::string(" ") + option.value;
        left.resize(std::max<std::size_t>(left.size() + 2, 22), ' ');
        text << "  " << left << option.help << "\n";
    }
    text << "\nexample:\n  " << command.example << "\n";
    return text.str();
}

std::vector<Option> with_scorer_options(std::vector<Option> own) {
    std::vector<Option> options = {{"--bundle", "DIR", "the bundle that build_engine.py wrote"}};
    options.insert(options.end(), own.begin(), own.end());
    options.insert(options.end(), {{"--backend", "NAME", "auto, or one that info lists (default: auto)"},
                                   {"--threads", "N", "threads of the engine (default: its own choice)"},
                                   {"--fit", "NAME",
                                    "stretch, pad or crop frames of another shape (default: as the bundle says)"},
                                   {"--strict-size", nullptr, "refuse frames of another size than the bundle's"},
                                   {"--no-verify", nullptr, "skip replaying the golden frame first"},
                                   {"--json", nullptr, "print JSON"}});
    return options;
}

}  // namespace dgiqa_tool
