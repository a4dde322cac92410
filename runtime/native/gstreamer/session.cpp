#include "session.hpp"

#include <algorithm>

#include "formats/limits.hpp"
#include "formats/names.hpp"
#include "formats/whole_file.hpp"

namespace dgiqa_gst {
namespace {

constexpr double kOutOfOrderS = 1.0;  // reordered frames are a few apart; a seek or a restart is further

}  // namespace

std::unique_ptr<Session> Session::open(const Settings &settings, dgiqa_status *status, std::string *failure) {
    std::unique_ptr<Session> session(new Session);
    std::string policy;
    if (!settings.policy.empty()) {
        try {
            policy = dgiqa::whole_text(settings.policy, dgiqa::limits::most_text_bytes, dgiqa::Accepts::kPipesToo);
        } catch (const dgiqa::FileError &error) {
            *status = DGIQA_ERROR_CONFIGURATION;
            *failure = "the policy " + dgiqa::shown_name(settings.policy) + " " + error.what() + ": give a JSON file";
            return nullptr;
        }
    }
    dgiqa_scorer_params params = dgiqa_scorer_default_params();
    params.bundle = settings.bundle.c_str();
    params.backend = settings.backend.c_str();
    params.threads = settings.threads;
    params.fit = settings.fit;
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
    decision_.runner_up = verdict.runner_up != nullptr ? verdict.runner_up : "";
    decision_.value = verdict.value;
    decision_.threshold = verdict.threshold;
    decision_.score = verdict.score;
    decision_.smoothed = verdict.smoothed;
    decision_.changed = verdict.changed != 0;
    decision_.overdue = verdict.overdue != 0;
    decision_.announced = verdict.announced != 0;
}

double Session::steady(double t_s) {
    started_ = true;
    if (t_s + earlier_offset_s_ >= last_s_) {
        offset_s_ = earlier_offset_s_;
    } else if (last_s_ - (t_s + offset_s_) > kOutOfOrderS) {
        earlier_offset_s_ = offset_s_;
        offset_s_ = last_s_ - t_s;
    }
    last_s_ = std::max(last_s_, t_s + offset_s_);
    return last_s_;
}

double Session::later(double seconds) {
    if (started_) last_s_ += seconds;
    started_ = true;
    return last_s_;
}

}  // namespace dgiqa_gst
