// Numbers in messages: the same text under every locale of the host program.
#pragma once

#include <string>

namespace dgiqa {

// Up to six significant digits, like "%g".
std::string number_text(double number);

// One digit after the point, like "%.1f".
std::string tenths_text(double number);

}  // namespace dgiqa
