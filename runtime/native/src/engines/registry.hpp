// Which backend runs which engine file, and whether a loaded engine keeps the manifest's tensor contract.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/engine.hpp"

namespace dgiqa {

// In the order of preference.
using Backends = std::vector<const Backend *>;

// All that this library knows, those that its build lacks too.
const Backends &all_backends();

// Those of this build, by name.
std::vector<std::string> names_of_built(const Backends &backends = all_backends());

// Loads one engine of a verified bundle. "auto" takes the backend that the bundle prefers for its portable graph, where
// this build has it, else the first record of the manifest that this build can run. A backend
// that runs portable graphs can be asked for with any bundle, and stands in for another that does and is missing.
// Throws Error: ENGINE_COMPATIBILITY (no such backend here, or this machine does not meet its requirements), BUNDLE
// (the engine's tensors are not the ones the manifest promises), MACHINE, CONFIGURATION (an unknown backend's name).
std::unique_ptr<Engine> load_engine(const Bundle &bundle, const std::string &role, const EngineOptions &options,
                                    const Backends &backends = all_backends());

// Inputs and outputs that the engine of a role must have (frame graph contract, fused or split).
struct Contract {
    std::vector<TensorSpec> inputs;
    std::vector<TensorSpec> outputs;
};
Contract contract(const Manifest &manifest, const std::string &role);

// Throws Error(DGIQA_ERROR_BUNDLE): the engine has other tensors.
void check_contract(const Engine &engine, const Contract &promised, const std::string &where,
                    const std::string &remedy);

}  // namespace dgiqa
