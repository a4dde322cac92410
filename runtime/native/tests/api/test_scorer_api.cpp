// The scorer's C functions, through the shared library.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <climits>
#include <cstring>
#include <thread>
#include <vector>

#include "bundle_files.hpp"
#include "dgiqa_edge.h"

namespace {

bool last_error_has(const char *text) { return std::strstr(dgiqa_last_error(), text) != nullptr; }

// The small bundle where this library can run it.
std::string runnable(const char *name = "fused") {
    const TemporaryFolder cache;
    setenv("XDG_CACHE_HOME", cache.path().c_str(), 1);
    if (std::strstr(dgiqa_build_info(), "\"openvino\"") != nullptr ||
        std::strstr(dgiqa_build_info(), "\"onnxruntime\"") != nullptr)
        return bundle_folder(name).string();
    MESSAGE("skipped: this build has no CPU backend");
    return "";
}

}  // namespace

TEST_CASE("a frame is scored from C") {
    const std::string bundle = runnable();
    if (bundle.empty()) return;
    dgiqa_scorer_params params = dgiqa_scorer_default_params();
    CHECK(std::string(params.backend) == "auto");
    params.bundle = bundle.c_str();
    params.threads = 1;
    dgiqa_scorer *scorer = nullptr;
    REQUIRE(dgiqa_scorer_create(&params, &scorer) == DGIQA_OK);
    int height = 0, width = 0;
    dgiqa_scorer_frame_size(scorer, &height, &width);
    CHECK(height == 48);
    CHECK(width == 64);

    std::vector<std::uint8_t> pixels(48 * 256, 255);  // rows with gaps
    for (int y = 0; y < 48; ++y) std::memset(pixels.data() + y * 256, 51, 64 * 3);
    dgiqa_frame frame = dgiqa_frame_default();
    frame.planes[0] = pixels.data();
    frame.strides[0] = 256;
    frame.width = 64;
    frame.height = 48;
    dgiqa_quality quality;
    REQUIRE(dgiqa_scorer_score(scorer, &frame, &quality) == DGIQA_OK);
    CHECK(quality.score == doctest::Approx(0.2).epsilon(1e-5));
    REQUIRE(quality.crop_count == 2);
    CHECK(quality.crop_scores[1] == doctest::Approx(0.2).epsilon(1e-5));
    CHECK(quality.depth_width * quality.depth_height == 24 * 32);
    CHECK(quality.depth[24 * 32 - 1] == 51);
    CHECK(quality.fault_count == 0);
    CHECK(quality.faults == nullptr);
    CHECK(quality.coverage == nullptr);
    CHECK(quality.depth_box.width == 32);
    CHECK(quality.frame_box.height == 48);
    CHECK(dgiqa::parse_strictly(dgiqa_scorer_describe(scorer)).at("bundle") == bundle);

    frame.planes[0] = nullptr;
    CHECK(dgiqa_scorer_score(scorer, &frame, &quality) == DGIQA_ERROR_SOURCE);
    CHECK(quality.crop_scores == nullptr);
    CHECK(dgiqa_scorer_score(scorer, &frame, nullptr) == DGIQA_ERROR_CONFIGURATION);
    dgiqa_scorer_free(scorer);
}

TEST_CASE("what a caller forgets is a status, not a crash") {
    dgiqa_scorer *scorer = reinterpret_cast<dgiqa_scorer *>(1);
    CHECK(dgiqa_scorer_create(nullptr, &scorer) == DGIQA_ERROR_CONFIGURATION);
    CHECK(scorer == nullptr);
    dgiqa_scorer_params params = dgiqa_scorer_default_params();
    CHECK(dgiqa_scorer_create(&params, nullptr) == DGIQA_ERROR_CONFIGURATION);
    CHECK(dgiqa_scorer_create(&params, &scorer) == DGIQA_ERROR_CONFIGURATION);
    CHECK(last_error_has("set the bundle"));
    params.bundle = "/no/such/folder";
    CHECK(dgiqa_scorer_create(&params, &scorer) == DGIQA_ERROR_BUNDLE);
    CHECK(last_error_has("/no/such/folder does not exist"));
    for (const int threads : {-1, 257, 100000, INT_MAX, INT_MIN}) {
        params.threads = threads;
        CHECK(dgiqa_scorer_create(&params, &scorer) == DGIQA_ERROR_CONFIGURATION);
        CHECK(last_error_has("give 1 to 256, or 0"));
    }
    params.threads = 0;
    params.bundle = "/no/caf\xe9\n";
    CHECK(dgiqa_scorer_create(&params, &scorer) == DGIQA_ERROR_BUNDLE);
    CHECK(last_error_has("/no/caf\\xe9\\n does not exist"));
    params.verify = static_cast<dgiqa_verify>(3);
    CHECK(dgiqa_scorer_create(&params, &scorer) == DGIQA_ERROR_CONFIGURATION);
    params.verify = DGIQA_VERIFY_ONCE;
    const unsigned no_fit = 4;
    std::memcpy(&params.fit, &no_fit, sizeof no_fit);
    CHECK(dgiqa_scorer_create(&params, &scorer) == DGIQA_ERROR_CONFIGURATION);
    CHECK(last_error_has("fit is 4: give a DGIQA_FIT_ value"));
    dgiqa_quality quality;
    CHECK(dgiqa_scorer_score(nullptr, nullptr, &quality) == DGIQA_ERROR_CONFIGURATION);
    CHECK(std::string(dgiqa_scorer_describe(nullptr)) == "{}");
    dgiqa_scorer_frame_size(nullptr, nullptr, nullptr);
    dgiqa_scorer_free(nullptr);
}

TEST_CASE("faults are named, with their probabilities for the frame and its cells") {
    const std::string bundle = runnable("fused_faults");
    if (bundle.empty()) return;
    dgiqa_scorer_params params = dgiqa_scorer_default_params();
    params.bundle = bundle.c_str();
    dgiqa_scorer *scorer = nullptr;
    REQUIRE(dgiqa_scorer_create(&params, &scorer) == DGIQA_OK);
    std::vector<std::uint8_t> pixels(48 * 64 * 3, 255);
    std::memset(pixels.data(), 51, 24 * 64 * 3);  // the upper half
    dgiqa_frame frame = dgiqa_frame_default();
    frame.planes[0] = pixels.data();
    frame.width = 64;
    frame.height = 48;
    dgiqa_quality quality;
    REQUIRE(dgiqa_scorer_score(scorer, &frame, &quality) == DGIQA_OK);
    REQUIRE(quality.fault_count == 2);
    CHECK(std::string(quality.fault_names[0]) == "dark");
    CHECK(std::string(quality.fault_names[1]) == "over-exposed");
    CHECK(quality.faults[0] == doctest::Approx(0.4).epsilon(1e-5));
    CHECK(quality.coverage_rows == 2);
    CHECK(quality.coverage_columns == 4);
    CHECK(quality.coverage[3 * 2] == doctest::Approx(0.8).epsilon(1e-5));        // upper right, dark
    CHECK(quality.coverage[4 * 2 + 1] == doctest::Approx(1.0).epsilon(1e-5));    // lower left, over-exposed
    dgiqa_scorer_free(scorer);
}

TEST_CASE("each thread has its own last error, and scorers of several threads do not meet") {
    const std::string bundle = runnable();
    if (bundle.empty()) return;
    dgiqa_scorer_params wrong = dgiqa_scorer_default_params();
    wrong.bundle = "/no/such/folder";
    dgiqa_scorer *none = nullptr;
    CHECK(dgiqa_scorer_create(&wrong, &none) == DGIQA_ERROR_BUNDLE);
    std::vector<std::thread> threads;
    std::vector<float> scores(3, -1.0f);
    std::vector<int> quiet(3, 0);
    for (std::size_t i = 0; i < scores.size(); ++i)
        threads.emplace_back([&, i] {
            quiet[i] = std::string(dgiqa_last_error()).empty();
            dgiqa_scorer_params params = dgiqa_scorer_default_params();
            params.bundle = bundle.c_str();
            params.threads = 1;
            dgiqa_scorer *scorer = nullptr;
            if (dgiqa_scorer_create(&params, &scorer) != DGIQA_OK) return;
            const std::vector<std::uint8_t> pixels(48 * 64 * 3, static_cast<std::uint8_t>(51 * (i + 1)));
            dgiqa_frame frame = dgiqa_frame_default();
            frame.planes[0] = pixels.data();
            frame.width = 64;
            frame.height = 48;
            dgiqa_quality quality;
            for (int round = 0; round < 20; ++round)
                if (dgiqa_scorer_score(scorer, &frame, &quality) != DGIQA_OK) return;
            scores[i] = quality.score;
            dgiqa_scorer_free(scorer);
        });
    for (std::thread &thread : threads) thread.join();
    for (std::size_t i = 0; i < scores.size(); ++i) {
        CHECK(quiet[i] == 1);
        CHECK(scores[i] == doctest::Approx(0.2 * static_cast<double>(i + 1)).epsilon(1e-5));
    }
    CHECK(last_error_has("/no/such/folder"));
}
