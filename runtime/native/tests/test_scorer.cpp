// The scorer on real engines: small graphs that compute brightness, run by the backend of this build.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "bundle_files.hpp"
#include "engines/registry.hpp"
#include "scorer.hpp"

using dgiqa::Json;
using dgiqa::Scorer;
using dgiqa::ScorerOptions;

namespace {

// The backends of this build that run portable graphs, the one first that does so by itself.
dgiqa::Backends cpu_backends() {
    dgiqa::Backends found;
    for (const dgiqa::Backend *backend : dgiqa::all_backends())
        if (backend->load != nullptr && backend->runs_portable_graphs) found.push_back(backend);
    return found;
}

std::string cpu_backend() { return cpu_backends().front()->name; }

// A small bundle's folder; empty, with a message, where it or the backend that runs it is missing.
fs::path runnable(const std::string &name) {
    if (!cpu_backends().empty()) return bundle_folder(name);
    MESSAGE("skipped: this build has no CPU backend");
    return {};
}

// Stamps go to a folder of the test's own.
class OwnCache {
public:
    OwnCache() { setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1); }
    std::size_t stamps() const {
        const fs::path verified = folder_.path() / "dgiqa-edge" / "verified-native";
        if (!fs::exists(verified)) return 0;
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(verified), fs::directory_iterator()));
    }
    fs::path path() const { return folder_.path(); }

private:
    TemporaryFolder folder_;
};

ScorerOptions options_for(const std::string &bundle, dgiqa_verify verify = DGIQA_VERIFY_ALWAYS) {
    ScorerOptions options;
    options.bundle = bundle;
    options.threads = 1;
    options.verify = verify;
    return options;
}

dgiqa::Picture halves(std::uint8_t left, std::uint8_t right) {
    dgiqa::Picture picture(48, 64, 3);
    for (int y = 0; y < 48; ++y)
        for (int x = 0; x < 64 * 3; ++x) picture.row(y)[x] = x < 32 * 3 ? left : right;
    return picture;
}

}  // namespace

TEST_CASE("a fused bundle gives brightness") {
    const fs::path folder = runnable("fused");
    if (folder.empty()) return;
    const OwnCache cache;
    Scorer scorer(options_for(folder.string()));
    CHECK(scorer.height() == 48);
    CHECK(scorer.width() == 64);
    const dgiqa::Quality quality = scorer.score(halves(51, 204));
    CHECK(quality.score == doctest::Approx(0.5).epsilon(1e-5));
    REQUIRE(quality.crop_scores.size() == 2);
    CHECK(quality.crop_scores[0] == doctest::Approx(0.2).epsilon(1e-5));
    CHECK(quality.crop_scores[1] == doctest::Approx(0.8).epsilon(1e-5));
    CHECK(quality.depth_height == 24);
    CHECK(quality.depth_width == 32);
    CHECK(quality.depth.front() == 51);
    CHECK(quality.depth.back() == 204);
    CHECK(quality.total_ms >= quality.engine_ms);
    const dgiqa::Quality again = scorer.score(halves(204, 51));  // no state is left over
    CHECK(again.crop_scores[0] == doctest::Approx(0.8).epsilon(1e-5));
    CHECK(again.depth.front() == 204);
}

TEST_CASE("a split bundle hands depth from one engine to the other") {
    std::string name = "split";
    SUBCASE("one frame") {}
    SUBCASE("an open batch") { name = "split_batch"; }
    const fs::path folder = runnable(name);
    if (folder.empty()) return;
    const OwnCache cache;
    Scorer scorer(options_for(folder.string()));
    const dgiqa::Quality quality = scorer.score(halves(102, 102));
    CHECK(quality.score == doctest::Approx(0.4 * 0.4).epsilon(1e-5));
    CHECK(quality.depth.front() == 102);
    CHECK(scorer.score(halves(0, 0)).score == 0.0f);
}

TEST_CASE("a bundle that reads faults says what is wrong and where, in either layout") {
    const OwnCache cache;
    for (const char *name : {"fused_faults", "split_faults"}) {
        CAPTURE(name);
        const fs::path folder = runnable(name);
        if (folder.empty()) return;
        Scorer scorer(options_for(folder.string()));
        REQUIRE(scorer.faults().has_value());
        CHECK(scorer.faults()->names == std::vector<std::string>{"dark", "over-exposed"});
        const dgiqa::Quality quality = scorer.score(halves(51, 204));
        REQUIRE(quality.faults.size() == 2);
        CHECK(quality.faults[0] == doctest::Approx(0.5).epsilon(1e-5));
        REQUIRE(quality.coverage.size() == 2 * 4 * 2);
        CHECK(quality.coverage[0] == doctest::Approx(0.8).epsilon(1e-5));   // top left, dark
        CHECK(quality.coverage[1] == doctest::Approx(0.2).epsilon(1e-5));   // top left, over-exposed
        CHECK(quality.coverage[15] == doctest::Approx(0.8).epsilon(1e-5));  // bottom right, over-exposed
        const Json facts = dgiqa::parse_strictly(scorer.describe());
        CHECK(facts.at("faults") == Json({{"names", {"dark", "over-exposed"}}, {"grid", {2, 4}}}));
        CHECK(facts.at("golden_deviation").at("faults_max").get<double>() < 1e-5);
    }
    const fs::path folder = runnable("fused");
    if (folder.empty()) return;
    Scorer scorer(options_for(folder.string()));
    CHECK(!scorer.faults().has_value());
    CHECK(scorer.score(halves(51, 204)).faults.empty());
    CHECK(!dgiqa::parse_strictly(scorer.describe()).contains("faults"));
}

TEST_CASE("each CPU backend of this build runs the portable graph when it is asked for, and one frame of an open batch") {
    const OwnCache cache;
    std::string name = "fused";
    SUBCASE("one frame") {}
    SUBCASE("an open batch") { name = "fused_batch"; }
    for (const dgiqa::Backend *backend : cpu_backends()) {
        CAPTURE(backend->name);
        const fs::path folder = runnable(name);
        if (folder.empty()) return;
        ScorerOptions options = options_for(folder.string());
        options.backend = backend->name;
        Scorer scorer(options);
        CHECK(scorer.score(halves(51, 204)).score == doctest::Approx(0.5).epsilon(1e-5));
        CHECK(dgiqa::parse_strictly(scorer.describe()).at("engines")[0].at("backend") == backend->name);
    }
}

TEST_CASE("the description is a JSON object with the engines") {
    const fs::path folder = runnable("split");
    if (folder.empty()) return;
    const OwnCache cache;
    const Scorer scorer(options_for(folder.string()));
    const Json facts = dgiqa::parse_strictly(scorer.describe());
    CHECK(facts.at("bundle") == folder.string());
    CHECK(facts.at("layout") == "split");
    CHECK(facts.at("frame") == Json({{"height", 48}, {"width", 64}}));
    REQUIRE(facts.at("engines").size() == 2);
    CHECK(facts.at("engines")[0].at("role") == "depth");
    CHECK(facts.at("engines")[1].at("backend") == cpu_backend());
    CHECK(facts.at("golden_deviation").at("score").get<double>() < 1e-5);
}

TEST_CASE("the golden frame is replayed once per machine") {
    const fs::path folder = runnable("fused");
    if (folder.empty()) return;
    const OwnCache cache;
    const auto replayed = [&](const std::string &bundle, dgiqa_verify verify) {
        return !dgiqa::parse_strictly(Scorer(options_for(bundle, verify)).describe()).at("golden_deviation").is_null();
    };
    CHECK(!replayed(folder.string(), DGIQA_VERIFY_NEVER));
    CHECK(cache.stamps() == 0);
    CHECK(replayed(folder.string(), DGIQA_VERIFY_ONCE));
    CHECK(cache.stamps() == 1);
    CHECK(!replayed(folder.string(), DGIQA_VERIFY_ONCE));
    CHECK(replayed(folder.string(), DGIQA_VERIFY_ALWAYS));
    const BundleCopy other(folder);
    other.edit([](Json &document) { document["golden"]["tolerance"]["score"] = 1e-4; });
    CHECK(replayed(other.path(), DGIQA_VERIFY_ONCE));  // another promise, another replay
    CHECK(cache.stamps() == 2);
    for (const auto &stamp : fs::directory_iterator(cache.path() / "dgiqa-edge" / "verified-native"))
        write(stamp.path(), "{\"identity\": 1}");
    CHECK(replayed(folder.string(), DGIQA_VERIFY_ONCE));  // a stamp that cannot be used costs a replay
}

TEST_CASE("what ONNX Runtime optimized is kept, and computes the same") {
    const fs::path folder = runnable("fused");
    if (folder.empty() || cpu_backend() != "onnxruntime") return;
    const OwnCache cache;
    const dgiqa::Picture picture = halves(20, 90);
    std::vector<float> scores;
    std::vector<std::string> kept;
    const auto start = [&] {
        Scorer scorer(options_for(folder.string(), DGIQA_VERIFY_ONCE));
        scores.push_back(scorer.score(picture).score);
        const Json facts = dgiqa::parse_strictly(scorer.describe());
        kept.push_back(facts.at("engines")[0].value("optimized_sha256", ""));
        return !facts.at("golden_deviation").is_null();
    };
    CHECK(start());
    CHECK_FALSE(start());
    CHECK(scores[0] == scores[1]);
    CHECK(kept[0].size() == 64);
    CHECK(kept[0] == kept[1]);
    const fs::path place = cache.path() / "dgiqa-edge" / "optimized-native";
    for (const auto &file : fs::directory_iterator(place)) fs::resize_file(file.path(), 10);
    start();  // makes it again, and replays it where ONNX Runtime's file is another this time
    CHECK(kept[2].size() == 64);
    CHECK(scores[2] == scores[0]);
    fs::remove_all(place);
    write(place, "");
    CHECK(start());  // the graph itself is another engine, so it is replayed
    CHECK(kept[3].empty());
    CHECK(scores[3] == scores[0]);
}

TEST_CASE("a kept graph that ONNX Runtime does not open is removed, and the graph itself taken") {
    const fs::path folder = runnable("fused");
    if (folder.empty() || cpu_backend() != "onnxruntime") return;
    const OwnCache cache;
    const fs::path place = cache.path() / "dgiqa-edge" / "optimized-native";
    const auto only = [&] { return fs::directory_iterator(place)->path(); };
    const auto start = [&] {
        Scorer scorer(options_for(folder.string(), DGIQA_VERIFY_ONCE));
        CHECK(scorer.score(halves(51, 204)).score == doctest::Approx(0.5).epsilon(1e-5));
        return dgiqa::parse_strictly(scorer.describe()).at("engines")[0].value("optimized_sha256", "");
    };
    start();
    const std::string key = only().stem().stem().string();
    fs::remove(only());
    write(place / (key + "." + dgiqa::sha256_text("garbage") + ".onnx"), "garbage");
    CHECK(start().empty());
    CHECK(fs::is_empty(place));
    CHECK(start().size() == 64);
}

TEST_CASE("bundles that differ in what no graph reads share the optimized graph") {
    const fs::path folder = runnable("fused");
    if (folder.empty() || cpu_backend() != "onnxruntime") return;
    const OwnCache cache;
    const BundleCopy bundle(folder);
    const auto kept = [&] {
        Scorer(options_for(bundle.path(), DGIQA_VERIFY_ONCE));
        const fs::directory_iterator place(cache.path() / "dgiqa-edge" / "optimized-native");
        return std::distance(place, fs::directory_iterator());
    };
    CHECK(kept() == 1);
    bundle.replace("report.json", "{\"seconds\": 1}");
    CHECK(kept() == 1);
    bundle.replace("weights.bin", "beside the graph");
    CHECK(kept() == 2);
}

TEST_CASE("a cache that cannot be written is no error") {
    const fs::path folder = runnable("fused");
    if (folder.empty()) return;
    const TemporaryFolder own;
    write(own.path() / "file", "");
    setenv("XDG_CACHE_HOME", (own.path() / "file").c_str(), 1);
    CHECK_NOTHROW(Scorer(options_for(folder.string(), DGIQA_VERIFY_ONCE)));
}

TEST_CASE("an engine that gives other outputs than promised is refused") {
    const fs::path folder = runnable("falsified");
    if (folder.empty()) return;
    const OwnCache cache;
    CHECK_ERROR(DGIQA_ERROR_FIDELITY, "score is 0.25 off FP32 (allowed 1e-05)", Scorer(options_for(folder.string())));
    CHECK_ERROR(DGIQA_ERROR_FIDELITY, "; which layer it is, says: dgiqa-edge debug ",
                Scorer(options_for(folder.string())));
    CHECK(cache.stamps() == 0);
    CHECK_NOTHROW(Scorer(options_for(folder.string(), DGIQA_VERIFY_NEVER)));
}

TEST_CASE("faults, and their cells, that are not the golden ones are refused") {
    const OwnCache cache;
    const fs::path faults = runnable("falsified_faults"), cells = runnable("falsified_coverage");
    if (faults.empty() || cells.empty()) return;
    CHECK_ERROR(DGIQA_ERROR_FIDELITY, ", its faults 0.25 and their cells on average ",
                Scorer(options_for(faults.string())));
    CHECK_ERROR(DGIQA_ERROR_FIDELITY, " and their cells on average 0.25 (allowed 1e-05): rebuild",
                Scorer(options_for(cells.string())));
}

TEST_CASE("bundles whose engines cannot be used") {
    const fs::path folder = runnable("fused");
    if (folder.empty()) return;
    const OwnCache cache;
    const BundleCopy bundle(folder);
    dgiqa_status status = DGIQA_ERROR_ENGINE_COMPATIBILITY;
    std::string expected;

    SUBCASE("another backend") {
        bundle.edit([](Json &document) { document["engines"][0]["backend"] = "abacus"; });
        expected = "cannot run its 'fused' engines (abacus)";
    }
    SUBCASE("another platform") {
        bundle.edit([](Json &document) {
            document["engines"][0]["backend"] = cpu_backend();
            document["engines"][0]["requires"]["platform"] = "plan9-vax";
        });
        expected = "was built for plan9-vax, this machine is linux-";
    }
    SUBCASE("a newer backend") {
        bundle.edit([](Json &document) {
            document["engines"][0]["backend"] = cpu_backend();
            document["engines"][0]["requires"]["backend_version"] = ">=2999";
        });
        expected = std::string("needs ") + cpu_backends().front()->title + " >=2999, this library has ";
    }
    SUBCASE("no graph at all") {
        bundle.replace("frame_graph.onnx", "not a graph");
        expected = "cannot load";
    }
    SUBCASE("another depth size") {
        status = DGIQA_ERROR_BUNDLE;
        bundle.edit([](Json &document) { document["geometry"]["depth_output"] = {24, 31}; });
        expected = "output 'depth' is uint8 [1, 24, 32], the manifest promises uint8 [1, 24, 31]";
    }
    SUBCASE("no faults where some are promised") {
        status = DGIQA_ERROR_BUNDLE;
        bundle.edit([](Json &document) {
            document["faults"] = {{"names", {"dark"}}, {"grid", {4, 4}}};
            document["golden"]["tolerance"]["faults"] = 0.01;
        });
        expected = "['crop_scores', 'depth', 'score'], expected ['coverage', 'crop_scores', 'depth', 'faults', 'score']";
    }
    SUBCASE("another layout") {
        status = DGIQA_ERROR_BUNDLE;
        bundle.edit([](Json &document) {
            document["layout"] = "split";
            for (const char *kind : {"graphs", "engines"}) {
                document[kind].push_back(Json(document[kind][0]));
                document[kind][0]["role"] = "depth";
                document[kind][1]["role"] = "quality";
            }
        });
        expected = "has the outputs ['crop_scores', 'depth', 'score'], expected ['depth']";
    }
    CHECK_ERROR(status, expected, Scorer(options_for(bundle.path())));
}

TEST_CASE("a bundle for a GPU does not quietly become one for the CPU") {
    const fs::path folder = runnable("fused");
    if (folder.empty()) return;
    const OwnCache cache;
    const BundleCopy bundle(folder);
    bundle.edit([](Json &document) { document["engines"][0]["backend"] = "abacus"; });
    CHECK_ERROR(DGIQA_ERROR_ENGINE_COMPATIBILITY, "abacus", Scorer(options_for(bundle.path())));
    ScorerOptions asked = options_for(bundle.path());
    asked.backend = cpu_backend();
    CHECK_NOTHROW(Scorer{asked});
}

TEST_CASE("frames of another shape are fitted, and where their picture lies is told") {
    const fs::path folder = runnable("fused");
    if (folder.empty()) return;
    const OwnCache cache;
    dgiqa::Picture tall(96, 48, 3);  // dark above, bright below
    std::fill(tall.pixels.begin(), tall.pixels.end(), std::uint8_t(51));
    std::fill(tall.pixels.begin() + 48 * 48 * 3, tall.pixels.end(), std::uint8_t(204));
    struct Row {
        dgiqa_fit fit;
        std::vector<int> depth_box, frame_box;
    };
    const std::vector<Row> rows = {{DGIQA_FIT_BUNDLE, {0, 0, 32, 24}, {0, 0, 48, 96}},
                                   {DGIQA_FIT_STRETCH, {0, 0, 32, 24}, {0, 0, 48, 96}},
                                   {DGIQA_FIT_PAD, {10, 0, 12, 24}, {0, 0, 48, 96}},
                                   {DGIQA_FIT_CROP, {0, 0, 32, 24}, {0, 30, 48, 36}}};
    const auto list_of = [](const dgiqa_box &box) {
        return std::vector<int>{box.left, box.top, box.width, box.height};
    };
    for (const Row &row : rows) {
        CAPTURE(row.fit);
        ScorerOptions options = options_for(folder.string());
        options.fit = row.fit;
        Scorer scorer(options);
        const dgiqa::Quality quality = scorer.score(tall);
        CHECK(list_of(quality.depth_box) == row.depth_box);
        CHECK(list_of(quality.frame_box) == row.frame_box);
        CHECK(quality.depth.front() == 51);  // above is above, mirrored or not
        CHECK(quality.depth.back() == 204);
        CHECK(quality.score == doctest::Approx(0.5).epsilon(0.02));
    }
}

TEST_CASE("options and pictures that break a rule") {
    const fs::path folder = runnable("fused");
    if (folder.empty()) return;
    const OwnCache cache;
    ScorerOptions options = options_for(folder.string());
    options.threads = -1;
    CHECK_ERROR(DGIQA_ERROR_CONFIGURATION, "threads is -1", Scorer{options});
    options = options_for(folder.string());
    options.backend = "abacus";
    CHECK_ERROR(DGIQA_ERROR_CONFIGURATION, "there is no backend 'abacus'", Scorer{options});
    options.backend = "auto";
    options.strict_size = true;
    Scorer scorer(options);
    CHECK_ERROR(DGIQA_ERROR_SOURCE, "the frame is 65x48, the bundle takes 64x48",
                scorer.score(dgiqa::Picture(48, 65, 3)));
    CHECK_ERROR(DGIQA_ERROR_SOURCE, "must be BGR and not empty", scorer.score(dgiqa::Picture()));
    CHECK_ERROR(DGIQA_ERROR_SOURCE, "with 1 channels", scorer.score(dgiqa::Picture(48, 64, 1)));
    CHECK_NOTHROW(scorer.score(halves(1, 2)));  // it goes on after an error
}
