// Facts about this build of the library.
#pragma once

#include <string>

namespace dgiqa {

// JSON object: version, compiler, backends, frame kernels.
std::string build_info();

}  // namespace dgiqa
