// TensorRT (8.5 and later): executes plans on the first GPU, with pinned host buffers, one stream and a CUDA graph.
#pragma once

#include <memory>

#include "engines/engine.hpp"

namespace dgiqa {

// Opens one plan of a verified bundle. What does not fit this machine is found before TensorRT sees the file.
// Throws Error: ENGINE_COMPATIBILITY (all reasons are named), MACHINE (no GPU, no driver, no memory).
std::unique_ptr<Engine> load_tensorrt(const Bundle &bundle, const EngineRecord &record);

}  // namespace dgiqa
