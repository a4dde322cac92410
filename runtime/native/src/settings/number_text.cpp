#include "settings/number_text.hpp"

#include <iomanip>
#include <locale>
#include <sstream>

namespace dgiqa {

std::string number_text(double number) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text << number;
    return text.str();
}

std::string tenths_text(double number) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text << std::fixed << std::setprecision(1) << number;
    return text.str();
}

}  // namespace dgiqa
