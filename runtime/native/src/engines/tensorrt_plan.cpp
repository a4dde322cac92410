#include "engines/tensorrt_plan.hpp"

#include <algorithm>

#include "errors.hpp"
#include "formats/whole_file.hpp"

namespace dgiqa {
namespace {

constexpr std::uint64_t kMostPlanBytes = std::uint64_t{64} << 30;  // its size is the manifest's, checked before

std::vector<std::uint8_t> content_of(const std::string &path) {
    try {
        return whole_file(path, kMostPlanBytes);
    } catch (const FileError &error) {
        throw Error(DGIQA_ERROR_BUNDLE, path + " " + error.what() + ": copy the bundle again");
    }
}

const char *dtype_of(nvinfer1::DataType type) {
    if (type == nvinfer1::DataType::kUINT8) return "uint8";
    if (type == nvinfer1::DataType::kFLOAT) return "float32";
    return nullptr;  // the frame graph's inputs and outputs have no other
}

}  // namespace

void TensorRtLog::log(Severity severity, const char *message) noexcept {
    if (severity > Severity::kWARNING || message == nullptr) return;
    try {
        const std::lock_guard<std::mutex> lock(mutex_);
        last_ = message;
        std::replace(last_.begin(), last_.end(), '\n', ' ');
    } catch (...) {  // a message that finds no memory is lost
    }
}

std::string TensorRtLog::reason() {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::string reason = last_.empty() ? "no reason given" : last_;
    last_.clear();
    return reason;
}

TensorRtPlan::TensorRtPlan(const std::string &where, const std::string &rebuild, bool host_code) {
    const std::vector<std::uint8_t> content = content_of(where);
    runtime_.reset(nvinfer1::createInferRuntime(log_));
    if (!runtime_)
        throw Error(DGIQA_ERROR_MACHINE, "TensorRT " + tensorrt_version() + " cannot start (" + log_.reason() +
                                             "): repair the NVIDIA driver");
#if NV_TENSORRT_MAJOR > 8 || (NV_TENSORRT_MAJOR == 8 && NV_TENSORRT_MINOR >= 6)
    runtime_->setEngineHostCodeAllowed(host_code);  // version-compatible plans carry code of their own
#else
    (void)host_code;
#endif
    engine_.reset(runtime_->deserializeCudaEngine(content.data(), content.size()));
    if (!engine_)
        throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY, "TensorRT " + tensorrt_version() + " cannot read " + where +
                                                          " (" + log_.reason() + "): rebuild it here with: " + rebuild);
    for (int index = 0; index < engine_->getNbIOTensors(); ++index) {
        const char *name = engine_->getIOTensorName(index);
        const bool input = engine_->getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT;
        (input ? inputs_ : outputs_).push_back(spec_of(name, where, rebuild));
    }
    context_.reset(engine_->createExecutionContext());
    if (!context_)
        throw Error(DGIQA_ERROR_MACHINE, "the GPU has no room to run " + where + " (" + log_.reason() +
                                             "): stop other programs that use the GPU, or build a smaller preset");
    for (const TensorSpec &spec : inputs_) {
        nvinfer1::Dims dims = engine_->getTensorShape(spec.name.c_str());
        if (dims.nbDims < 1 || dims.d[0] >= 0) continue;
        dims.d[0] = 1;
        if (!context_->setInputShape(spec.name.c_str(), dims))
            throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY, where + " does not take one frame (" + log_.reason() +
                                                              "): rebuild it here with: " + rebuild);
    }
}

TensorSpec TensorRtPlan::spec_of(const char *name, const std::string &where, const std::string &rebuild) const {
    const nvinfer1::Dims dims = engine_->getTensorShape(name);
    const char *dtype = dtype_of(engine_->getTensorDataType(name));
    TensorSpec spec{name, dtype == nullptr ? "" : dtype, {}};
    for (int i = 0; i < dims.nbDims; ++i) spec.shape.push_back(dims.d[i]);
    if (!spec.shape.empty() && spec.shape[0] < 0) spec.shape[0] = 1;  // an open batch, of which one frame is given
    const char *problem = nullptr;
    if (std::any_of(spec.shape.begin(), spec.shape.end(), [](std::int64_t side) { return side < 0; }))
        problem = "has an open shape";
    else if (engine_->getTensorLocation(name) != nvinfer1::TensorLocation::kDEVICE)
        problem = "must lie in host memory";
    else if (engine_->getTensorFormat(name) != nvinfer1::TensorFormat::kLINEAR)
        problem = "is not laid out as LINEAR";
    else if (dtype == nullptr)
        problem = "is neither uint8 nor float32";
    if (problem != nullptr)
        throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                    where + ": the tensor '" + name + "' " + problem +
                        ", which this runtime does not serve: rebuild it with: " + rebuild);
    return spec;
}

std::string tensorrt_version() {
    // 8.6.1 is 8601, since TensorRT 10 10.3.0 is 100300.
    const int number = getInferLibVersion();
    const int unit = number >= 100000 ? 10000 : 1000;
    return std::to_string(number / unit) + "." + std::to_string(number % unit / 100) + "." +
           std::to_string(number % 100);
}

}  // namespace dgiqa
