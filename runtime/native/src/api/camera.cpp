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
#include "regions/seen.hpp"
#include "settings/number_text.hpp"

// One camera's frames on their way to a verdict: score, cues, gate. It decides nothing itself: the gate does.
struct dgiqa_camera {
    dgiqa_camera(dgiqa_scorer &scorer_, const char *policy_json, const char *baseline_json)
        : scorer(scorer_), gate(policy_json, baseline_json) {
        meter.learn(gate.gate.policy().reference.learn_minutes);
    }

    void judge(const dgiqa_frame &frame, double t, dgiqa_quality &quality, dgiqa_verdict &verdict);
    void no_signal(double t, dgiqa_verdict &verdict);
    void set_regions(const dgiqa::Regions &regions);
    const dgiqa::Cues &cues() const { return cues_; }
    const double *where(const std::string &fault, int &rows, int &columns);

    dgiqa_scorer &scorer;
    dgiqa_gate gate;
    dgiqa::CueMeter meter;
    std::string reference_text;  // what dgiqa_camera_reference gave last

private:
    void update(const dgiqa::Reading &reading, double t, dgiqa_verdict &verdict);

    dgiqa::Seen seen_;
    dgiqa::Cues cues_;
    // Of the last frame: the cells of all faults [rows * columns * faults], where they lie, and what was last asked for.
    std::vector<float> coverage_;
    dgiqa::FaultCells cells_{};
    int height_ = 0;
    int width_ = 0;
    std::vector<double> where_;
    bool silent_ = false;
    double gate_time_ = -std::numeric_limits<double>::infinity();
};

namespace {

void check_time(double t) {
    if (!std::isfinite(t)) {
        dgiqa::complain("the frame's time is " + dgiqa::number_text(t) + ": give the seconds of a monotonic clock");
    }
}

}  // namespace

void dgiqa_camera::judge(const dgiqa_frame &frame, double t, dgiqa_quality &quality, dgiqa_verdict &verdict) {
    check_time(t);
    const auto started = std::chrono::steady_clock::now();
    const dgiqa::Picture picture = dgiqa::to_bgr(frame);
    const std::chrono::duration<double, std::milli> conversion = std::chrono::steady_clock::now() - started;
    dgiqa::Quality scored = scorer.scorer.score(seen_.picture(picture));
    coverage_ = scored.coverage;
    cells_.frame_box = scored.frame_box;
    cells_.depth_box = scored.depth_box;
    cells_.depth_height = scored.depth_height;
    cells_.depth_width = scored.depth_width;
    height_ = frame.height, width_ = frame.width;
    scored.resize_ms += conversion.count();
    scored.total_ms += conversion.count();
    quality = dgiqa::keep_quality(scorer, std::move(scored));
    if (silent_) {
        meter.restart();  // the picture before the silence is no measure of change
        silent_ = false;
    }
    dgiqa::Reading reading;
    reading.score = static_cast<double>(quality.score);
    reading.cues = cues_ = meter.measure(picture);
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

void dgiqa_camera::set_regions(const dgiqa::Regions &regions) {
    seen_ = dgiqa::Seen(regions);
    meter.set_regions(regions);
}

const double *dgiqa_camera::where(const std::string &fault, int &rows, int &columns) {
    const auto &faults = scorer.scorer.faults();
    if (!faults || coverage_.empty()) return nullptr;
    const auto name = std::find(faults->names.begin(), faults->names.end(), fault);
    if (name == faults->names.end()) return nullptr;
    cells_.rows = rows = faults->rows;
    cells_.columns = columns = faults->columns;
    cells_.values.clear();
    const std::size_t count = faults->names.size();
    for (std::size_t at = static_cast<std::size_t>(name - faults->names.begin()); at < coverage_.size(); at += count)
        cells_.values.push_back(static_cast<double>(coverage_[at]));
    where_ = dgiqa::where(cells_, height_, width_, seen_.regions());
    return where_.data();
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
        dgiqa::demand(scorer && camera,
                      "dgiqa_camera_create: scorer and camera must not be NULL: create the scorer first");
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
        dgiqa::demand(camera && frame && verdict, "dgiqa_camera_judge: camera, frame and verdict must not be NULL");
        camera->judge(*frame, t, seen, *verdict);
    });
}

dgiqa_status dgiqa_camera_no_signal(dgiqa_camera *camera, double t, dgiqa_verdict *verdict) {
    if (verdict != nullptr) {
        *verdict = dgiqa::no_verdict();
    }
    return dgiqa::guarded([&] {
        dgiqa::demand(camera && verdict, "dgiqa_camera_no_signal: camera and verdict must not be NULL");
        camera->no_signal(t, *verdict);
    });
}

dgiqa_status dgiqa_camera_set_regions(dgiqa_camera *camera, const char *regions_json) {
    return dgiqa::guarded([&] {
        dgiqa::demand(camera, "dgiqa_camera_set_regions: camera must not be NULL");
        camera->set_regions(dgiqa::given_regions(regions_json));
    });
}

dgiqa_status dgiqa_camera_cues(const dgiqa_camera *camera, dgiqa_cues *cues) {
    return dgiqa::guarded([&] {
        dgiqa::demand(camera && cues, "dgiqa_camera_cues: camera and cues must not be NULL");
        *cues = dgiqa::shown_cues(camera->cues());
    });
}

const double *dgiqa_camera_where(dgiqa_camera *camera, const char *fault, int *rows, int *columns) {
    const double *found = nullptr;
    if (camera != nullptr && fault != nullptr && rows != nullptr && columns != nullptr) {
        dgiqa::guarded([&] { found = camera->where(fault, *rows, *columns); });
    }
    return found;
}

dgiqa_gate *dgiqa_camera_gate(dgiqa_camera *camera) { return camera == nullptr ? nullptr : &camera->gate; }

dgiqa_status dgiqa_camera_set_reference(dgiqa_camera *camera, const char *reference_json) {
    return dgiqa::guarded([&] {
        dgiqa::demand(camera && reference_json,
                      "dgiqa_camera_set_reference: camera and reference_json must not be NULL");
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
