// OpenVINO: executes the portable graph on the CPU.
#pragma once

#include <memory>

#include "engines/engine.hpp"

namespace dgiqa {

// Compiles one graph of a verified bundle; inner results stay FP32 where the graph says so.
// Throws Error(DGIQA_ERROR_ENGINE_COMPATIBILITY): OpenVINO is too old or cannot load it.
std::unique_ptr<Engine> load_openvino(const Bundle &bundle, const EngineRecord &record, const EngineOptions &options);

}  // namespace dgiqa
