#include "api/build_info.hpp"

#include <nlohmann/json.hpp>

#include "engines/registry.hpp"

namespace dgiqa {

std::string build_info() {
#ifdef DGIQA_WITH_CUDA
    const bool cuda = true;
#else
    const bool cuda = false;
#endif
    const nlohmann::json info = {{"version", DGIQA_EDGE_VERSION},
                                 {"compiler", __VERSION__},
                                 {"backends", names_of_built()},
                                 {"cuda_kernels", cuda}};
    return info.dump();
}

}  // namespace dgiqa
