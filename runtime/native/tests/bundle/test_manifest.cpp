// The manifest reader: every rule of the schema, and rules between fields, named in the message.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "bundle/manifest.hpp"
#include "bundle/manifest_checks.hpp"
#include "bundle_files.hpp"
#include "engines/processor.hpp"
#include "engines/version_requirement.hpp"
#include "formats/json_schema.hpp"
#include "formats/quoting.hpp"

using dgiqa::checked_document;
using dgiqa::Json;

namespace {

const std::string CORPUS = DGIQA_EDGE_SOURCE_DIR "/runtime/native/tests/fuzz/manifest_corpus/";

Json real_document() { return dgiqa::parse_strictly(content_of(CORPUS + "nano_int8.json")); }

// What a build on a device starts from; the names of its two kinds of files are `check`'s and `graph`'s.
Json device_build(const Json &document, const Json &check, const Json &graph) {
    Json carried = {{"precision", document["precision"]}, {"calibration", nullptr}, {"fidelity", document["fidelity"]}};
    carried["graphs"] = document["graphs"];
    carried["graphs"][0]["file"] = graph;
    carried["tolerance"] = document["golden"]["tolerance"];
    Json found = {{"check", check}, {"latency_target_ms", nullptr}, {"argv", Json::array({"dgiqa-edge"})}};
    found["notes"] = Json::array();
    for (const char *figure : {"score_mae", "score_max", "srcc", "depth_corr", "depth_mae"})
        found["budget"][figure] = nullptr;
    found["carried"] = Json::array();
    found["carried"].push_back(carried);
    return found;
}

struct Edit {
    const char *what;
    std::function<void(Json &)> change;
    const char *expected;
};

}  // namespace

TEST_CASE("manifests of real builds are accepted") {
    for (const std::string name : {"nano_int8.json", "fp32_compact.json", "split_tensorrt.json"}) {
        const dgiqa::Manifest manifest =
            dgiqa::manifest_from_document(checked_document(content_of(CORPUS + name), name));
        CHECK(manifest.frame.height == 512);
        CHECK(manifest.view_count == 2);
        CHECK(manifest.preset == "nano");
    }
    const dgiqa::Manifest split =
        dgiqa::manifest_from_document(checked_document(content_of(CORPUS + "split_tensorrt.json"), "split"));
    CHECK(split.roles() == std::vector<std::string>{"depth", "quality"});
    CHECK(split.engines.at(0).requires_.sm == "87");
    CHECK(split.engines.at(0).requires_.version_compatible == false);
}

TEST_CASE("the backend that a build took is read, and older manifests name none") {
    Json document = real_document();
    const auto preferred = [&document] {
        return dgiqa::manifest_from_document(checked_document(document.dump(), "B/bundle.json")).preferred_backend;
    };
    CHECK(!preferred().has_value());
    document["preferred_backend"] = "openvino";
    CHECK(preferred() == "openvino");
    document["preferred_backend"] = "";
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "'preferred_backend' must have at least 1 characters", preferred());
}

TEST_CASE("the fit of a bundle is read, and that of an older one is stretch") {
    Json document = real_document();
    const auto manifest = [&document] {
        return dgiqa::manifest_from_document(checked_document(document.dump(), "B/bundle.json"));
    };
    const auto fit = [&manifest] { return manifest().fit; };
    const std::vector<std::string> argv = document.at("build").at("argv");
    for (const char *name : {"stretch", "pad", "crop"}) {
        document["fit"] = name;
        CHECK(fit() == name);
        CHECK(manifest().build_argv == argv);
    }
    document.erase("fit");
    CHECK(fit() == "stretch");
    std::vector<std::string> today = argv;
    today.insert(today.end(), {"--fit", "stretch"});
    CHECK(manifest().build_argv == today);
    document["fit"] = "letterbox";
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "'fit' must be one of", fit());
}

TEST_CASE("an engine for several GPUs, of a backend that only the Python package has, is read like any other") {
    Json document = real_document();
    Json engine = document["engines"][0];
    engine["backend"] = "tensorrt-rtx";
    engine["requires"]["targets"] = {"86", "120"};
    document["engines"].insert(document["engines"].begin(), engine);
    document["precision"]["target"] = "tensorrt-rtx";
    const dgiqa::Manifest manifest = dgiqa::manifest_from_document(checked_document(document.dump(), "B/bundle.json"));
    CHECK(manifest.engines.at(0).backend == "tensorrt-rtx");
    CHECK(manifest.engines.at(1).backend == "onnxruntime");  // the one that auto takes
    document["engines"][0]["requires"]["targets"] = {"sm86"};
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "'engines[0].requires.targets[0]' must match pattern",
                checked_document(document.dump(), "B/bundle.json"));
}

Json with_faults(Json document) {
    document["faults"] = {{"names", {"dark", "over-exposed"}}, {"grid", {2, 4}}};
    document["golden"]["tolerance"]["faults"] = 0.01;
    return document;
}

TEST_CASE("faults are read in their order, and older manifests name none") {
    const auto read = [](const Json &document) {
        return dgiqa::manifest_from_document(checked_document(document.dump(), "B/bundle.json"));
    };
    CHECK(!read(real_document()).faults.has_value());
    CHECK(!read(real_document()).tolerance.faults.has_value());
    const dgiqa::Manifest manifest = read(with_faults(real_document()));
    REQUIRE(manifest.faults.has_value());
    CHECK(manifest.faults->names == std::vector<std::string>{"dark", "over-exposed"});
    CHECK(manifest.faults->rows == 2);
    CHECK(manifest.faults->columns == 4);
    CHECK(manifest.faults->cell_values() == 16);
    CHECK(manifest.tolerance.faults == 0.01);
    const dgiqa::Manifest built = read(dgiqa::parse_strictly(content_of(CORPUS + "faults_compact.json")));
    REQUIRE(built.faults.has_value());
    CHECK(built.faults->names.size() == 8);
    CHECK(built.faults->cell_values() == 4 * 4 * 8);
}

TEST_CASE("manifests that were edited or damaged") {
    const std::vector<Edit> edits = {
        {"no object", [](Json &d) { d = Json::array(); }, "the manifest must be object"},
        {"newer", [](Json &d) { d["schema_version"] = 7; }, "schema version 7 is newer than dgiqa-edge"},
        {"older", [](Json &d) { d["schema_version"] = 0; }, "field 'schema_version' must be one of [1,2]"},
        {"with a golden frame as .npz", [](Json &d) { d["schema_version"] = 1; },
         "convert the bundle with: dgiqa-edge inspect --bundle B --upgrade"},
        {"version as text", [](Json &d) { d["schema_version"] = "1"; }, "field 'schema_version' must be integer"},
        {"version as a fraction", [](Json &d) { d["schema_version"] = 1.5; }, "'schema_version' must be integer"},
        {"missing", [](Json &d) { d.erase("golden"), d.erase("files"); }, "the manifest lacks 'golden', 'files'"},
        {"missing inside", [](Json &d) { d["frame"].erase("width"); }, "field 'frame' lacks 'width'"},
        {"unknown", [](Json &d) { d["surprise"] = 1; }, "the manifest has the unknown 'surprise'"},
        {"unknown inside", [](Json &d) { d["engines"][0]["x"] = 1; }, "field 'engines[0]' has the unknown 'x'"},
        {"a bool is no number", [](Json &d) { d["frame"]["width"] = true; }, "'frame.width' must be integer"},
        {"too small", [](Json &d) { d["frame"]["width"] = 0; }, "'frame.width' must be bigger than or equal to 1"},
        {"too large", [](Json &d) { d["frame"]["width"] = 40000; }, "'frame.width' must be smaller than or equal to"},
        {"beyond 64 bits", [](Json &d) { d["files"]["golden.safetensors"]["bytes"] = UINT64_MAX; },
         "'files.golden.safetensors.bytes' must be integer"},
        {"negative", [](Json &d) { d["golden"]["tolerance"]["score"] = -0.1; },
         "'golden.tolerance.score' must be bigger"},
        {"no sha", [](Json &d) { d["files"]["golden.safetensors"]["sha256"] = "ab"; },
         "'files.golden.safetensors.sha256' must match pattern"},
        {"sha with a newline", [](Json &d) { d["files"]["golden.safetensors"]["sha256"] = std::string(64, 'a') + "\n"; },
         "'files.golden.safetensors.sha256' must match pattern"},
        {"very long", [](Json &d) { d["created"] = std::string(1 << 20, '1'); }, "'created' must match pattern"},
        {"three sides", [](Json &d) { d["geometry"]["quality_image"].push_back(3); }, "must contain at most 2 items"},
        {"one side", [](Json &d) { d["geometry"]["whole_view"] = {1}; }, "'geometry.whole_view' must contain at least"},
        {"a frame of too many pixels", [](Json &d) { d["frame"] = {{"height", 32768}, {"width", 32768}}; },
         "field 'frame' claims 32768x32768 pixels, more than the 268435456"},
        {"no boxes", [](Json &d) { d["geometry"]["crop_boxes"] = Json::array(); }, "must contain at least 1 items"},
        {"no files", [](Json &d) { d["files"] = Json::object(); }, "'files' must contain at least 1 properties"},
        {"layout", [](Json &d) { d["layout"] = "sliced"; }, "field 'layout' must be one of [\"fused\",\"split\"]"},
        {"empty text", [](Json &d) { d["preset"] = ""; }, "'preset' must have at least 1 characters"},
        {"requirement", [](Json &d) { d["engines"][0]["requires"]["backend_version"] = "~1"; },
         "'engines[0].requires.backend_version' must match pattern"},
        {"compatibility", [](Json &d) { d["engines"][0]["requires"]["compatibility"] = "all"; }, "must be one of"},
        {"host", [](Json &d) { d["build"]["host"] = 3; }, "'build.host' must be object"},
        {"argv", [](Json &d) { d["build"]["argv"] = {1}; }, "'build.argv[0]' must be string"},
        {"ladder",
         [](Json &d) {
             d["ladder"] = {{"device", "x"}};
         },
         "field 'ladder' lacks 'budget'"},
        {"a path upwards", [](Json &d) { d["files"]["a/../b"] = d["files"]["golden.safetensors"]; },
         "'files' has the unsafe file name 'a/../b'"},
        {"an absolute path", [](Json &d) { d["files"]["/etc/passwd"] = d["files"]["golden.safetensors"]; }, "'/etc/passwd'"},
        {"a control character", [](Json &d) { d["files"]["a\x1b[2J"] = d["files"]["golden.safetensors"]; }, "'a\\x1b[2J'"},
        {"itself", [](Json &d) { d["files"]["bundle.json"] = d["files"]["golden.safetensors"]; },
         "unsafe file name 'bundle.json'"},
        {"graph not listed", [](Json &d) { d["graphs"][0]["file"] = "x.onnx"; },
         "field 'graphs[0].file' names 'x.onnx', which 'files' does not list"},
        {"engine not listed", [](Json &d) { d["engines"][0]["file"] = "x"; }, "field 'engines[0].file' names 'x'"},
        {"a parser's graph not listed",
         [](Json &d) {
             d["parser_graphs"] = {{{"role", "fused"}, {"precision", "int8"}, {"file", "x.onnx"},
                                    {"backend", "tensorrt"}, {"backend_version", ">=8.5,<8.6"},
                                    {"facts", "x.json"}, {"rewritten", Json::array()}}};
         },
         "field 'parser_graphs[0].file' names 'x.onnx'"},
        {"a parser's graph half said",
         [](Json &d) {
             d["parser_graphs"] = {{{"role", "fused"}}};
         },
         "field 'parser_graphs[0]' lacks 'precision'"},
        {"check frames not listed", [](Json &d) { d["device_build"] = device_build(d, "x", d["graphs"][0]["file"]); },
         "field 'device_build.check' names 'x'"},
        {"a carried graph not listed",
         [](Json &d) {
             d["device_build"] = device_build(d, d["golden"]["file"], "x");
         },
         "field 'device_build.carried[0].graphs[0].file' names 'x'"},
        {"a carried precision without its graphs",
         [](Json &d) {
             d["device_build"] = device_build(d, d["golden"]["file"], d["graphs"][0]["file"]);
             d["device_build"]["carried"][0]["graphs"][0]["role"] = "depth";
         },
         "needs the roles ['fused'], but 'device_build.carried[0].graphs' has ['depth']"},
        {"golden not listed", [](Json &d) { d["golden"]["file"] = "x"; }, "field 'golden.file' names 'x'"},
        {"calibration not listed", [](Json &d) { d["calibration"]["file"] = "x"; }, "'calibration.file' names 'x'"},
        {"roles", [](Json &d) { d["layout"] = "split"; },
         "layout 'split' needs the roles ['depth', 'quality'], but 'graphs' has ['fused']"},
        {"an engine twice", [](Json &d) { d["engines"].push_back(Json(d["engines"][0])); },
         "field 'engines[1]' repeats role 'fused' for backend 'onnxruntime'"},
        {"a crop outside",
         [](Json &d) {
             d["geometry"]["crop_boxes"] = {{400, 0}};
         },
         "field 'geometry.crop_boxes[0]' puts a crop of 160 at (400, 0), outside the 512x512 quality image"},
        {"a crop at the end of numbers",
         [](Json &d) {
             d["geometry"]["crop_boxes"] = {{INT64_MAX, INT64_MAX}};
         },
         "outside the 512x512 quality image"},
        {"a fault twice",
         [](Json &d) {
             d = with_faults(d);
             d["faults"]["names"] = {"dark", "hazy", "dark"};
         },
         "field 'faults.names[2]' repeats 'dark'"},
        {"a batch that begins between",
         [](Json &d) { d["batch"] = {{"least", 2}, {"most", 4}}; },
         "field 'batch.least' must be 1, or as 'most'"},
        {"a batch of none", [](Json &d) { d["batch"] = {{"least", 1}, {"most", 0}}; }, "field 'batch.most'"},
        {"a fault of no name",
         [](Json &d) {
             d = with_faults(d);
             d["faults"]["names"] = {"\x1b[2J"};
         },
         "'faults.names[0]' must match pattern"},
        {"faults without cells",
         [](Json &d) {
             d = with_faults(d);
             d["faults"]["grid"] = {4, 0};
         },
         "'faults.grid[1]' must be bigger than or equal to 1"},
        {"faults that are held to nothing",
         [](Json &d) {
             d = with_faults(d);
             d["golden"]["tolerance"].erase("faults");
         },
         "field 'golden.tolerance.faults' must be there exactly where 'faults' is"},
        {"a tolerance of no faults", [](Json &d) { d["golden"]["tolerance"]["faults"] = 0.01; },
         "field 'golden.tolerance.faults' must be there exactly where 'faults' is"},
        {"carried faults that are held to nothing",
         [](Json &d) {
             d["device_build"] = device_build(d, d["golden"]["file"], d["graphs"][0]["file"]);
             d = with_faults(d);
         },
         "field 'device_build.carried[0].tolerance.faults' must be there"},
        {"int8 without calibration", [](Json &d) { d["calibration"] = nullptr; },
         "precision is int8 but 'calibration' is null"},
    };
    for (const Edit &edit : edits) {
        CAPTURE(edit.what);
        Json document = real_document();
        edit.change(document);
        CHECK_ERROR(DGIQA_ERROR_BUNDLE, edit.expected, checked_document(document.dump(), "B/bundle.json"));
    }
}

TEST_CASE("text that is not JSON") {
    const std::string good = real_document().dump();
    const std::vector<std::pair<std::string, std::string>> texts = {
        {"", "at line 1 column 1"},
        {"{", "perhaps truncated"},
        {"{}\n{}", "at line 2"},
        {good + std::string("\0", 1) + "x", "a NUL byte at line 1"},
        {"\xef\xbb\xbf" + good, "a byte-order mark"},
        {"{\"a\": NaN}", "perhaps truncated"},
        {"{\"a\": -Infinity}", "perhaps truncated"},
        {"{\"a\": 1e400}", "a number is too large"},
        {"{\"a\": 1, \"a\": 2}", "the key 'a' stands twice in one object"},
        {"{\"b\": {\"a\": 1, \"a\": 2}}", "the key 'a' stands twice"},
        {"{\"\xff\": 1}", "perhaps truncated"},
        {"{\"\\ud800\": 1}", "perhaps truncated"},
        {"{\"a\": 1} // comment", "perhaps truncated"},
        {std::string(1 << 20, '['), "nested more than 32 levels deep"},
        {std::string(40, '[') + std::string(40, ']'), "nested more than 32 levels deep"},
    };
    for (const auto &text : texts) {
        CAPTURE(text.first.substr(0, 60));
        CHECK_ERROR(DGIQA_ERROR_BUNDLE, text.second, checked_document(text.first, "B/bundle.json"));
    }
    CHECK_NOTHROW(dgiqa::parse_strictly("[{\"a\": 1}, {\"a\": 1}]"));
}

TEST_CASE("every cut of a real manifest is refused") {
    const std::string text = real_document().dump();
    for (std::size_t size = 0; size < text.size(); size += 7)
        CHECK(error_of([&] { checked_document(text.substr(0, size), "B"); }).status() == DGIQA_ERROR_BUNDLE);
}

TEST_CASE("a schema that this reader does not know in full is not half obeyed") {
    CHECK_THROWS_AS(dgiqa::JsonSchema("{\"properties\": {\"a\": {\"oneOf\": []}}}"), std::logic_error);
}

TEST_CASE("version requirements") {
    const std::vector<std::tuple<std::string, std::string, bool>> cases = {
        {"1.17", ">=1.17", true},
        {"1.16.9", ">=1.17", false},
        {"1.17.0", "==1.17", true},
        {"10.3.0.26", "==10.3.0", false},
        {"1.20.0rc1", ">=1.20", true},
        {"2.0", ">=1.17,<2", false},
        {"1.99", " >= 1.17 , < 2 ", true},
        {"3", "!=3.0", false},
        {"3", ">2.9.9", true},
        {"x", ">=1", false},
        {"3", "<=3.0.0", true},
    };
    for (const auto &[version, requirement, expected] : cases) {
        CAPTURE(std::string(version + " " + requirement));
        CHECK(dgiqa::satisfies(version, requirement) == expected);
    }
    CHECK(dgiqa::satisfies("1", std::nullopt));
    for (const char *bad : {"1.17", "~=1", ">=", ">=1.", ">=1..2", "=1", ">=1,,<2"})
        CHECK_ERROR(DGIQA_ERROR_BUNDLE, "is not of the form '>=1.17'", dgiqa::satisfies("1", std::string(bad)));
}

TEST_CASE("words of messages") {
    CHECK(dgiqa::quoted("it's\n") == "'it\\'s\\n'");
    CHECK(dgiqa::shell_joined({"a", "", "b c", "it's", "x=1"}) == "a '' 'b c' 'it'\"'\"'s' x=1");
    CHECK(dgiqa::brief(0.0123456) == "0.0123");
}

TEST_CASE("processors") {
    const dgiqa::Processor x86 =
        dgiqa::processor_from_cpuinfo("model name\t: Fast CPU\nflags\t: b a\nmodel name: no\n");
    CHECK(x86.model == "Fast CPU");
    CHECK(x86.features_digest == dgiqa::sha256_text("a b").substr(0, 12));
    const std::string arm = "CPU implementer : 0x41\nFeatures : fp asimd\nCPU part : 0xd42\n";
    CHECK(dgiqa::processor_from_cpuinfo(arm).model == "Arm 0x41 0xd42");
    CHECK(!dgiqa::processor_from_cpuinfo("").model.empty());
}
