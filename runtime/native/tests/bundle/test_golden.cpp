// Golden frames: .npz files as numpy writes them, odd ones refused, damaged ones never misread.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <cmath>

#include "bundle/golden.hpp"
#include "bundle_files.hpp"
#include "formats/npz.hpp"

namespace {

// The small bundle with another golden frame; no hashes are looked at here.
dgiqa::Bundle bundle_with(const fs::path &golden) {
    dgiqa::Bundle bundle = dgiqa::load_bundle(bundle_folder("fused").string());
    bundle.path = golden.parent_path().string();
    bundle.manifest.golden_file = golden.filename().string();
    return bundle;
}

}  // namespace

TEST_CASE("files that numpy writes are read") {
    const fs::path folder = bundle_folder("npz");
    if (folder.empty()) return;
    for (const char *name : {"good", "stored", "version2", "extra"}) {
        CAPTURE(name);
        const dgiqa::Golden golden = dgiqa::load_golden(bundle_with(folder / (std::string(name) + ".npz")));
        CHECK(golden.frame == std::vector<std::uint8_t>(48 * 64 * 3, 7));
        CHECK(golden.depth == std::vector<std::uint8_t>(24 * 32, 9));
        CHECK(golden.score == 0.5f);
        CHECK(golden.crop_scores == std::vector<float>{0.25f, 0.75f});
    }
}

TEST_CASE("odd files are refused") {
    const fs::path folder = bundle_folder("npz");
    if (folder.empty()) return;
    const std::vector<std::pair<std::string, std::string>> files = {
        {"pickled", "'score' holds pickled objects, which are never read"},
        {"fortran", "'frame' is in Fortran order"},
        {"big_endian", "'score' has the type '>f4'"},
        {"float64", "the array 'score' is <f8 [1], expected <f4 [1]"},
        {"nan", "the array 'crop_scores' holds a non-finite value"},
        {"missing", "lacks the array 'depth'"},
        {"other_size", "the array 'frame' is |u1 [1, 48, 65, 3], expected |u1 [1, 48, 64, 3]"},
        {"empty_array", "the array 'depth' is |u1 [1, 0, 32], expected |u1 [1, 24, 32]"},
        {"bomb", "the array 'frame' has 50331776 bytes, at most 9216 were expected"},
        {"bzip2", "packed by the unknown method 12"},
        {"wrong_crc", "a member's checksum is wrong"},
        {"not_an_array", "the member 'frame' is not an array"},
        {"lying_shape", "'score' has other bytes than its shape needs"},
        {"text", "is not a golden frame (it is not a zip file)"},
        {"nothing", "is not a golden frame (it is not a zip file)"},
        {"absent", "is not a golden frame (it does not exist)"},
    };
    for (const auto &file : files) {
        CAPTURE(file.first);
        CHECK_ERROR(DGIQA_ERROR_BUNDLE, file.second, dgiqa::load_golden(bundle_with(folder / (file.first + ".npz"))));
    }
}

TEST_CASE("a damaged file is refused or read as it was") {
    const fs::path folder = bundle_folder("npz");
    if (folder.empty()) return;
    const TemporaryFolder own;
    const fs::path file = own.path() / "golden.npz";
    const dgiqa::Bundle bundle = bundle_with(file);
    const std::string good = content_of(folder / "good.npz");
    for (std::size_t size = 0; size < good.size(); size += 3) {  // cut off
        write(file, good.substr(0, size));
        CHECK(error_of([&] { dgiqa::load_golden(bundle); }).status() == DGIQA_ERROR_BUNDLE);
    }
    for (std::size_t at = 0; at < good.size(); ++at) {  // one byte inverted
        std::string content = good;
        content[at] = static_cast<char>(~content[at]);
        write(file, content);
        try {
            const dgiqa::Golden golden = dgiqa::load_golden(bundle);
            CHECK(golden.frame == std::vector<std::uint8_t>(48 * 64 * 3, 7));
            CHECK(golden.crop_scores == std::vector<float>{0.25f, 0.75f});
        } catch (const dgiqa::Error &error) {
            CHECK(error.status() == DGIQA_ERROR_BUNDLE);
        }
    }
}

TEST_CASE("deviations") {
    const dgiqa::Golden golden = {{}, 0.5f, {0.25f, 0.75f}, {10, 20, 30, 40}};
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
    const float nan = std::nanf("");
    CHECK(!dgiqa::compare(golden, nan, {0.25f, 0.75f}, {10, 20, 30, 40}).within({1, 255}));
    CHECK(std::isnan(dgiqa::compare(golden, 0.5f, {nan, 0.75f}, {10, 20, 30, 40}).crop_score_max));
}
