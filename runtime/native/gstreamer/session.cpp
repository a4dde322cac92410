#include "session.hpp"

#include <fstream>
#include <iterator>

namespace dgiqa_gst {

std::unique_ptr<Session> Session::open(const Settings &settings, dgiqa_status *status, std::string *failure) {
    std::unique_ptr<Session> session(new Session);
    std::string policy;
    if (!settings.policy.empty()) {
        std::ifstream file(settings.policy, std::ios::binary);
        policy.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        if (!file) {
            *status = DGIQA_ERROR_CONFIGURATION;
            *failure = "the policy " + settings.policy + " cannot be read: give a JSON file";
            return nullptr;
        }
    }
    dgiqa_scorer_params params = dgiqa_scorer_default_params();
    params.bundle = settings.bundle.c_str();
    params.backend = settings.backend.c_str();
    params.threads = settings.threads;
    dgiqa_scorer *scorer = nullptr;
    dgiqa_camera *camera = nullptr;
    *status = dgiqa_scorer_create(&params, &scorer);
    session->scorer_.reset(scorer);
    if (*status == DGIQA_OK) {
        *status = dgiqa_camera_create(scorer, settings.policy.empty() ? nullptr : policy.c_str(), nullptr, &camera);
        session->camera_.reset(camera);
    }
    if (*status == DGIQA_OK) return session;
    *failure = dgiqa_last_error();
    return nullptr;
}

dgiqa_status Session::judge(const dgiqa_frame &frame, double t_s, Counts *counts) {
    dgiqa_quality quality{};
    dgiqa_verdict verdict{};
    const dgiqa_status status = dgiqa_camera_judge(camera_.get(), &frame, t_s, &quality, &verdict);
    if (status == DGIQA_OK || status == DGIQA_ERROR_GATE) {
        keep(verdict);
        counts->engine_ms += quality.engine_ms;
        counts->total_ms += quality.total_ms;
    }
    return status;
}

dgiqa_status Session::no_signal(double t_s) {
    dgiqa_verdict verdict{};
    const dgiqa_status status = dgiqa_camera_no_signal(camera_.get(), t_s, &verdict);
    if (status == DGIQA_OK || status == DGIQA_ERROR_GATE) keep(verdict);
    return status;
}

void Session::keep(const dgiqa_verdict &verdict) {
    decision_.state = verdict.state;
    decision_.reason = verdict.reason != nullptr ? verdict.reason : "";
    decision_.cue = verdict.cue != nullptr ? verdict.cue : "";
    decision_.value = verdict.value;
    decision_.threshold = verdict.threshold;
    decision_.score = verdict.score;
    decision_.smoothed = verdict.smoothed;
    decision_.changed = verdict.changed != 0;
    decision_.overdue = verdict.overdue != 0;
    decision_.announced = verdict.announced != 0;
}

double Session::steady(double t_s) {
    if (t_s + offset_s_ < last_s_) offset_s_ = last_s_ - t_s;
    last_s_ = t_s + offset_s_;
    return last_s_;
}

}  // namespace dgiqa_gst
