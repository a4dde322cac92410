// A TensorRT plan opened: deserialised, its tensors read by name (TensorRT 8.5 and later), an execution context made.
#pragma once

#include <NvInfer.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engines/engine.hpp"

namespace dgiqa {

// Keeps TensorRT's last warning or error for the message of the exception that follows.
class TensorRtLog : public nvinfer1::ILogger {
public:
    void log(Severity severity, const char *message) noexcept override;
    std::string reason();  // forgets it

private:
    std::mutex mutex_;
    std::string last_;
};

class TensorRtPlan {
public:
    // `where` names the file and `rebuild` the command that makes it anew, for messages.
    // Throws Error: ENGINE_COMPATIBILITY (TensorRT does not take it, or it has tensors that this runtime does not
    // serve), MACHINE (the GPU has no memory left for it).
    TensorRtPlan(const std::string &where, const std::string &rebuild, bool host_code);

    const std::vector<TensorSpec> &inputs() const { return inputs_; }
    const std::vector<TensorSpec> &outputs() const { return outputs_; }
    nvinfer1::IExecutionContext &context() { return *context_; }
    std::string reason() { return log_.reason(); }

private:
    TensorSpec spec_of(const char *name, const std::string &where, const std::string &rebuild) const;

    TensorRtLog log_;  // outlives what TensorRT made with it
    std::unique_ptr<nvinfer1::IRuntime> runtime_;
    std::unique_ptr<nvinfer1::ICudaEngine> engine_;
    std::unique_ptr<nvinfer1::IExecutionContext> context_;
    std::vector<TensorSpec> inputs_, outputs_;
};

// The version of the TensorRT library that this process has loaded, "10.3.0".
std::string tensorrt_version();

}  // namespace dgiqa
