// Golden frames: raw arrays behind a JSON header; odd files refused, damaged ones never misread.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <cmath>
#include <cstring>

#include "bundle/golden.hpp"
#include "bundle_files.hpp"

namespace {

using dgiqa::Json;

constexpr std::size_t kFrame = 48 * 64 * 3, kDepth = 24 * 32, kAll = kFrame + 4 + 8 + kDepth;

dgiqa::Bundle bundle_at(const fs::path &golden) {
    dgiqa::Bundle bundle;
    bundle.path = golden.parent_path().string();
    bundle.manifest.golden_file = golden.filename().string();
    bundle.manifest.frame = {48, 64};
    bundle.manifest.depth_output = {24, 32};
    bundle.manifest.view_count = 2;
    return bundle;
}

Json header() {
    const auto entry = [](const char *dtype, const Json &shape, std::size_t start, std::size_t end) {
        return Json{{"dtype", dtype}, {"shape", shape}, {"data_offsets", {start, end}}};
    };
    return {{"frame", entry("U8", {1, 48, 64, 3}, 0, kFrame)},
            {"score", entry("F32", {1}, kFrame, kFrame + 4)},
            {"crop_scores", entry("F32", {1, 2}, kFrame + 4, kFrame + 12)},
            {"depth", entry("U8", {1, 24, 32}, kFrame + 12, kAll)}};
}

std::string data(float first_crop = 0.25f) {
    const float scores[] = {0.5f, first_crop, 0.75f};
    std::string bytes = std::string(kFrame, 7) + std::string(sizeof scores, 0) + std::string(kDepth, 9);
    std::memcpy(&bytes[kFrame], scores, sizeof scores);
    return bytes;
}

std::string packed(const std::string &head, const std::string &bytes) {
    std::string length(8, 0);
    for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(head.size() >> (8 * i) & 0xff);
    return length + head + bytes;
}

std::string changed(const char *name, const char *key, const Json &value) {
    Json head = header();
    head[name][key] = value;
    return packed(head.dump(), data());
}

}  // namespace

TEST_CASE("files as the Python package writes them are read") {
    const fs::path folder = bundle_folder("fused");
    if (folder.empty()) return;
    const dgiqa::Golden golden = dgiqa::load_golden(dgiqa::load_bundle(folder.string()));
    CHECK(golden.frame.size() == kFrame);
    CHECK(golden.crop_scores.size() == 2);
    CHECK(golden.score == doctest::Approx((golden.crop_scores[0] + golden.crop_scores[1]) / 2));
    CHECK(golden.depth.size() == kDepth);
}

TEST_CASE("the golden faults of a bundle that reads some are its own, and others are refused") {
    const fs::path folder = bundle_folder("fused_faults");
    if (folder.empty()) return;
    dgiqa::Bundle bundle = dgiqa::load_bundle(folder.string());
    const dgiqa::Golden golden = dgiqa::load_golden(bundle);
    REQUIRE(golden.faults.size() == 2);
    CHECK(golden.faults[0] + golden.faults[1] == doctest::Approx(1.0));
    CHECK(golden.coverage.size() == 2 * 4 * 2);
    bundle.manifest.faults->columns = 3;
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "'coverage' is F32 [1, 2, 4, 2] of 64 bytes, expected F32 [1, 2, 3, 2]",
                dgiqa::load_golden(bundle));
    dgiqa::Bundle without = dgiqa::load_bundle(bundle_folder("fused").string());
    without.manifest.faults = dgiqa::Faults{{"dark"}, 1, 1};
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "the array 'faults' is missing", dgiqa::load_golden(without));
}

TEST_CASE("arrays are found by the header, in any order, beside others") {
    const TemporaryFolder own;
    Json head = header();
    head["other"] = {{"dtype", "I64"}, {"shape", Json::array()}, {"data_offsets", {0, 8}}};
    head["__metadata__"] = {{"made", "by hand"}};
    for (const std::string &text : {header().dump(), head.dump() + "    "}) {
        write(own.path() / "golden", packed(text, data()));
        const dgiqa::Golden golden = dgiqa::load_golden(bundle_at(own.path() / "golden"));
        CHECK(golden.frame == std::vector<std::uint8_t>(kFrame, 7));
        CHECK(golden.depth == std::vector<std::uint8_t>(kDepth, 9));
        CHECK(golden.score == 0.5f);
        CHECK(golden.crop_scores == std::vector<float>{0.25f, 0.75f});
    }
}

TEST_CASE("odd files are refused") {
    const TemporaryFolder own;
    Json without_depth = header();
    without_depth.erase("depth");
    const std::vector<std::pair<std::string, std::string>> files = {
        {changed("score", "dtype", "F64"), "the array 'score' is F64 [1] of 4 bytes, expected F32 [1]"},
        {changed("frame", "shape", {1, 48, 65, 3}),
         "'frame' is U8 [1, 48, 65, 3] of 9216 bytes, expected U8 [1, 48, 64"},
        {changed("depth", "shape", Json::array()), "the array 'depth' is U8 [] of 768 bytes"},
        {changed("depth", "data_offsets", {0, 767}), "the array 'depth' is U8 [1, 24, 32] of 767 bytes"},
        {changed("depth", "data_offsets", {0, kAll + 1}), "its header points outside the file"},
        {changed("depth", "data_offsets", {9, 8}), "its header points outside the file"},
        {changed("depth", "data_offsets", {1}), "its header points outside the file"},
        {changed("depth", "data_offsets", "all"), "its header does not describe arrays"},
        {changed("depth", "shape", {{"a", 1}}), "its header does not describe arrays"},
        {packed(without_depth.dump(), data()), "the array 'depth' is missing"},
        {packed(header().dump(), data(std::nanf(""))), "the array 'crop_scores' holds a non-finite value"},
        {packed(R"({"a": 1, "a": 2})", data()), "its header is not JSON: the key 'a' stands twice"},
        {packed("[1]", data()), "its header does not describe arrays"},
        {packed("PK", data()), "its header is not JSON"},
        {packed(header().dump(), data() + std::string(1 << 17, 0)), "it has"},
        {std::string(8, '\xff'), "its header is cut off"},
        {"PK", "its header is cut off"},
        {"", "its header is cut off"},
    };
    for (const auto &[content, problem] : files) {
        CAPTURE(problem);
        write(own.path() / "golden", content);
        CHECK_ERROR(DGIQA_ERROR_BUNDLE, problem, dgiqa::load_golden(bundle_at(own.path() / "golden")));
    }
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "is not a golden frame (it does not exist)",
                dgiqa::load_golden(bundle_at(own.path() / "absent")));
}

TEST_CASE("a damaged header is refused, or read as it was") {
    const TemporaryFolder own;
    const fs::path file = own.path() / "golden";
    const dgiqa::Bundle bundle = bundle_at(file);
    const std::string good = packed(header().dump(), data());
    const std::size_t head = good.size() - kAll;
    for (std::size_t size = 0; size < good.size(); size += size < head ? 1 : 97) {  // cut off
        write(file, good.substr(0, size));
        CHECK(error_of([&] { dgiqa::load_golden(bundle); }).status() == DGIQA_ERROR_BUNDLE);
    }
    for (std::size_t at = 0; at < head; ++at) {  // one byte inverted
        std::string content = good;
        content[at] = static_cast<char>(~content[at]);
        write(file, content);
        CHECK(error_of([&] { dgiqa::load_golden(bundle); }).status() == DGIQA_ERROR_BUNDLE);
    }
}

TEST_CASE("deviations of faults: the largest of the frame, the mean of its cells") {
    const dgiqa::Golden golden = {{}, 0.5f, {0.5f}, {10}, {0.25f, 0.75f}, {0.25f, 0.75f, 0.5f, 0.5f}};
    const auto compared = [&](const std::vector<float> &faults, const std::vector<float> &coverage) {
        return dgiqa::compare(golden, 0.5f, {0.5f}, {10}, faults, coverage);
    };
    const dgiqa::Deviation other = compared({0.25f, 0.5f}, {0.75f, 0.75f, 0.5f, 0.5f});
    CHECK(other.faults_max == 0.25);
    CHECK(other.coverage_mean == 0.125);
    CHECK(other.within({0, 0, 0.25}));
    CHECK(!other.within({0, 0, 0.24}));
    CHECK(!compared(golden.faults, {1.0f, 0.0f, 0.5f, 0.5f}).within({0, 0, 0.25}));
    const float nan = std::nanf("");
    CHECK(!compared({0.25f, nan}, golden.coverage).within({0, 0, 1}));
    CHECK(!compared(golden.faults, {nan, 0.75f, 0.5f, 0.5f}).within({0, 0, 1}));
}

TEST_CASE("deviations") {
    const dgiqa::Golden golden = {{}, 0.5f, {0.25f, 0.75f}, {10, 20, 30, 40}, {}, {}};
    const dgiqa::Deviation same = dgiqa::compare(golden, 0.5f, {0.25f, 0.75f}, {10, 20, 30, 40});
    CHECK(same.within({0, 0}));
    const dgiqa::Deviation other = dgiqa::compare(golden, 0.625f, {0.25f, 0.5f}, {10, 20, 30, 32});
    CHECK(other.score == 0.125);
    CHECK(other.crop_score_max == 0.25);
    CHECK(other.depth_mean_levels == 2.0);
    CHECK(other.depth_max_levels == 8.0);
    CHECK(other.within({0.125, 2.0}));
    CHECK(!other.within({0.124, 2.0}));
    CHECK(!other.within({0.125, 1.9}));
    CHECK(other.within({0.125, 2.0, 0.0}));  // there are no faults
    const float nan = std::nanf("");
    CHECK(!dgiqa::compare(golden, nan, {0.25f, 0.75f}, {10, 20, 30, 40}).within({1, 255}));
    CHECK(std::isnan(dgiqa::compare(golden, 0.5f, {nan, 0.75f}, {10, 20, 30, 40}).crop_score_max));
}
