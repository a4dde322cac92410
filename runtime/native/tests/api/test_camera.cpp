// Scorer, cues and gate of one camera together, through the public headers, on a small bundle that scores brightness.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>
#include <dgiqa_edge.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "../test_files.hpp"

using namespace dgiqa_edge;

namespace {

constexpr int WIDTH = 128;
constexpr int HEIGHT = 96;
const char *const QUICK = R"({"smoothing": {"method": "none"}, "start": {"readings": 1},
                              "dwell": {"pass_s": 0, "reject_s": 0, "cool_down_s": 0},
                              "frozen": {"after_s": 0}, "cues": {"occlusion": {"role": "off"}, "haze": {"role": "off"},
                                       "sharpness": {"role": "off"},
                                       "luminance": {"reject_below": 65, "accept_above": 85}}})";

// None, with a message, where no test bundle was made or this build cannot run it.
std::unique_ptr<Scorer> scorer(const std::string &name = "fused") {
    const fs::path folder = bundle_folder(name);
    if (folder.empty()) return nullptr;
    const std::string built = dgiqa_build_info();
    if (built.find("\"openvino\"") == std::string::npos && built.find("\"onnxruntime\"") == std::string::npos) {
        MESSAGE("skipped: this build has no CPU backend");
        return nullptr;
    }
    ScorerOptions options;
    options.bundle = folder.string();
    options.threads = 1;
    options.verify = DGIQA_VERIFY_NEVER;
    return std::make_unique<Scorer>(options);
}

std::vector<std::uint8_t> picture(std::uint8_t level) {
    return std::vector<std::uint8_t>(static_cast<std::size_t>(WIDTH) * HEIGHT * 3, level);
}

dgiqa_frame frame(const std::vector<std::uint8_t> &pixels) { return bgr(pixels.data(), WIDTH, HEIGHT); }

}  // namespace

TEST_CASE("a frame is scored, measured and judged") {
    const auto engine = scorer();
    if (!engine) return;
    Camera camera(*engine, QUICK);
    const auto bright = picture(204), dark = picture(51);
    const Judged good = camera.judge(frame(bright), 0.0);
    CHECK(good.quality.score == doctest::Approx(0.8).epsilon(1e-5));
    CHECK(good.verdict.score == static_cast<double>(good.quality.score));
    CHECK(good.verdict.state == DGIQA_PASS);
    CHECK(good.quality.crop_scores.size() == 2);
    CHECK(good.quality.total_ms >= good.quality.resize_ms);
    const Verdict bad = camera.judge(frame(dark), 1.0).verdict;
    CHECK(bad.state == DGIQA_REJECT);
    CHECK(bad.reason == "too dark");
    CHECK(bad.cue == "luminance");
    CHECK(bad.value == 51.0);
}

TEST_CASE("what the bundle reads of faults reaches the gate, and says where") {
    const auto engine = scorer("fused_faults");
    if (!engine) return;
    Camera camera(*engine, R"({"smoothing": {"method": "none"}, "start": {"readings": 1},
                               "cues": {"occlusion": {"role": "off"}, "sharpness": {"role": "off"}},
                               "faults": {"dark": {"reject_above": 0.7, "accept_below": 0.5}}})");
    const auto dark = picture(51);
    const Judged judged = camera.judge(frame(dark), 0.0);
    CHECK(judged.verdict.state == DGIQA_REJECT);
    CHECK(judged.verdict.reason == "too dark");
    CHECK(judged.verdict.cue == "faults.dark");
    CHECK(judged.verdict.value.value() == doctest::Approx(0.8));
    CHECK(judged.verdict.threshold == 0.5);
    CHECK(judged.verdict.head == judged.quality.faults.at(0).name);
    REQUIRE(judged.verdict.runner_up);
    CHECK(judged.verdict.runner_up->cue == "contrast");
}

TEST_CASE("after a silence the picture before it is no measure of change, and time does not go back") {
    const auto engine = scorer();
    if (!engine) return;
    Camera camera(*engine, QUICK);
    const auto bright = picture(204);
    CHECK(camera.judge(frame(bright), 0.0).verdict.reason == "good");
    CHECK(camera.judge(frame(bright), 1.0).verdict.reason == "frozen");
    CHECK(camera.no_signal(3.0).reason == "no signal");
    CHECK(camera.judge(frame(bright), 2.5).verdict.reason == "good");  // captured before the silence was told
    CHECK(camera.judge(frame(bright), 2.6).verdict.reason == "frozen");
}

TEST_CASE("a frame that cannot be used leaves the gate as it was") {
    const auto engine = scorer();
    if (!engine) return;
    Camera camera(*engine, QUICK);
    const auto bright = picture(204), brighter = picture(206);
    CHECK(camera.judge(frame(bright), 0.0).verdict.state == DGIQA_PASS);
    try {
        camera.judge(bgr(nullptr, WIDTH, HEIGHT), 1.0);
        FAIL("a frame without pixels was scored");
    } catch (const Error &error) {
        CHECK(error.status() == DGIQA_ERROR_SOURCE);
    }
    for (const double t : {std::nan(""), HUGE_VAL}) {
        CHECK_THROWS_WITH_AS(camera.judge(frame(bright), t), doctest::Contains("monotonic clock"), Error);
        CHECK_THROWS_WITH_AS(camera.no_signal(t), doctest::Contains("monotonic clock"), Error);
    }
    const Verdict next = camera.judge(frame(brighter), 0.5).verdict;
    CHECK(next.state == DGIQA_PASS);
    CHECK(!next.changed);
}

TEST_CASE("a camera learns its reference view from frames that passed, and another takes it over") {
    const auto engine = scorer();
    if (!engine) return;
    const char *policy = R"({"start": {"readings": 1}, "dwell": {"cool_down_s": 0}, "frozen": {"role": "off"},
                             "smoothing": {"method": "none"}, "score": {"role": "off"},
                             "cues": {"occlusion": {"role": "off"}, "noise": {"role": "off"},
                                      "clipped": {"role": "off"}, "smear": {"role": "off"}},
                             "reference": {"learn_minutes": 1}})";
    const auto drawn = [](unsigned seed) {  // blocks of 8 pixels, each of some brightness
        std::minstd_rand draw(seed);
        std::vector<std::uint8_t> levels(static_cast<std::size_t>(WIDTH) * HEIGHT / 64), pixels = picture(0);
        for (std::uint8_t &level : levels) level = static_cast<std::uint8_t>(60 + draw() % 150);
        for (int at = 0; at < WIDTH * HEIGHT * 3; ++at) {
            const int y = at / 3 / WIDTH, x = at / 3 % WIDTH;
            pixels[at] = levels[y / 8 * (WIDTH / 8) + x / 8];
        }
        return pixels;
    };
    const auto blocks = drawn(3), turned = drawn(4);
    Camera camera(*engine, policy);
    CHECK_THROWS_AS(camera.set_reference("{}"), Error);
    for (int second = 0; second < 60; ++second) {
        CHECK(!camera.reference());
        CHECK(camera.judge(frame(blocks), second).verdict.reason == "good");
    }
    REQUIRE(camera.reference());
    CHECK(camera.judge(frame(turned), 61.0).verdict.reason == "moved view");
    Camera other(*engine, policy);
    other.set_reference(*camera.reference());
    CHECK(*other.reference() == *camera.reference());
    CHECK(other.judge(frame(turned), 0.0).verdict.reason == "moved view");
    const auto likeness = other.cues().likeness;
    other.set_regions(std::string(R"({"include": [[[0, 0], [1, 0], [1, 0.5], [0, 0.5]]]})"));
    CHECK(*other.reference() == *camera.reference());
    CHECK(other.judge(frame(turned), 0.1).verdict.reason == "moved view");
    CHECK(other.cues().likeness == likeness);  // the view is the whole picture's
}

TEST_CASE("two cameras share a scorer and keep gates of their own") {
    const auto engine = scorer();
    if (!engine) return;
    Camera one(*engine, QUICK), other(*engine);
    const auto bright = picture(204), dark = picture(51);
    CHECK(one.judge(frame(dark), 0.0).verdict.state == DGIQA_REJECT);
    CHECK(other.judge(frame(bright), 0.0).verdict.reason == "starting");
    CHECK(one.policy() != other.policy());
    CHECK(!one.baseline());
}

TEST_CASE("a camera learns its baseline, and quality may be left out") {
    const auto engine = scorer();
    if (!engine) return;
    const char *policy = R"({"start": {"readings": 1}, "dwell": {"cool_down_s": 0}, "frozen": {"role": "off"},
                             "cues": {"occlusion": {"role": "off"}, "haze": {"role": "off"}},
                             "baseline": {"learn_minutes": 0.05}})";
    dgiqa_camera *camera = nullptr;
    REQUIRE(dgiqa_camera_create(engine->get(), policy, nullptr, &camera) == DGIQA_OK);
    const auto bright = picture(204);
    const dgiqa_frame given = frame(bright);
    dgiqa_verdict verdict;
    for (int second = 0; second < 3; ++second) {
        CHECK(dgiqa_gate_baseline(dgiqa_camera_gate(camera)) == nullptr);
        REQUIRE(dgiqa_camera_judge(camera, &given, second, nullptr, &verdict) == DGIQA_OK);
    }
    REQUIRE(dgiqa_gate_baseline(dgiqa_camera_gate(camera)) != nullptr);
    CHECK(std::string(dgiqa_gate_baseline(dgiqa_camera_gate(camera))).find("\"sharpness\"") != std::string::npos);
    dgiqa_camera_free(camera);
    CHECK_THROWS_WITH_AS(Camera(*engine, "{\"cues\": 1}"), doctest::Contains("gate policy: cues is 1"), Error);
}

TEST_CASE("what regions exclude has no part in score, cues and places") {
    const auto engine = scorer("fused_faults");
    if (!engine) return;
    const char *const top = R"({"include": [[[0, 0], [1, 0], [1, 0.5], [0, 0.5]]]})";
    auto half = picture(204);
    std::fill(half.begin() + static_cast<std::ptrdiff_t>(half.size() / 2), half.end(), std::uint8_t{51});
    Camera camera(*engine, QUICK);
    CHECK(camera.where("dark").empty());  // nothing was judged yet
    const float whole = camera.judge(frame(half), 0.0).quality.score;
    CHECK(*camera.cues().contrast > 100.0);
    camera.set_regions(top);
    const Judged judged = camera.judge(frame(half), 0.1);
    CHECK(judged.quality.score > whole + 0.1f);
    CHECK(judged.quality.frame_box.height == HEIGHT);
    CHECK(camera.cues().luminance == 204.0);
    CHECK(camera.cues().contrast == 0.0);
    CHECK_FALSE(camera.cues().change.has_value());  // measured anew
    CueMeter meter;
    meter.set_regions(std::string(top));
    CHECK(meter.measure(frame(half)).contrast == 0.0);
    REQUIRE_FALSE(judged.quality.faults.empty());
    const auto rows = camera.where(judged.quality.faults[0].name);
    REQUIRE(static_cast<int>(rows.size()) == judged.quality.coverage_rows);
    for (const double cell : rows.back()) CHECK(cell == 0.0);  // below what counts
    CHECK(camera.where("nothing of that name").empty());
    CHECK_THROWS_WITH_AS(camera.set_regions(std::string(R"({"include": [[[0, 0], [1, 1]]]})")),
                         "include[0] has 2 corners: give 3 to 256", Error);
    CHECK(camera.judge(frame(half), 0.2).quality.score == judged.quality.score);  // as before
    camera.set_regions(std::nullopt);
    CHECK(camera.judge(frame(half), 0.3).quality.score == whole);
}
