// One run of the element: the scorer and the camera's gate, what became of every buffer, and the time they are told.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dgiqa_edge.h"

namespace dgiqa_gst {

struct Settings {
    std::string bundle;
    std::string policy;  // path of a JSON file; empty: the published policy
    std::string backend = "auto";
    int threads = 0;
    dgiqa_fit fit = DGIQA_FIT_BUNDLE;
};

// buffers = scored + skipped + failed = passed + dropped, always.
struct Counts {
    std::uint64_t buffers = 0;
    std::uint64_t scored = 0;
    std::uint64_t skipped = 0;  // not scored because of the property every
    std::uint64_t failed = 0;   // not readable; the gate was told that there is no signal
    std::uint64_t passed = 0;
    std::uint64_t dropped = 0;
    std::uint64_t states[3] = {0, 0, 0};  // verdicts by dgiqa_state
    std::uint64_t caps_changes = 0;
    double engine_ms = 0;  // sums over scored buffers
    double total_ms = 0;
};

// The last verdict, kept without pointers into the library.
struct Decision {
    dgiqa_state state = DGIQA_UNKNOWN;
    std::string reason = "no verdict yet";
    std::string cue, runner_up;  // empty: none
    double value = 0, threshold = 0, score = 0, smoothed = 0;  // NaN: none
    bool changed = false, overdue = false, announced = false;
};

class Session {
public:
    // On failure nothing is returned and *failure says why, in one line.
    static std::unique_ptr<Session> open(const Settings &settings, dgiqa_status *status, std::string *failure);

    // DGIQA_OK, or DGIQA_ERROR_GATE where the watchdog raised: the decision is new. DGIQA_ERROR_SOURCE: the frame
    // cannot be used, and the gate was told that there is no signal. Anything else: no decision was made.
    dgiqa_status judge(const dgiqa_frame &frame, double t_s, Counts *counts);
    dgiqa_status no_signal(double t_s);

    const Decision &decision() const { return decision_; }

    // A time that never goes back: after a seek or a new stream it goes on from the last one, a frame that is only out
    // of order gets the last one's time, and a single wrong time leaves no trace.
    double steady(double t_s);

    // So much after the last time.
    double later(double seconds);

private:
    Session() = default;
    void keep(const dgiqa_verdict &verdict);

    struct Free {
        void operator()(dgiqa_scorer *scorer) const { dgiqa_scorer_free(scorer); }
        void operator()(dgiqa_camera *camera) const { dgiqa_camera_free(camera); }
    };
    std::unique_ptr<dgiqa_scorer, Free> scorer_;
    std::unique_ptr<dgiqa_camera, Free> camera_;
    Decision decision_;
    bool started_ = false;
    double last_s_ = 0;
    double offset_s_ = 0;          // added to the stream's times
    double earlier_offset_s_ = 0;  // before the last jump back
};

}  // namespace dgiqa_gst
