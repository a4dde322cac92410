// Which backend runs an engine, on backends of the test's own: what a new one has to declare, and nothing else.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <set>

#include "bundle_files.hpp"
#include "engines/registry.hpp"

using dgiqa::Backend;
using dgiqa::Backends;
using dgiqa::Bundle;
using dgiqa::EngineOptions;
using dgiqa::EngineRecord;

namespace {

class Idle : public dgiqa::Engine {
public:
    Idle(dgiqa::Contract &&promised, const EngineRecord &record)
        : tensors_(std::move(promised)), facts_({{"backend", record.backend}, {"file", record.file}}) {}
    const std::vector<dgiqa::TensorSpec> &inputs() const override { return tensors_.inputs; }
    const std::vector<dgiqa::TensorSpec> &outputs() const override { return tensors_.outputs; }
    void run(const dgiqa::Inputs &, const dgiqa::Outputs &) override {}
    dgiqa::Json describe() const override { return facts_; }

private:
    dgiqa::Contract tensors_;
    dgiqa::Json facts_;
};

std::unique_ptr<dgiqa::Engine> load(const Bundle &bundle, const EngineRecord &record, const EngineOptions &) {
    return std::make_unique<Idle>(dgiqa::contract(bundle.manifest, record.role), record);
}

std::unique_ptr<dgiqa::Engine> load_other(const Bundle &bundle, const EngineRecord &record, const EngineOptions &) {
    return std::make_unique<Idle>(dgiqa::contract(bundle.manifest, "depth"), record);
}

constexpr Backend kPlans = {"abacus", "Abacus", false, load};
constexpr Backend kPortable = {"sandbox", "Sandbox", true, load};
constexpr Backend kMissing = {"quipu", "Quipu", true, nullptr};
constexpr Backend kWrong = {"abacus", "Abacus", false, load_other};
const Backends kAll = {&kPlans, &kMissing, &kPortable};

Bundle bundle_for(const std::vector<std::string> &backends) {
    Bundle bundle;
    bundle.path = "bundle";
    bundle.manifest.frame = {48, 64};
    bundle.manifest.depth_output = {24, 32};
    bundle.manifest.view_count = 2;
    bundle.manifest.graphs = {{"fused", "graph.onnx"}};
    for (const std::string &backend : backends) {
        EngineRecord record;
        record.role = "fused";
        record.file = backend + ".engine";
        record.backend = backend;
        bundle.manifest.engines.push_back(record);
    }
    return bundle;
}

// "backend file" of what is loaded.
std::string loaded(const std::vector<std::string> &records, const std::string &asked, const Backends &all = kAll) {
    const auto facts = dgiqa::load_engine(bundle_for(records), "fused", {asked, 0}, all)->describe();
    return facts.at("backend").get<std::string>() + " " + facts.at("file").get<std::string>();
}

}  // namespace

TEST_CASE("auto takes the first record that this build can run") {
    CHECK(loaded({"abacus", "sandbox"}, "auto") == "abacus abacus.engine");
    CHECK(loaded({"sandbox", "abacus"}, "auto") == "sandbox sandbox.engine");
    CHECK(loaded({"orrery", "abacus"}, "auto") == "abacus abacus.engine");
}

TEST_CASE("a backend that is asked for runs its own record, or the portable graph where it can") {
    CHECK(loaded({"sandbox", "abacus"}, "abacus") == "abacus abacus.engine");
    CHECK(loaded({"abacus", "sandbox"}, "sandbox") == "sandbox sandbox.engine");
    CHECK(loaded({"abacus"}, "sandbox") == "sandbox graph.onnx");
    CHECK_ERROR(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                "bundle has no 'fused' engine for backend 'abacus' (it has: sandbox): choose \"auto\"",
                loaded({"sandbox"}, "abacus"));
}

TEST_CASE("auto takes the backend that the bundle prefers, where this build has it and it runs portable graphs") {
    constexpr Backend kOther = {"slate", "Slate", true, load};
    const Backends all = {&kPlans, &kMissing, &kPortable, &kOther};
    const auto taken = [&all](const char *preferred, const char *asked) {
        Bundle bundle = bundle_for({"sandbox", "abacus"});
        bundle.manifest.preferred_backend = preferred;
        const auto facts = dgiqa::load_engine(bundle, "fused", {asked, 0}, all)->describe();
        return facts.at("backend").get<std::string>() + " " + facts.at("file").get<std::string>();
    };
    CHECK(taken("slate", "auto") == "slate graph.onnx");
    CHECK(taken("sandbox", "auto") == "sandbox sandbox.engine");
    CHECK(taken("quipu", "auto") == "sandbox sandbox.engine");
    CHECK(taken("abacus", "auto") == "sandbox sandbox.engine");
    CHECK(taken("orrery", "auto") == "sandbox sandbox.engine");
    CHECK(taken("slate", "abacus") == "abacus abacus.engine");
}

TEST_CASE("an engine that the bundle's graphs can become is built by the command that is named") {
    Bundle bundle = bundle_for({"sandbox"});
    bundle.manifest.device_backends = {"abacus"};
    CHECK_ERROR(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                "for backend 'abacus' (it has: sandbox): build it here with: dgiqa-edge build --from bundle",
                dgiqa::load_engine(bundle, "fused", {"abacus", 0}, kAll));
}

TEST_CASE("where a backend of portable graphs is missing another stands in, for plans of a GPU none does") {
    CHECK(loaded({"quipu", "abacus"}, "auto") == "sandbox graph.onnx");
    CHECK_ERROR(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                "cannot run its 'fused' engines (abacus); it has: sandbox: build the library with that backend, or the "
                "bundle with --backend sandbox",
                loaded({"abacus"}, "auto", {&kPortable}));
    CHECK_ERROR(DGIQA_ERROR_ENGINE_COMPATIBILITY, "(quipu); it has: none", loaded({"quipu"}, "auto", {&kMissing}));
}

TEST_CASE("names that are unknown, or known and not of this build") {
    CHECK_ERROR(DGIQA_ERROR_CONFIGURATION, "there is no backend 'orrery': give one of abacus, auto, quipu, sandbox",
                loaded({"abacus"}, "orrery"));
    CHECK_ERROR(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                "has no backend 'quipu' (it has: abacus, sandbox): configure it with -DDGIQA_EDGE_QUIPU=ON",
                loaded({"quipu"}, "quipu"));
}

TEST_CASE("a bundle that takes several frames and no fewer is refused, with the build that helps") {
    Bundle bundle = bundle_for({"abacus"});
    bundle.manifest.batch_least = bundle.manifest.batch_most = 4;
    CHECK_ERROR(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                "takes 4 frames at once, and the native runtime gives one at a time: build it with --batch 1..4",
                dgiqa::load_engine(bundle, "fused", {"auto", 0}, kAll));
    bundle.manifest.batch_least = 1;
    CHECK_NOTHROW(dgiqa::load_engine(bundle, "fused", {"auto", 0}, kAll));
}

TEST_CASE("what a backend loads must keep the manifest's contract, and fit the machine") {
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "abacus.engine has the outputs ['depth'], expected",
                loaded({"abacus"}, "auto", {&kWrong}));
    Bundle bundle = bundle_for({"abacus"});
    bundle.manifest.engines[0].requires_.platform = "plan9-vax";
    CHECK_ERROR(DGIQA_ERROR_ENGINE_COMPATIBILITY, "was built for plan9-vax, this machine is linux-",
                dgiqa::load_engine(bundle, "fused", {}, kAll));
}

TEST_CASE("every backend of the library has a name of its own and a title") {
    std::vector<std::string> names;
    for (const Backend *backend : dgiqa::all_backends()) {
        CHECK(std::string(backend->title) != "");
        names.push_back(backend->name);
    }
    CHECK(names.size() >= 3);
    CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
}
