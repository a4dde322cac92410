// The library's exception: a status of the C API and a one-line message that says what to do.
#pragma once

#include <stdexcept>
#include <string>

#include "dgiqa_edge.h"

namespace dgiqa {

class Error : public std::runtime_error {
public:
    Error(dgiqa_status status, const std::string &message) : std::runtime_error(message), status_(status) {}
    dgiqa_status status() const noexcept { return status_; }

private:
    dgiqa_status status_;
};

}  // namespace dgiqa
