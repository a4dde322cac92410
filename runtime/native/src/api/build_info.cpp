#include "api/build_info.hpp"

#include <nlohmann/json.hpp>

#include "engines/registry.hpp"

namespace dgiqa {

std::string build_info() {
    nlohmann::json backends = nlohmann::json::array();
    for (const std::string &backend : backends_of_build()) backends.push_back(backend);
#ifdef DGIQA_WITH_CUDA
    const bool cuda = true;
#else
    const bool cuda = false;
#endif
    const nlohmann::json info = {
        {"version", DGIQA_EDGE_VERSION}, {"compiler", __VERSION__}, {"backends", backends}, {"cuda_kernels", cuda}};
    return info.dump();
}

}  // namespace dgiqa
