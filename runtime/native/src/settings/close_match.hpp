// "Did you mean": the known word that is most like a mistyped one, by the ratio that Python's difflib uses.
#pragma once

#include <string>
#include <vector>

namespace dgiqa {

// The most similar of the known words; empty where none has a ratio of 0.6 or more.
std::string close_match(const std::string &given, const std::vector<std::string> &known);

}  // namespace dgiqa
