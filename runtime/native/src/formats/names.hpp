// How a file's name is shown, as the Python package's runtime/ground/names.py does it. On Linux a name is any bytes but '/'
// and 0: no valid UTF-8, line breaks, a terminal's escape codes.
#pragma once

#include <cstddef>
#include <string>

namespace dgiqa {

// As it is, but bytes that are no UTF-8 become \xe9. For JSON, which holds nothing else.
std::string valid_name(const std::string &name);

// For people, in one line: as valid_name, and control characters become \n, \x1b, \u202e.
std::string shown_name(const std::string &name);

// How many columns a shown name takes, as Python counts: one for each character.
std::size_t columns(const std::string &shown);

}  // namespace dgiqa
