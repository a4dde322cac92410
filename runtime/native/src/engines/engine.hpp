// What every backend offers: named host buffers in, named host buffers out. How it does that is its own business.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bundle/bundle.hpp"

namespace dgiqa {

// An engine's input or output. dtype is a numpy name ("uint8"); a dimension that is not fixed is -1.
struct TensorSpec {
    std::string name;
    std::string dtype;
    std::vector<std::int64_t> shape;

    std::string text() const;   // uint8 [1, 48, 64, 3]
    std::size_t bytes() const;  // of uint8 and float32 tensors of fixed shape
};

// Memory by tensor name, each as large as its specification says.
using Inputs = std::map<std::string, const void *>;
using Outputs = std::map<std::string, void *>;

// A loaded engine file; for one thread at a time.
class Engine {
public:
    virtual ~Engine() = default;

    virtual const std::vector<TensorSpec> &inputs() const = 0;
    virtual const std::vector<TensorSpec> &outputs() const = 0;

    // Executes once; all inputs and outputs are given, and the memory is used only during the call.
    // Throws Error(ENGINE_COMPATIBILITY or MACHINE): the backend failed on this machine.
    virtual void run(const Inputs &inputs, const Outputs &outputs) = 0;

    // Facts: role, the file's SHA-256, backend and its version, device, options.
    virtual Json describe() const = 0;
};

struct EngineOptions {
    std::string backend = "auto";
    int threads = 0;  // of the CPU backend; 0: the backend's choice
};

}  // namespace dgiqa
