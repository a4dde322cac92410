// Names and values as messages show them: one line, valid UTF-8, nothing that a terminal would obey.
#pragma once

#include <string>
#include <vector>

namespace dgiqa {

// 'name', with control characters as \x1b and quotes escaped.
std::string quoted(const std::string &text);

// A command line that a shell would split into these arguments again.
std::string shell_joined(const std::vector<std::string> &arguments);

// a, b, c
std::string joined(const std::vector<std::string> &names, const std::string &separator = ", ");

// [a, b, c]
template <typename Number>
std::string bracketed(const std::vector<Number> &values) {
    std::string text = "[";
    for (const Number &value : values) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
    return text + "]";
}

// Three significant digits.
std::string brief(double value);

}  // namespace dgiqa
