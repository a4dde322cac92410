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

// An input that lies in a GPU's memory: what writes it is queued on the stream (a cudaStream_t).
struct DeviceInput {
    std::uint8_t *memory = nullptr;  // null: this backend takes host memory only
    void *stream = nullptr;
};

// A loaded engine file; for one thread at a time.
class Engine {
public:
    virtual ~Engine() = default;

    virtual const std::vector<TensorSpec> &inputs() const = 0;
    virtual const std::vector<TensorSpec> &outputs() const = 0;

    // Where an input may be written to instead of giving it to run().
    virtual DeviceInput device_input(const std::string &) { return {}; }

    // Executes once; all outputs are given, and all inputs but those written through device_input(). The memory is used
    // only during the call.
    // Throws Error(ENGINE_COMPATIBILITY or MACHINE): the backend failed on this machine.
    virtual void run(const Inputs &inputs, const Outputs &outputs) = 0;

    // Facts: role, the file's SHA-256, backend and its version, device, options.
    virtual Json describe() const = 0;
};

struct EngineOptions {
    std::string backend = "auto";
    int threads = 0;  // of a backend that computes on the CPU; 0: its choice
};

// What a backend says of itself, in its own file and nowhere else; the registry lists it.
struct Backend {
    // Opens one engine of a verified bundle. Throws Error: ENGINE_COMPATIBILITY (all reasons are named) or MACHINE.
    using Load = std::unique_ptr<Engine> (*)(const Bundle &, const EngineRecord &, const EngineOptions &);

    const char *name;           // in manifests, in EngineOptions, and in the build's option DGIQA_EDGE_<NAME>
    const char *title;          // in messages
    bool runs_portable_graphs;  // can be asked for with any bundle, and stands in for another that does but is missing
    Load load;                  // null: this build lacks it
};

}  // namespace dgiqa
