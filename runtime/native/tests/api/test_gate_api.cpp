// Gate and cue meter through the C API alone: values, texts, lifetimes and refusals.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <dgiqa_edge.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using nlohmann::json;

namespace {

const char *const QUICK = R"({"smoothing": {"method": "none"}, "start": {"readings": 1},
                              "dwell": {"pass_s": 0, "reject_s": 0, "cool_down_s": 0},
                              "watchdog": {"max_reject_s": 2, "action": "raise"}})";
const char *const LEARNING = R"({"smoothing": {"method": "none"}, "start": {"readings": 1},
                                 "dwell": {"pass_s": 0, "reject_s": 0, "cool_down_s": 0},
                                 "baseline": {"learn_minutes": 0.05}})";

dgiqa_gate *gate_of(const char *policy, const char *baseline = nullptr) {
    dgiqa_gate *gate = nullptr;
    REQUIRE(dgiqa_gate_create(policy, baseline, &gate) == DGIQA_OK);
    REQUIRE(gate != nullptr);
    return gate;
}

dgiqa_status update(dgiqa_gate *gate, double score, const dgiqa_cues *cues, double t, dgiqa_verdict &verdict) {
    const dgiqa_reading reading = {score, cues, 0, nullptr, nullptr};
    return dgiqa_gate_update(gate, &reading, t, &verdict);
}

dgiqa_cues no_cues() { return {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN}; }

std::string last_error() { return dgiqa_last_error(); }

}  // namespace

TEST_CASE("a verdict has NaN and NULL where there is nothing") {
    dgiqa_gate *gate = gate_of(QUICK);
    dgiqa_verdict verdict;
    REQUIRE(dgiqa_gate_update(gate, nullptr, 0.0, &verdict) == DGIQA_OK);
    CHECK(verdict.state == DGIQA_UNKNOWN);
    CHECK(std::string(verdict.reason) == "no signal");
    CHECK(verdict.cue == nullptr);
    CHECK(verdict.runner_up == nullptr);
    CHECK(verdict.head == nullptr);
    CHECK(std::isnan(verdict.runner_up_value));
    CHECK(std::isnan(verdict.value));
    CHECK(std::isnan(verdict.threshold));
    CHECK(std::isnan(verdict.score));
    CHECK(std::isnan(verdict.smoothed));
    dgiqa_cues cues = no_cues();
    cues.smear = 0.5;
    REQUIRE(update(gate, 0.9, &cues, 1.0, verdict) == DGIQA_OK);
    CHECK(verdict.state == DGIQA_REJECT);
    CHECK(std::string(verdict.reason) == "codec damage");
    CHECK(std::string(verdict.cue) == "smear");
    CHECK(verdict.value == 0.5);
    CHECK(verdict.threshold == 0.1);
    CHECK(verdict.score == 0.9);
    CHECK(verdict.smoothed == 0.9);
    CHECK(verdict.changed == 1);
    CHECK(verdict.overdue == 0);
    SUBCASE("the watchdog raises and the verdict is filled in") {
        CHECK(update(gate, 0.9, &cues, 3.5, verdict) == DGIQA_ERROR_GATE);
        CHECK(last_error().find("frames rejected for 2.5 s (codec damage)") == 0);
        CHECK(verdict.state == DGIQA_REJECT);
        CHECK(verdict.overdue == 1);
        CHECK(std::string(verdict.cue) == "smear");
    }
    SUBCASE("faults without their arrays are refused") {
        const dgiqa_reading reading = {0.9, nullptr, 1, nullptr, nullptr};
        CHECK(dgiqa_gate_update(gate, &reading, 2.0, &verdict) == DGIQA_ERROR_CONFIGURATION);
        CHECK(last_error().find("fault_names and faults must not be NULL") != std::string::npos);
    }
    SUBCASE("a fault without its name is refused") {
        const char *const name = nullptr;
        const float fault = 0.5f;
        const dgiqa_reading reading = {0.9, nullptr, 1, &name, &fault};
        CHECK(dgiqa_gate_update(gate, &reading, 2.0, &verdict) == DGIQA_ERROR_CONFIGURATION);
        CHECK(last_error() == "dgiqa_gate_update: none of fault_names must be NULL");
    }
    SUBCASE("a refused reading leaves an empty verdict") {
        CHECK(update(gate, 1.5, nullptr, 2.0, verdict) == DGIQA_ERROR_CONFIGURATION);
        CHECK(last_error() == "the score is 1.5: it must be a number from 0 to 1");
        CHECK(verdict.state == DGIQA_UNKNOWN);
        CHECK(std::string(verdict.reason).empty());
        CHECK(std::isnan(verdict.score));
    }
    dgiqa_gate_free(gate);
}

TEST_CASE("frames and numbers that are none are refused, never followed") {
    dgiqa_gate *gate = gate_of(QUICK);
    dgiqa_verdict verdict;
    for (const double wrong : {HUGE_VAL, -HUGE_VAL, 1e308, -1e308})
        CHECK(update(gate, wrong, nullptr, 0.0, verdict) == DGIQA_ERROR_CONFIGURATION);
    for (const double wrong : {HUGE_VAL, -HUGE_VAL, double(NAN)})
        CHECK(update(gate, 0.5, nullptr, wrong, verdict) == DGIQA_ERROR_CONFIGURATION);
    for (double dgiqa_cues::*cue : {&dgiqa_cues::luminance, &dgiqa_cues::smear}) {
        dgiqa_cues cues = no_cues();
        cues.*cue = HUGE_VAL;
        CHECK(update(gate, 0.5, &cues, 0.0, verdict) == DGIQA_ERROR_CONFIGURATION);
    }
    dgiqa_gate_free(gate);

    dgiqa_cue_meter *meter = nullptr;
    REQUIRE(dgiqa_cue_meter_create(&meter) == DGIQA_OK);
    const std::vector<unsigned char> pixels(4 * 64 * 64, 7);
    dgiqa_cues cues;
    for (int format = DGIQA_BGR; format <= DGIQA_I420; ++format) {
        for (int plane = 0; plane < 3; ++plane) {
            for (const std::size_t stride : {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 63, std::size_t{1} << 32}) {
                dgiqa_frame frame = dgiqa_frame_default();
                for (const unsigned char *&start : frame.planes) start = pixels.data();
                frame.width = frame.height = 64;
                frame.format = static_cast<dgiqa_pixel_format>(format);
                CHECK(dgiqa_cue_meter_measure(meter, &frame, &cues) == DGIQA_OK);
                frame.strides[plane] = stride;
                const bool used = plane == 0 || (plane == 1 && (format == DGIQA_NV12 || format == DGIQA_I420)) ||
                                  format == DGIQA_I420;
                CHECK((dgiqa_cue_meter_measure(meter, &frame, &cues) == DGIQA_ERROR_SOURCE) == used);
                frame.strides[plane] = 0;
                frame.planes[plane] = nullptr;
                CHECK((dgiqa_cue_meter_measure(meter, &frame, &cues) == DGIQA_ERROR_SOURCE) == used);
            }
        }
    }
    dgiqa_cue_meter_free(meter);
}

TEST_CASE("policies and baselines come and go as text") {
    dgiqa_gate *gate = gate_of(nullptr);
    const std::string policy = dgiqa_gate_policy(gate);
    CHECK(json::parse(policy)["score"]["reject_below"] == 0.25);
    CHECK(dgiqa_gate_baseline(gate) == nullptr);
    dgiqa_gate_free(gate);

    gate = gate_of(policy.c_str());
    CHECK(dgiqa_gate_policy(gate) == policy);
    dgiqa_gate_free(gate);

    gate = gate_of(LEARNING);
    dgiqa_verdict verdict;
    for (int second = 0; second < 3; ++second) {
        CHECK(dgiqa_gate_baseline(gate) == nullptr);
        REQUIRE(update(gate, 0.8, nullptr, second, verdict) == DGIQA_OK);
    }
    REQUIRE(dgiqa_gate_baseline(gate) != nullptr);
    const std::string learned = dgiqa_gate_baseline(gate);
    CHECK(json::parse(learned) == json{{"kind", "dgiqa-edge camera baseline"},
                                       {"version", 1},
                                       {"samples", 3},
                                       {"spreads", {{"score", {{"low", 0.8}, {"median", 0.8}, {"high", 0.8}}}}}});
    dgiqa_gate_free(gate);

    json kept = json::parse(learned);
    kept["scorer_id"] = "of my bundle";
    gate = gate_of(LEARNING, kept.dump().c_str());
    REQUIRE(dgiqa_gate_baseline(gate) != nullptr);
    CHECK(json::parse(dgiqa_gate_baseline(gate)) == kept);
    dgiqa_gate_free(gate);
}

TEST_CASE("what cannot be used is refused, and no object is left") {
    dgiqa_gate *gate = reinterpret_cast<dgiqa_gate *>(0x1);
    CHECK(dgiqa_gate_create("{\"scores\": {}}", nullptr, &gate) == DGIQA_ERROR_CONFIGURATION);
    CHECK(gate == nullptr);
    CHECK(last_error() == "gate policy: scores is not a setting: did you mean 'score'?");
    CHECK(dgiqa_gate_create(nullptr, "[]", &gate) == DGIQA_ERROR_CONFIGURATION);
    CHECK(last_error().find("this camera's baseline cannot be used (it holds something else)") == 0);
    CHECK(dgiqa_gate_create(R"({"baseline": {"on_unusable": "relearn"}})", "[]", &gate) == DGIQA_OK);
    CHECK(dgiqa_gate_baseline(gate) == nullptr);
    dgiqa_verdict verdict;
    CHECK(dgiqa_gate_update(gate, nullptr, 0.0, nullptr) == DGIQA_ERROR_CONFIGURATION);
    dgiqa_gate_free(gate);
    CHECK(dgiqa_gate_create(nullptr, nullptr, nullptr) == DGIQA_ERROR_CONFIGURATION);
    CHECK(dgiqa_gate_update(nullptr, nullptr, 0.0, &verdict) == DGIQA_ERROR_CONFIGURATION);
    CHECK(dgiqa_cue_meter_create(nullptr) == DGIQA_ERROR_CONFIGURATION);
    CHECK(std::string(dgiqa_gate_policy(nullptr)) == "{}");
    CHECK(dgiqa_gate_baseline(nullptr) == nullptr);
    dgiqa_gate_free(nullptr);
    dgiqa_cue_meter_free(nullptr);
    dgiqa_cue_meter_restart(nullptr);
    dgiqa_camera_free(nullptr);
    CHECK(dgiqa_camera_gate(nullptr) == nullptr);
    dgiqa_camera *camera = reinterpret_cast<dgiqa_camera *>(0x1);
    CHECK(dgiqa_camera_create(nullptr, nullptr, nullptr, &camera) == DGIQA_ERROR_CONFIGURATION);
    CHECK(camera == nullptr);
    CHECK(dgiqa_camera_no_signal(nullptr, 0.0, &verdict) == DGIQA_ERROR_CONFIGURATION);
    CHECK(dgiqa_camera_judge(nullptr, nullptr, 0.0, nullptr, &verdict) == DGIQA_ERROR_CONFIGURATION);
}

TEST_CASE("a meter measures frames in their order") {
    dgiqa_cue_meter *meter = nullptr;
    REQUIRE(dgiqa_cue_meter_create(&meter) == DGIQA_OK);
    std::vector<unsigned char> pixels(80 * 100 * 3, 200);
    dgiqa_frame frame = dgiqa_frame_default();
    frame.planes[0] = pixels.data();
    frame.width = 100;
    frame.height = 80;
    dgiqa_cues cues;
    REQUIRE(dgiqa_cue_meter_measure(meter, &frame, &cues) == DGIQA_OK);
    CHECK(cues.luminance == 200.0);
    CHECK(cues.occlusion == 1.0);
    CHECK(std::isnan(cues.change));
    REQUIRE(dgiqa_cue_meter_measure(meter, &frame, &cues) == DGIQA_OK);
    CHECK(cues.change == 0.0);
    dgiqa_cue_meter_restart(meter);
    REQUIRE(dgiqa_cue_meter_measure(meter, &frame, &cues) == DGIQA_OK);
    CHECK(std::isnan(cues.change));
    frame.planes[0] = nullptr;
    CHECK(dgiqa_cue_meter_measure(meter, &frame, &cues) == DGIQA_ERROR_SOURCE);
    CHECK(std::isnan(cues.luminance));
    dgiqa_cue_meter_free(meter);
}

TEST_CASE("a reference view that cannot be used leaves the meter as it was") {
    dgiqa_cue_meter *meter = nullptr;
    REQUIRE(dgiqa_cue_meter_create(&meter) == DGIQA_OK);
    CHECK(dgiqa_cue_meter_set_reference(meter, "[]") == DGIQA_ERROR_CONFIGURATION);
    CHECK(last_error() == "this reference view cannot be used (it holds something else): take it anew with "
                          "'dgiqa-edge gate reference'");
    CHECK(dgiqa_cue_meter_set_reference(meter, nullptr) == DGIQA_ERROR_CONFIGURATION);
    CHECK(dgiqa_cue_meter_set_reference(nullptr, "{}") == DGIQA_ERROR_CONFIGURATION);
    CHECK(dgiqa_camera_set_reference(nullptr, "{}") == DGIQA_ERROR_CONFIGURATION);
    CHECK(dgiqa_camera_reference(nullptr) == nullptr);
    dgiqa_cue_meter_free(meter);
}

TEST_CASE("states have names") {
    CHECK(std::string(dgiqa_state_name(DGIQA_PASS)) == "pass");
    CHECK(std::string(dgiqa_state_name(DGIQA_REJECT)) == "reject");
    CHECK(std::string(dgiqa_state_name(DGIQA_UNKNOWN)) == "unknown");
}

TEST_CASE("profiles are given before the first frame, and the clock and messages choose among them") {
    dgiqa_gate *gate = gate_of(QUICK);
    const char *profiles = R"({"profiles": [{"name": "late", "when": "22:00-06:00"},
                                            {"name": "works", "when": "mqtt:site=works"}],
                               "switch": {"settle_s": 0}})";
    CHECK(dgiqa_gate_set_profiles(gate, "{") == DGIQA_ERROR_CONFIGURATION);
    CHECK(last_error().find("profiles: it is not JSON: at line 1") == 0);
    CHECK(dgiqa_gate_set_profiles(gate, R"({"profiles": [{"name": "late", "when": "25:00-06:00"}]})") ==
          DGIQA_ERROR_CONFIGURATION);
    CHECK(last_error().find("profiles: profiles[0].when is \"25:00-06:00\": give 'picture:dark'") == 0);
    REQUIRE(dgiqa_gate_set_profiles(gate, profiles) == DGIQA_OK);
    dgiqa_verdict verdict;
    REQUIRE(dgiqa_gate_set_local_time(gate, 23 * 3600.0) == DGIQA_OK);
    REQUIRE(update(gate, 0.9, nullptr, 0.0, verdict) == DGIQA_OK);
    CHECK(std::string(verdict.profile) == "late");
    REQUIRE(dgiqa_gate_set_local_time(gate, 12 * 3600.0) == DGIQA_OK);
    REQUIRE(update(gate, 0.9, nullptr, 1.0, verdict) == DGIQA_OK);
    CHECK(std::string(verdict.profile) == "day");
    REQUIRE(dgiqa_gate_tell(gate, "site", "works") == DGIQA_OK);
    REQUIRE(update(gate, 0.9, nullptr, 2.0, verdict) == DGIQA_OK);
    CHECK(std::string(verdict.profile) == "works");
    CHECK(verdict.state == DGIQA_PASS);
    CHECK(dgiqa_gate_set_profiles(gate, profiles) == DGIQA_ERROR_CONFIGURATION);
    CHECK(dgiqa_gate_set_local_time(gate, -1.0) == DGIQA_ERROR_CONFIGURATION);
    CHECK(dgiqa_gate_tell(gate, nullptr, "works") == DGIQA_ERROR_CONFIGURATION);
    dgiqa_gate_free(gate);
}

TEST_CASE("without profiles a verdict names none") {
    dgiqa_gate *gate = gate_of(QUICK);
    dgiqa_verdict verdict;
    REQUIRE(update(gate, 0.9, nullptr, 0.0, verdict) == DGIQA_OK);
    CHECK(verdict.profile == nullptr);
    dgiqa_gate_free(gate);
}
