// ONNX Runtime: executes the portable graph on the CPU.
#include "engines/portable_graph.hpp"

#ifdef DGIQA_WITH_ONNXRUNTIME
#define ORT_API_MANUAL_INIT  // the table of functions is asked for below, where an old library can be reported
#include <onnxruntime_cxx_api.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "engines/optimized_graph.hpp"
#include "engines/processor.hpp"
#include "errors.hpp"
#include "formats/whole_file.hpp"
#endif

namespace dgiqa {

extern const Backend onnxruntime_backend;

#ifdef DGIQA_WITH_ONNXRUNTIME
namespace {

constexpr OrtLoggingLevel kErrorsOnly = ORT_LOGGING_LEVEL_ERROR;  // its warnings speak of what no user can mend

std::string version() { return OrtGetApiBase()->GetVersionString(); }

// Once for the process. A library older than the headers of this build has no such table.
void start_api() {
    static const OrtApi *const api = [] {
        const OrtApi *found = OrtGetApiBase()->GetApi(ORT_API_VERSION);
        if (found != nullptr) Ort::InitApi(found);
        return found;
    }();
    if (api == nullptr)
        throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                    "this library was built for ONNX Runtime 1." + std::to_string(ORT_API_VERSION) +
                        " or newer and found " + version() + ": install a newer one, or build against its headers");
}

// One for the process, never destroyed: scorers may outlive the static objects of this library.
Ort::Env &environment() {
    static Ort::Env &shared = *[] {
#ifndef _WIN32
        setenv("ORT_DISABLE_TELEMETRY", "1", 0);  // ONNX Runtime would report that it runs; a caller's own word counts
#endif
        return new Ort::Env(kErrorsOnly, "dgiqa_edge");
    }();
    return shared;
}

std::string dtype_name(ONNXTensorElementDataType type) {
    switch (type) {
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8: return "uint8";
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: return "float32";
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16: return "float16";
        default: return "ONNX type " + std::to_string(type);
    }
}

ONNXTensorElementDataType dtype_of(const TensorSpec &spec) {
    return spec.dtype == "uint8" ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}

TensorSpec spec_of(const Ort::AllocatedStringPtr &name, const Ort::TypeInfo &type) {
    const auto tensor = type.GetTensorTypeAndShapeInfo();
    std::vector<std::int64_t> shape = tensor.GetShape();
    if (!shape.empty() && shape[0] < 0) shape[0] = 1;  // an open batch, of which one frame is given
    return {name.get(), dtype_name(tensor.GetElementType()), std::move(shape)};
}

class OnnxRuntimeEngine : public Engine {
public:
    OnnxRuntimeEngine(Ort::Session &&session, const std::string &file, Json &&facts)
        : session_(std::move(session)),
          memory_(Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeCPU)),
          file_(file),
          facts_(std::move(facts)) {
        Ort::AllocatorWithDefaultOptions strings;
        for (std::size_t i = 0; i < session_.GetInputCount(); ++i)
            inputs_.push_back(spec_of(session_.GetInputNameAllocated(i, strings), session_.GetInputTypeInfo(i)));
        for (std::size_t i = 0; i < session_.GetOutputCount(); ++i)
            outputs_.push_back(spec_of(session_.GetOutputNameAllocated(i, strings), session_.GetOutputTypeInfo(i)));
#ifdef __GLIBC__
        malloc_trim(0);  // what opening the graph took and gave back: 3 MiB for nano
#endif
    }

    const std::vector<TensorSpec> &inputs() const override { return inputs_; }
    const std::vector<TensorSpec> &outputs() const override { return outputs_; }

    void run(const Inputs &inputs, const Outputs &outputs) override {
        std::vector<const char *> given_names, wanted_names;
        std::vector<Ort::Value> given, wanted;
        try {
            for (const TensorSpec &spec : inputs_) {
                given_names.push_back(spec.name.c_str());
                given.push_back(over(spec, const_cast<void *>(inputs.at(spec.name))));
            }
            for (const TensorSpec &spec : outputs_) {
                wanted_names.push_back(spec.name.c_str());
                wanted.push_back(over(spec, outputs.at(spec.name)));
            }
            session_.Run(Ort::RunOptions{nullptr}, given_names.data(), given.data(), given.size(), wanted_names.data(),
                         wanted.data(), wanted.size());
        } catch (const Ort::Exception &error) {
            throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                        "ONNX Runtime " + version() + " failed to run " + file_ + ": " + error.what());
        }
    }

    Json describe() const override { return facts_; }

private:
    // The caller's memory as a tensor: nothing is copied.
    Ort::Value over(const TensorSpec &spec, void *memory) const {
        return Ort::Value::CreateTensor(memory_, memory, spec.bytes(), spec.shape.data(), spec.shape.size(),
                                        dtype_of(spec));
    }

    Ort::Session session_;
    Ort::MemoryInfo memory_;
    std::vector<TensorSpec> inputs_, outputs_;
    std::string file_;
    Json facts_;
};

Ort::SessionOptions session_options(const Bundle &bundle, const EngineOptions &options) {
    Ort::SessionOptions settings;
    settings.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
    settings.SetExecutionMode(ORT_SEQUENTIAL);
    settings.SetInterOpNumThreads(1);
    settings.SetLogSeverityLevel(kErrorsOnly);
    settings.DisableMemPattern();  // 2 MiB less for nano, and no slower: the arena finds the same places
    if (options.threads > 0) settings.SetIntraOpNumThreads(options.threads);
    // A pool that spins takes its cores from whatever else the device does: a frame costs twice the processor time.
    settings.AddConfigEntry("session.intra_op.allow_spinning", "0");
    // It would quantize the weights of a float Conv between Q/DQ pairs, which a graph holds where a build kept it.
    settings.AddConfigEntry("optimization.disable_specified_optimizers", "WeightBiasQuantization");
    // A graph for another backend has that backend's data types: ONNX Runtime's own integer kernels would saturate on
    // them (int8 x uint8 on x86 without VNNI), so it is computed as written.
    if (bundle.manifest.precision_target != "onnxruntime")
        settings.AddConfigEntry("session.disable_quant_qdq", "1");
    return settings;
}

Ort::Session open_session(const Bundle &bundle, const EngineRecord &record, const Ort::SessionOptions &settings) {
    const std::string where = bundle.file(record.file);
    const std::string form = form_for_processor(bundle, record);
    if (!form.empty()) return Ort::Session(environment(), form.data(), form.size(), settings);
    return Ort::Session(environment(), where.c_str(), settings);
}

// A graph may keep its weights in files beside it; it reads no golden frames, and no reports of the build.
bool may_be_read(const std::string &name) {
    static const std::set<std::string> unread = {".json", ".npz", ".safetensors", ".log", ".txt", ".md"};
    return unread.count(std::filesystem::path(name).extension().string()) == 0;
}

// Everything that the optimized graph depends on.
Json identity_of(const Bundle &bundle, const EngineRecord &record) {
    Json files = Json::object();
    for (const auto &[name, file] : bundle.manifest.files)
        if (may_be_read(name)) files[name] = file.sha256;
    return {{"library_version", DGIQA_EDGE_VERSION},
            {"onnxruntime", {version(), Ort::GetBuildInfoString()}},
            {"processor", {processor().model, processor().features_digest}},
            {"graph", record.file},
            {"files", files},
            {"target", bundle.manifest.precision_target}};
}

std::unique_ptr<Engine> load(const Bundle &bundle, const EngineRecord &record, const EngineOptions &options) {
    const std::string where = bundle.file(record.file);
    start_api();
    Json facts = facts_for_cpu(onnxruntime_backend, version(), bundle, record, options);
    try {
        const Ort::SessionOptions settings = session_options(bundle, options);
        const auto optimize = [&](const std::string &file) {
            Ort::SessionOptions writing = settings.Clone();
            writing.SetOptimizedModelFilePath(file.c_str());
            open_session(bundle, record, writing);
        };
        const std::string kept = optimized_graph(where, identity_of(bundle, record), optimize);
        if (!kept.empty()) {
            Json own_facts = facts;
            own_facts["optimized_sha256"] = content_sha256(kept);
            Ort::SessionOptions reading = settings.Clone();
            reading.SetGraphOptimizationLevel(ORT_DISABLE_ALL);
            try {
                return std::make_unique<OnnxRuntimeEngine>(Ort::Session(environment(), kept.c_str(), reading),
                                                           record.file, std::move(own_facts));
            } catch (const Ort::Exception &) {  // whole, and still nothing that this ONNX Runtime takes
                std::error_code ignored;
                std::filesystem::remove(kept, ignored);
            }
        }
        return std::make_unique<OnnxRuntimeEngine>(open_session(bundle, record, settings), record.file,
                                                   std::move(facts));
    } catch (const FileError &error) {
        throw Error(DGIQA_ERROR_BUNDLE, where + " " + error.what() + ": " + bundle.remedy());
    } catch (const Ort::Exception &error) {
        throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                    "ONNX Runtime " + version() + " cannot load " + where + ": " + error.what());
    }
}

}  // namespace
#else
constexpr Backend::Load load = nullptr;
#endif

const Backend onnxruntime_backend = {"onnxruntime", "ONNX Runtime", true, load};

}  // namespace dgiqa
