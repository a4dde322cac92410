// The library's exception: a status of the C API and a message that says what to do, one line of UTF-8 whatever names
// of files or texts of strangers were put into it.
#pragma once

#include <stdexcept>
#include <string>

#include "dgiqa_edge.h"
#include "formats/names.hpp"

namespace dgiqa {

class Error : public std::runtime_error {
public:
    Error(dgiqa_status status, const std::string &message) : std::runtime_error(shown_name(message)), status_(status) {}
    dgiqa_status status() const noexcept { return status_; }

private:
    dgiqa_status status_;
};

// Of an argument, a setting or a file of settings: what is wrong with it, and what to give.
[[noreturn]] inline void complain(const std::string &message) { throw Error(DGIQA_ERROR_CONFIGURATION, message); }

}  // namespace dgiqa
