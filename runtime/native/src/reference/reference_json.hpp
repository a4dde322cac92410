// A reference view as JSON: the file that the Python package's runtime/gate/reference/reference_file.py writes and reads.
#pragma once

#include <string>

#include "reference/reference.hpp"

namespace dgiqa {

// Throws where the text is no reference view that can be used; the message says why.
ReferenceView read_reference(const std::string &text);

std::string write_reference(const ReferenceView &reference);

}  // namespace dgiqa
