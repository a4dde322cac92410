#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "api/gate_handle.hpp"
#include "api/guarded.hpp"
#include "api/scorer_handle.hpp"
#include "cues/cues.hpp"
#include "frames/convert.hpp"
#include "reference/reference_json.hpp"
#include "settings/number_text.hpp"

// One camera's frames on their way to a verdict: score, cues, gate. It decides nothing itself: the gate does.
struct dgiqa_camera {
    dgiqa_camera(dgiqa_scorer &scorer_, const char *policy_json, const char *baseline_json)
        : scorer(scorer_), gate(policy_json, baseline_json) {
        meter.learn(gate.gate.policy().reference.learn_minutes);
    }

    void judge(const dgiqa_frame &frame, double t, dgiqa_quality &quality, dgiqa_verdict &verdict);
    void no_signal(double t, dgiqa_verdict &verdict);

    dgiqa_scorer &scorer;
    dgiqa_gate gate;
    dgiqa::CueMeter meter;
    std::string reference_text;  // what dgiqa_camera_reference gave last

private:
    void update(const dgiqa::Reading &reading, double t, dgiqa_verdict &verdict);

    bool silent_ = false;
    double gate_time_ = -std::numeric_limits<double>::infinity();
};

namespace {

void check_time(double t) {
    if (!std::isfinite(t)) {
        throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION,
                           "the frame's time is " + dgiqa::number_text(t) + ": give the seconds of a monotonic clock");
    }
}

}  // namespace

void dgiqa_camera::judge(const dgiqa_frame &frame, double t, dgiqa_quality &quality, dgiqa_verdict &verdict) {
    check_time(t);
    const auto started = std::chrono::steady_clock::now();
    const dgiqa::Picture picture = dgiqa::to_bgr(frame);
    const std::chrono::duration<double, std::milli> conversion = std::chrono::steady_clock::now() - started;
    dgiqa::Quality scored = scorer.scorer.score(picture);
    scored.resize_ms += conversion.count();
    scored.total_ms += conversion.count();
    quality = dgiqa::keep_quality(scorer, std::move(scored));
    if (silent_) {
        meter.restart();  // the picture before the silence is no measure of change
        silent_ = false;
    }
    dgiqa::Reading reading;
    reading.score = static_cast<double>(quality.score);
    reading.cues = meter.measure(picture);
    for (std::size_t i = 0; i < quality.fault_count; ++i) {
        reading.faults.push_back({quality.fault_names[i], quality.faults[i]});
    }
    update(reading, t, verdict);
    if (verdict.state == DGIQA_PASS && std::strcmp(verdict.reason, "good") == 0) {
        try {
            meter.passed(picture, t);
        } catch (const dgiqa::Error &) {  // these frames make no reference view: it goes on learning
        }
    }
}

void dgiqa_camera::no_signal(double t, dgiqa_verdict &verdict) {
    check_time(t);
    silent_ = true;
    update(dgiqa::Reading(), t, verdict);
}

void dgiqa_camera::update(const dgiqa::Reading &reading, double t, dgiqa_verdict &verdict) {
    // A silent camera's "now" may be a moment later than the capture of the frame that ends the silence.
    gate_time_ = std::max(gate_time_, t);
    dgiqa::update_gate(gate, reading, gate_time_, verdict);
}

dgiqa_status dgiqa_camera_create(dgiqa_scorer *scorer, const char *policy_json, const char *baseline_json,
                                 dgiqa_camera **camera) {
    if (camera != nullptr) {
        *camera = nullptr;
    }
    return dgiqa::guarded([&] {
        if (scorer == nullptr || camera == nullptr) {
            throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION,
                               "dgiqa_camera_create: scorer and camera must not be NULL: create the scorer first");
        }
        *camera = new dgiqa_camera(*scorer, policy_json, baseline_json);
    });
}

dgiqa_status dgiqa_camera_judge(dgiqa_camera *camera, const dgiqa_frame *frame, double t, dgiqa_quality *quality,
                                dgiqa_verdict *verdict) {
    dgiqa_quality unseen = {};
    dgiqa_quality &seen = quality == nullptr ? unseen : *quality;
    seen = {};
    if (verdict != nullptr) {
        *verdict = dgiqa::no_verdict();
    }
    return dgiqa::guarded([&] {
        if (camera == nullptr || frame == nullptr || verdict == nullptr) {
            throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION,
                               "dgiqa_camera_judge: camera, frame and verdict must not be NULL");
        }
        camera->judge(*frame, t, seen, *verdict);
    });
}

dgiqa_status dgiqa_camera_no_signal(dgiqa_camera *camera, double t, dgiqa_verdict *verdict) {
    if (verdict != nullptr) {
        *verdict = dgiqa::no_verdict();
    }
    return dgiqa::guarded([&] {
        if (camera == nullptr || verdict == nullptr) {
            throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION,
                               "dgiqa_camera_no_signal: camera and verdict must not be NULL");
        }
        camera->no_signal(t, *verdict);
    });
}

dgiqa_gate *dgiqa_camera_gate(dgiqa_camera *camera) { return camera == nullptr ? nullptr : &camera->gate; }

dgiqa_status dgiqa_camera_set_reference(dgiqa_camera *camera, const char *reference_json) {
    return dgiqa::guarded([&] {
        if (camera == nullptr || reference_json == nullptr) {
            throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION,
                               "dgiqa_camera_set_reference: camera and reference_json must not be NULL");
        }
        camera->meter.follow(dgiqa::read_reference(reference_json));
    });
}

const char *dgiqa_camera_reference(dgiqa_camera *camera) {
    if (camera == nullptr || !camera->meter.reference()) {
        return nullptr;
    }
    const dgiqa_status status =
        dgiqa::guarded([&] { camera->reference_text = dgiqa::write_reference(*camera->meter.reference()); });
    return status == DGIQA_OK ? camera->reference_text.c_str() : nullptr;
}

void dgiqa_camera_free(dgiqa_camera *camera) { delete camera; }
