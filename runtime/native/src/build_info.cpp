#include "build_info.hpp"

#include <nlohmann/json.hpp>

namespace dgiqa {

std::string build_info() {
    nlohmann::json backends = nlohmann::json::array();
#ifdef DGIQA_WITH_OPENVINO
    backends.push_back("openvino");
#endif
#ifdef DGIQA_WITH_TENSORRT
    backends.push_back("tensorrt");
#endif
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
