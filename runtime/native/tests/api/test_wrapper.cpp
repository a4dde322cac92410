// The C++ wrapper over the shared library; it sees nothing else of the project.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <dgiqa_edge.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace dgiqa_edge;

TEST_CASE("objects move and do not copy") {
    static_assert(std::is_nothrow_move_constructible_v<Gate> && !std::is_copy_constructible_v<Gate>, "Gate");
    static_assert(std::is_nothrow_move_constructible_v<Scorer> && !std::is_copy_constructible_v<Scorer>, "Scorer");
    static_assert(std::is_nothrow_move_constructible_v<Camera> && !std::is_copy_constructible_v<Camera>, "Camera");
    static_assert(std::is_nothrow_move_constructible_v<CueMeter> && !std::is_copy_constructible_v<CueMeter>,
                  "CueMeter");
    Gate gate;
    Gate moved(std::move(gate));
    CHECK(moved.update({0.9}, 0.0).reason == "starting");
}

TEST_CASE("a gate passes, rejects and raises") {
    const std::string policy = R"({"smoothing": {"method": "none"}, "start": {"readings": 1},
                                   "dwell": {"pass_s": 0, "reject_s": 0, "cool_down_s": 0},
                                   "watchdog": {"max_reject_s": 2, "action": "raise"}})";
    Gate gate(policy);
    CHECK(gate.policy().find("\"max_reject_s\": 2.0") != std::string::npos);
    CHECK(!gate.baseline());
    const Verdict good = gate.update({0.9}, 0.0);
    CHECK(good.state == DGIQA_PASS);
    CHECK(good.changed);
    CHECK(!good.cue);
    CHECK(!good.value);
    CHECK(good.score == 0.9);
    Cues cues;
    cues.sharpness = 0.1;
    const Verdict bad = gate.update({0.1, cues}, 1.0);
    CHECK(bad.state == DGIQA_REJECT);
    CHECK(bad.reason == "blurred");
    CHECK(bad.cue == "score");
    CHECK(bad.threshold == 0.3);
    CHECK(!bad.runner_up);
    CHECK(bad.head == "blurred");
    try {
        gate.update({0.1}, 3.0);
        FAIL("the watchdog did not raise");
    } catch (const GateError &error) {
        CHECK(error.status() == DGIQA_ERROR_GATE);
        CHECK(error.verdict().overdue);
        CHECK(std::string(error.what()).find("frames rejected for 2.0 s") == 0);
    }
    CHECK(gate.update({}, 3.0).reason == "no signal");
}

TEST_CASE("a fault that a bundle reads rejects and is named before the score; the next one is the runner-up") {
    Gate gate(R"({"smoothing": {"method": "none"}, "start": {"readings": 1}, "dwell": {"cool_down_s": 0}})");
    const Verdict verdict = gate.update({0.9, std::nullopt, {{"flared", 0.7f, {}}, {"dirty", 0.9f, {}}}}, 0.0);
    CHECK(verdict.state == DGIQA_REJECT);
    CHECK(verdict.reason == "dirty or blocked");
    CHECK(verdict.cue == "faults.dirty");
    CHECK(verdict.value == static_cast<double>(0.9f));
    CHECK(verdict.head == "dirty");
    REQUIRE(verdict.runner_up);
    CHECK(verdict.runner_up->reason == "flare");
    CHECK(verdict.runner_up->cue == "faults.flared");
    CHECK(verdict.runner_up->value == static_cast<double>(0.7f));
    CHECK(verdict.runner_up->threshold == 0.4);
    CHECK_THROWS_WITH_AS(gate.update({0.9, std::nullopt, {{"dirty", 1.5f, {}}}}, 1.0),
                         "the probability of 'dirty' is 1.5: it must be a number from 0 to 1", Error);
}

TEST_CASE("refusals are exceptions with the library's message") {
    try {
        Gate gate("{\"dwell\": {\"pass_s\": -1}}");
        FAIL("the policy was accepted");
    } catch (const Error &error) {
        CHECK(error.status() == DGIQA_ERROR_CONFIGURATION);
        CHECK(std::string(error.what()) == "gate policy: dwell.pass_s is -1: give a number from 0 to 86400");
    }
    ScorerOptions options;
    options.bundle = "/nonexistent/bundle";
    CHECK_THROWS_AS(Scorer{options}, Error);
}

TEST_CASE("a quality owns each fault with its cells") {
    const char *names[] = {"dark", "hazy", "dirty"};
    const float faults[] = {0.1f, 0.2f, 0.3f}, coverage[] = {0, 1, 2, 3, 4, 5};
    dgiqa_quality given = {};
    CHECK(detail::quality(given).faults.empty());
    given.fault_count = 3;
    given.fault_names = names;
    given.faults = faults;
    given.coverage = coverage;
    given.coverage_rows = 1;
    given.coverage_columns = 2;
    const Quality quality = detail::quality(given);
    REQUIRE(quality.faults.size() == 3);
    CHECK(quality.faults[1].name == "hazy");
    CHECK(quality.faults[1].probability == 0.2f);
    CHECK(quality.faults[1].coverage == std::vector<float>{1, 4});
    CHECK(quality.coverage_rows * quality.coverage_columns == 2);
}

TEST_CASE("a meter gives cues with and without values") {
    CueMeter meter;
    std::vector<std::uint8_t> pixels(64 * 70 * 3, 10);
    const Cues first = meter.measure(bgr(pixels.data(), 70, 64));
    CHECK(first.shadows == 1.0);
    CHECK(!first.change);
    pixels.assign(pixels.size(), 13);
    CHECK(meter.measure(bgr(pixels.data(), 70, 64)).change == 3.0);
    CHECK(!meter.measure(bgr(pixels.data(), 60, 63)).luminance);  // too small
    meter.restart();
    CHECK(!meter.measure(bgr(pixels.data(), 60, 63)).change);
    CHECK_THROWS_AS(meter.measure(bgr(nullptr, 64, 64)), Error);
}
