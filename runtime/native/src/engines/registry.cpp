#include "engines/registry.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "engines/processor.hpp"
#include "errors.hpp"
#include "formats/quoting.hpp"

namespace dgiqa {

// One line a backend, in the order of preference: its file declares NAME_backend.
#define DGIQA_BACKENDS(line) \
    line(tensorrt)           \
    line(onnxruntime)        \
    line(openvino)

#define DGIQA_DECLARED(name) extern const Backend name##_backend;
DGIQA_BACKENDS(DGIQA_DECLARED)

namespace {

[[noreturn]] void cannot_run(const std::string &message) { throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY, message); }

const Backend *named(const Backends &backends, const std::string &name) {
    for (const Backend *backend : backends)
        if (name == backend->name) return backend;
    return nullptr;
}

bool is_built(const Backend *backend) { return backend != nullptr && backend->load != nullptr; }

bool is_portable(const Backend *backend) { return backend != nullptr && backend->runs_portable_graphs; }

std::string built_names(const Backends &backends) {
    const std::vector<std::string> built = names_of_built(backends);
    return built.empty() ? "none" : joined(built);
}

std::string upper(std::string text) {
    for (char &letter : text) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    return text;
}

// The one that runs a record: its own, or another that reads the same portable graph; null: none in this build.
const Backend *runner_of(const EngineRecord &record, const Backends &backends) {
    const Backend *own = named(backends, record.backend);
    if (is_built(own) || !is_portable(own)) return is_built(own) ? own : nullptr;
    const auto found = std::find_if(backends.begin(), backends.end(),
                                    [](const Backend *other) { return is_built(other) && is_portable(other); });
    return found == backends.end() ? nullptr : *found;
}

// The portable graph as a record of a backend, which any bundle can be asked for.
EngineRecord portable_record(const Bundle &bundle, const std::string &role, const Backend &backend) {
    EngineRecord record;
    record.role = role;
    record.file = bundle.graph(role).file;
    record.backend = backend.name;
    return record;
}

// What the bundle's build found best for its portable graph, where this build has it; null: what its records say.
const Backend *preferred(const Bundle &bundle, const Backends &backends) {
    const Backend *found = named(backends, bundle.manifest.preferred_backend.value_or(""));
    return is_built(found) && is_portable(found) ? found : nullptr;
}

// The record to load, whose backend is one of this build; `asked` is null for "auto".
EngineRecord choose(const Bundle &bundle, const std::string &role, const Backend *asked, const Backends &backends) {
    if (asked == nullptr) asked = preferred(bundle, backends);
    std::vector<std::string> offered;
    for (const EngineRecord &record : bundle.engines(role)) {
        const Backend *runner = asked == nullptr ? runner_of(record, backends) : asked;
        if (runner != nullptr && record.backend == runner->name) return record;
        if (runner != nullptr && asked == nullptr) return portable_record(bundle, role, *runner);
        offered.push_back(record.backend);
    }
    if (is_portable(asked)) return portable_record(bundle, role, *asked);
    if (asked != nullptr) {
        const std::string build_here = bundle.build_here_command(asked->name);
        cannot_run(bundle.path + " has no '" + role + "' engine for backend '" + asked->name + "' (it has: " +
                   joined(offered) + "): " +
                   (build_here.empty() ? "choose \"auto\", or build a bundle for it"
                                       : "build it here with: " + build_here));
    }
    const auto portable = std::find_if(backends.begin(), backends.end(), is_portable);
    cannot_run(bundle.path + ": this build of the library cannot run its '" + role + "' engines (" + joined(offered) +
               "); it has: " + built_names(backends) + ": build the library with that backend" +
               (portable == backends.end() ? "" : std::string(", or the bundle with --backend ") + (*portable)->name));
}

// Null for "auto".
const Backend *asked_backend(const std::string &name, const Backends &backends) {
    if (name == "auto") return nullptr;
    const Backend *asked = named(backends, name);
    if (asked == nullptr) {
        std::set<std::string> known = {"auto"};
        for (const Backend *backend : backends) known.insert(backend->name);
        throw Error(DGIQA_ERROR_CONFIGURATION,
                    "there is no backend " + quoted(name) + ": give one of " + joined({known.begin(), known.end()}));
    }
    if (!is_built(asked))
        cannot_run("this build of the library has no backend '" + name + "' (it has: " + built_names(backends) +
                   "): configure it with -DDGIQA_EDGE_" + upper(name) + "=ON where that is installed");
    return asked;
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

const Backends &all_backends() {
#define DGIQA_LISTED(name) &name##_backend,
    static const Backends all = {DGIQA_BACKENDS(DGIQA_LISTED)};
    return all;
}

std::vector<std::string> names_of_built(const Backends &backends) {
    std::vector<std::string> names;
    for (const Backend *backend : backends)
        if (is_built(backend)) names.push_back(backend->name);
    return names;
}

std::unique_ptr<Engine> load_engine(const Bundle &bundle, const std::string &role, const EngineOptions &options,
                                    const Backends &backends) {
    if (bundle.manifest.batch_least > 1) {
        const std::string most = std::to_string(bundle.manifest.batch_most);
        cannot_run(bundle.path + " takes " + most + " frames at once, and the native runtime gives one at a time: " +
                   "build it with --batch 1.." + most + ", or without --batch");
    }
    const EngineRecord record = choose(bundle, role, asked_backend(options.backend, backends), backends);
    const std::string where = bundle.file(record.file);
    if (record.requires_.platform && *record.requires_.platform != platform_name())
        cannot_run(where + " was built for " + *record.requires_.platform + ", this machine is " + platform_name() +
                   ": rebuild it here with: " + bundle.rebuild_command());
    std::unique_ptr<Engine> engine = named(backends, record.backend)->load(bundle, record, options);
    check_contract(*engine, contract(bundle.manifest, role), where, bundle.remedy());
    return engine;
}

Contract contract(const Manifest &manifest, const std::string &role) {
    const TensorSpec frame = {"frame", "uint8", {1, manifest.frame.height, manifest.frame.width, 3}};
    const TensorSpec depth = {"depth", "uint8", {1, manifest.depth_output.height, manifest.depth_output.width}};
    std::vector<TensorSpec> quality = {{"score", "float32", {1}}, {"crop_scores", "float32", {1, manifest.view_count}}};
    if (manifest.faults) {
        const Faults &faults = *manifest.faults;
        const auto count = static_cast<std::int64_t>(faults.names.size());
        quality.push_back({"faults", "float32", {1, count}});
        quality.push_back({"coverage", "float32", {1, faults.rows, faults.columns, count}});
    }
    if (role == "depth") return {{frame}, {depth}};
    if (role == "quality") return {{frame, depth}, quality};
    quality.push_back(depth);
    return {{frame}, quality};
}

void check_contract(const Engine &engine, const Contract &promised, const std::string &where,
                    const std::string &remedy) {
    check_tensors("input", promised.inputs, engine.inputs(), where, remedy);
    check_tensors("output", promised.outputs, engine.outputs(), where, remedy);
}

}  // namespace dgiqa
