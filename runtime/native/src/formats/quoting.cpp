#include "formats/quoting.hpp"

#include <cstdio>

#include "formats/names.hpp"

namespace dgiqa {
namespace {

bool is_control(char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f; }

bool needs_no_quotes(const std::string &argument) {
    if (argument.empty()) return false;
    for (char letter : argument) {
        const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                           (letter >= '0' && letter <= '9') ||
                           std::string("_@%+=:,./-").find(letter) != std::string::npos;
        if (!plain) return false;
    }
    return true;
}

}  // namespace

std::string quoted(const std::string &text) {
    std::string escaped;
    for (char letter : text) {
        if (letter == '\'' || letter == '\\') escaped += '\\';
        escaped += letter;
    }
    return "'" + shown_name(escaped) + "'";
}

std::string shell_joined(const std::vector<std::string> &arguments) {
    std::vector<std::string> words;
    for (const std::string &argument : arguments) {
        if (needs_no_quotes(argument)) {
            words.push_back(argument);
            continue;
        }
        std::string word = "'";
        for (char letter : valid_name(argument)) {
            if (letter == '\'')
                word += "'\"'\"'";
            else
                word += is_control(letter) ? '?' : letter;  // a message is one line
        }
        words.push_back(word + "'");
    }
    return joined(words, " ");
}

std::string joined(const std::vector<std::string> &names, const std::string &separator) {
    std::string text;
    for (const std::string &name : names) text += (text.empty() ? "" : separator) + name;
    return text;
}

std::string brief(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
}

}  // namespace dgiqa
