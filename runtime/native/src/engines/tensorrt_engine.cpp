// TensorRT (8.5 and later): executes plans on the first GPU, with pinned host buffers, one stream and a CUDA graph.
#include "engines/engine.hpp"

#ifdef DGIQA_WITH_TENSORRT
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>

#include "engines/cuda_memory.hpp"
#include "engines/processor.hpp"
#include "engines/tensorrt_compatibility.hpp"
#include "engines/tensorrt_plan.hpp"
#include "errors.hpp"
#include "formats/quoting.hpp"
#endif

namespace dgiqa {

extern const Backend tensorrt_backend;

#ifdef DGIQA_WITH_TENSORRT
namespace {

std::string dotted(int cuda_version) {  // 12060
    return std::to_string(cuda_version / 1000) + "." + std::to_string(cuda_version % 1000 / 10);
}

// Asked of the driver first: without one, TensorRT would end the process.
GpuMachine machine_here(const std::string &where) {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess || count < 1)
        throw Error(DGIQA_ERROR_MACHINE, where + " needs an NVIDIA GPU: " +
                                             (status == cudaSuccess ? "there is none" : cudaGetErrorString(status)) +
                                             ": repair that, or run a bundle with a portable graph on the CPU");
    cudaDeviceProp facts = {};
    check_cuda("cudaSetDevice", cudaSetDevice(0));
    check_cuda("cudaGetDeviceProperties", cudaGetDeviceProperties(&facts, 0));
    int driver_cuda = 0;
    check_cuda("cudaDriverGetVersion", cudaDriverGetVersion(&driver_cuda));
    std::ifstream proc("/proc/driver/nvidia/version");
    GpuMachine machine;
    machine.gpu = facts.name;
    machine.sm = std::to_string(facts.major) + std::to_string(facts.minor);
    machine.integrated = facts.integrated != 0;
    machine.driver_cuda = dotted(driver_cuda);
    machine.driver = driver_from_proc({std::istreambuf_iterator<char>(proc), std::istreambuf_iterator<char>()});
    machine.tensorrt = tensorrt_version();
    machine.platform = platform_name();
    return machine;
}

// A tensor's memory on both sides of the bus.
struct BoundTensor {
    TensorSpec spec;
    DeviceMemory device;
    PinnedMemory host;
};

class TensorRtEngine : public Engine {
public:
    TensorRtEngine(const std::string &where, const EngineRecord &record, const std::string &rebuild,
                   const GpuMachine &machine, Json &&facts)
        : where_(where),
          rebuild_(rebuild),
          machine_(machine),
          facts_(std::move(facts)),
          plan_(where, rebuild, record.requires_.version_compatible) {
        guarded([&] {
            stream_ = new_stream();
            for (const TensorSpec &spec : plan_.inputs()) inputs_.push_back(bound(spec));
            for (const TensorSpec &spec : plan_.outputs()) outputs_.push_back(bound(spec));
            for (BoundTensor &tensor : inputs_)
                check_cuda("cudaMemsetAsync",
                           cudaMemsetAsync(tensor.device.get(), 0, tensor.spec.bytes(), stream_.get()));
            run_plainly();  // TensorRT sets itself up on its first run; a graph must not record that
            capture();
        });
        facts_["cuda_graph"] = graph_ != nullptr;
        facts_["cuda_graph_note"] = graph_note_;
    }

    ~TensorRtEngine() override { cudaStreamSynchronize(stream_.get()); }

    const std::vector<TensorSpec> &inputs() const override { return plan_.inputs(); }
    const std::vector<TensorSpec> &outputs() const override { return plan_.outputs(); }

    DeviceInput device_input(const std::string &name) override {
        for (const BoundTensor &tensor : inputs_)
            if (tensor.spec.name == name) return {static_cast<std::uint8_t *>(tensor.device.get()), stream_.get()};
        return {};
    }

    void run(const Inputs &inputs, const Outputs &outputs) override {
        guarded([&] {
            for (const BoundTensor &tensor : inputs_) {
                const auto given = inputs.find(tensor.spec.name);
                if (given != inputs.end()) upload(tensor, given->second);
            }
            if (!graph_) return run_plainly();
            check_cuda("cudaGraphLaunch", cudaGraphLaunch(graph_.get(), stream_.get()));
            check_cuda("cudaStreamSynchronize", cudaStreamSynchronize(stream_.get()));
        });
        for (BoundTensor &tensor : outputs_)
            std::memcpy(outputs.at(tensor.spec.name), tensor.host.get(), tensor.spec.bytes());
    }

    Json describe() const override { return facts_; }

private:
    BoundTensor bound(const TensorSpec &spec) {
        BoundTensor tensor{spec, device_memory(spec.bytes()), pinned_memory(spec.bytes())};
        if (!plan_.context().setTensorAddress(spec.name.c_str(), tensor.device.get()))
            throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY, where_ + ": TensorRT does not take memory for '" + spec.name +
                                                              "' (" + plan_.reason() +
                                                              "): rebuild it here with: " + rebuild_);
        return tensor;
    }

    // Outside the graph: an input may lie on the device already.
    void upload(const BoundTensor &tensor, const void *from) {
        std::memcpy(tensor.host.get(), from, tensor.spec.bytes());
        check_cuda("cudaMemcpyAsync", cudaMemcpyAsync(tensor.device.get(), tensor.host.get(), tensor.spec.bytes(),
                                                      cudaMemcpyHostToDevice, stream_.get()));
    }

    // Computes and copies out: what the CUDA graph records.
    void enqueue() {
        if (!plan_.context().enqueueV3(stream_.get()))
            throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY, "TensorRT " + machine_.tensorrt + " failed to run " + where_ +
                                                              " (" + plan_.reason() +
                                                              "): rebuild it here with: " + rebuild_);
        for (const BoundTensor &tensor : outputs_)
            check_cuda("cudaMemcpyAsync", cudaMemcpyAsync(tensor.host.get(), tensor.device.get(), tensor.spec.bytes(),
                                                          cudaMemcpyDeviceToHost, stream_.get()));
    }

    void run_plainly() {
        enqueue();
        check_cuda("cudaStreamSynchronize", cudaStreamSynchronize(stream_.get()));
    }

    // Records the work as a CUDA graph; where that fails, frames run without one.
    void capture() {
        try {
            check_cuda("cudaStreamBeginCapture",
                       cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal));
            const Graph recorded = end_capture();
            cudaGraphExec_t executable = nullptr;
            check_cuda("cudaGraphInstantiateWithFlags", cudaGraphInstantiateWithFlags(&executable, recorded.get(), 0));
            graph_.reset(executable);
            check_cuda("cudaGraphLaunch", cudaGraphLaunch(graph_.get(), stream_.get()));
            check_cuda("cudaStreamSynchronize", cudaStreamSynchronize(stream_.get()));
            graph_note_ = "captured";
        } catch (const std::runtime_error &error) {  // CudaFailure, or Error of TensorRT
            graph_.reset();
            graph_note_ = std::string("not captured: ") + error.what();
            cudaGetLastError();  // what is not fatal is forgotten
            run_plainly();       // if the failed capture took the device with it, it is said now
        }
    }

    // The capture must be ended even where the work could not be enqueued, or the stream stays unusable.
    Graph end_capture() {
        std::exception_ptr failure;
        try {
            enqueue();
        } catch (...) {
            failure = std::current_exception();
        }
        cudaGraph_t recorded = nullptr;
        const cudaError_t status = cudaStreamEndCapture(stream_.get(), &recorded);
        Graph graph(recorded);
        if (failure) std::rethrow_exception(failure);
        check_cuda("cudaStreamEndCapture", status);
        return graph;
    }

    // Device 0 for the calling thread, and failed CUDA calls as errors that say what to do.
    void guarded(const std::function<void()> &body) {
        try {
            check_cuda("cudaSetDevice", cudaSetDevice(0));
            body();
        } catch (const CudaFailure &error) {
            if (error.out_of_memory())
                throw Error(DGIQA_ERROR_MACHINE, machine_.gpu + " has no memory left for " + where_ + " (" +
                                                     error.what() +
                                                     "): stop other programs that use it, or build a smaller preset");
            throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                        machine_.gpu + " failed while running " + where_ + " (" + error.what() +
                            "): start the process again; if it fails again, rebuild the engine with: " + rebuild_);
        }
    }

    std::string where_, rebuild_;
    GpuMachine machine_;
    Json facts_;
    TensorRtPlan plan_;
    Stream stream_;
    std::vector<BoundTensor> inputs_, outputs_;
    ExecutableGraph graph_;
    std::string graph_note_;
};

// What does not fit this machine is found before TensorRT sees the file.
std::unique_ptr<Engine> load(const Bundle &bundle, const EngineRecord &record, const EngineOptions &) {
    const std::string where = bundle.file(record.file), rebuild = bundle.rebuild_command();
    try {
        const GpuMachine machine = machine_here(where);
        const std::vector<std::string> problems = obstacles(record.requires_, machine);
        if (!problems.empty())
            throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                        where + " cannot run here: " + joined(problems, "; ") + ": rebuild it here with: " + rebuild);
        Json facts = {{"role", record.role},
                      {"sha256", bundle.manifest.files.at(record.file).sha256},
                      {"backend", tensorrt_backend.name},
                      {"backend_version", machine.tensorrt},
                      {"device", machine.gpu},
                      {"sm", machine.sm},
                      {"driver", machine.driver},
                      {"driver_cuda", machine.driver_cuda}};
        return std::make_unique<TensorRtEngine>(where, record, rebuild, machine, std::move(facts));
    } catch (const CudaFailure &error) {
        throw Error(DGIQA_ERROR_MACHINE, where + " needs an NVIDIA GPU that works (" + error.what() + ")");
    }
}

}  // namespace
#else
constexpr Backend::Load load = nullptr;
#endif

const Backend tensorrt_backend = {"tensorrt", "TensorRT", false, load};

}  // namespace dgiqa
