#include "engines/registry.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "engines/onnxruntime_engine.hpp"
#include "engines/openvino_engine.hpp"
#include "engines/processor.hpp"
#include "engines/tensorrt_engine.hpp"
#include "errors.hpp"
#include "formats/quoting.hpp"

namespace dgiqa {
namespace {

[[noreturn]] void cannot_run(const std::string &message) { throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY, message); }

bool has_backend(const std::string &backend) {
    const auto &built = backends_of_build();
    return std::find(built.begin(), built.end(), backend) != built.end();
}

std::string upper(std::string text) {
    for (char &letter : text) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    return text;
}

bool is_cpu_backend(const std::string &backend) { return backend == "onnxruntime" || backend == "openvino"; }

// The backend of this library that runs a record: OpenVINO reads the same portable graphs as ONNX Runtime and stands in
// for it where it is missing.
std::string backend_for(const EngineRecord &record) {
    return record.backend == "onnxruntime" && !has_backend("onnxruntime") ? "openvino" : record.backend;
}

// The portable graph as a record of a CPU backend, which any bundle can be asked for.
EngineRecord portable_record(const Bundle &bundle, const std::string &role, const std::string &backend) {
    EngineRecord record;
    record.role = role;
    record.file = bundle.graph(role).file;
    record.backend = backend;
    return record;
}

EngineRecord choose(const Bundle &bundle, const std::string &role, const std::string &backend) {
    const std::vector<EngineRecord> records = bundle.engines(role);
    std::vector<std::string> offered;
    for (const EngineRecord &record : records) {
        const std::string runner = backend_for(record);
        const bool wanted = backend == "auto" ? has_backend(runner) : record.backend == backend;
        if (wanted) return runner == record.backend ? record : portable_record(bundle, role, runner);
        offered.push_back(record.backend);
    }
    if (is_cpu_backend(backend)) return portable_record(bundle, role, backend);
    if (backend != "auto")
        cannot_run(bundle.path + " has no '" + role + "' engine for backend '" + backend +
                   "' (it has: " + joined(offered) + "): choose \"auto\", or build a bundle for it");
    cannot_run(bundle.path + ": this build of the library cannot run its '" + role + "' engines (" + joined(offered) +
               "); it has: " + (backends_of_build().empty() ? "none" : joined(backends_of_build())) +
               ": build the library with that backend, or the bundle with --backend onnxruntime");
}

void check_backend_name(const std::string &backend) {
    const std::vector<std::string> known = {"auto", "onnxruntime", "openvino", "tensorrt"};
    if (std::find(known.begin(), known.end(), backend) == known.end())
        throw Error(DGIQA_ERROR_CONFIGURATION,
                    "there is no backend " + quoted(backend) + ": give one of " + joined(known));
    if (backend != "auto" && !has_backend(backend))
        cannot_run("this build of the library has no backend '" + backend +
                   "' (it has: " + (backends_of_build().empty() ? "none" : joined(backends_of_build())) +
                   "): configure it with -DDGIQA_EDGE_" + upper(backend) + "=ON where that is installed");
}

std::vector<std::string> sorted_names(const std::vector<TensorSpec> &specs) {
    std::set<std::string> names;
    for (const TensorSpec &spec : specs) names.insert(quoted(spec.name));
    return {names.begin(), names.end()};
}

void check_tensors(const std::string &kind, const std::vector<TensorSpec> &promised,
                   const std::vector<TensorSpec> &found, const std::string &where, const std::string &remedy) {
    if (sorted_names(promised) != sorted_names(found) || promised.size() != found.size())
        throw Error(DGIQA_ERROR_BUNDLE, where + " has the " + kind + "s [" + joined(sorted_names(found)) +
                                            "], expected [" + joined(sorted_names(promised)) + "]: " + remedy);
    for (const TensorSpec &spec : promised) {
        const auto same = [&](const TensorSpec &other) { return other.name == spec.name; };
        const TensorSpec &own = *std::find_if(found.begin(), found.end(), same);
        bool fits = own.dtype == spec.dtype && own.shape.size() == spec.shape.size();
        for (std::size_t i = 0; fits && i < spec.shape.size(); ++i)
            fits = own.shape[i] == -1 || own.shape[i] == spec.shape[i];
        if (!fits)
            throw Error(DGIQA_ERROR_BUNDLE, where + ": " + kind + " '" + spec.name + "' is " + own.text() +
                                                ", the manifest promises " + spec.text() + ": " + remedy);
    }
}

}  // namespace

std::string TensorSpec::text() const {
    std::string sides;
    for (std::int64_t side : shape) sides += (sides.empty() ? "" : ", ") + (side < 0 ? "?" : std::to_string(side));
    return dtype + " [" + sides + "]";
}

std::size_t TensorSpec::bytes() const {
    std::size_t size = dtype == "float32" ? 4 : 1;
    for (std::int64_t side : shape) size *= static_cast<std::size_t>(side);
    return size;
}

const std::vector<std::string> &backends_of_build() {
    static const std::vector<std::string> backends = {
#ifdef DGIQA_WITH_TENSORRT
        "tensorrt",
#endif
#ifdef DGIQA_WITH_ONNXRUNTIME
        "onnxruntime",
#endif
#ifdef DGIQA_WITH_OPENVINO
        "openvino",
#endif
    };
    return backends;
}

std::unique_ptr<Engine> load_engine(const Bundle &bundle, const std::string &role, const EngineOptions &options) {
    check_backend_name(options.backend);
    const EngineRecord record = choose(bundle, role, options.backend);
    const std::string where = bundle.file(record.file);
    if (record.requires_.platform && *record.requires_.platform != platform_name())
        cannot_run(where + " was built for " + *record.requires_.platform + ", this machine is " + platform_name() +
                   ": " + "rebuild it here with: " + bundle.manifest.rebuild_command());
    std::unique_ptr<Engine> engine;
#ifdef DGIQA_WITH_ONNXRUNTIME
    if (record.backend == "onnxruntime") engine = load_onnxruntime(bundle, record, options);
#endif
#ifdef DGIQA_WITH_OPENVINO
    if (record.backend == "openvino") engine = load_openvino(bundle, record, options);
#endif
#ifdef DGIQA_WITH_TENSORRT
    if (record.backend == "tensorrt") engine = load_tensorrt(bundle, record);
#endif
    if (!engine) cannot_run(where + ": this build of the library has no backend '" + record.backend + "'");
    check_contract(*engine, contract(bundle.manifest, role), where, bundle.remedy());
    return engine;
}

Contract contract(const Manifest &manifest, const std::string &role) {
    const TensorSpec frame = {"frame", "uint8", {1, manifest.frame.height, manifest.frame.width, 3}};
    const TensorSpec depth = {"depth", "uint8", {1, manifest.depth_output.height, manifest.depth_output.width}};
    const TensorSpec score = {"score", "float32", {1}};
    const TensorSpec crop_scores = {"crop_scores", "float32", {1, manifest.view_count}};
    if (role == "depth") return {{frame}, {depth}};
    if (role == "quality") return {{frame, depth}, {score, crop_scores}};
    return {{frame}, {score, crop_scores, depth}};
}

void check_contract(const Engine &engine, const Contract &promised, const std::string &where,
                    const std::string &remedy) {
    check_tensors("input", promised.inputs, engine.inputs(), where, remedy);
    check_tensors("output", promised.outputs, engine.outputs(), where, remedy);
}

}  // namespace dgiqa
