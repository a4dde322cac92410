// ONNX Runtime: executes the portable graph on the CPU, with the same session options as the Python runtime.
#pragma once

#include <memory>

#include "engines/engine.hpp"

namespace dgiqa {

// Creates a session for one engine file, or portable graph, of a verified bundle.
// Throws Error(DGIQA_ERROR_ENGINE_COMPATIBILITY): ONNX Runtime is too old or cannot load it.
std::unique_ptr<Engine> load_onnxruntime(const Bundle &bundle, const EngineRecord &record,
                                         const EngineOptions &options);

}  // namespace dgiqa
