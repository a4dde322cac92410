// What the gate says about a frame. Data only; all texts are static.
#pragma once

#include <optional>

#include "dgiqa_edge.h"

namespace dgiqa {

// The next most severe fault beside the verdict's own.
struct RunnerUp {
    const char *reason = nullptr;
    const char *cue = nullptr;
    std::optional<double> value;
    std::optional<double> threshold;
};

struct Verdict {
    dgiqa_state state = DGIQA_UNKNOWN;
    const char *reason = "";
    const char *cue = nullptr;  // the check that decided; nullptr where none did
    std::optional<double> value;
    std::optional<double> threshold;
    std::optional<double> score;     // of this frame
    std::optional<double> smoothed;  // score after smoothing
    bool changed = false;
    bool overdue = false;
    bool announced = false;  // people are to be told on this frame
    std::optional<RunnerUp> runner_up;
    const char *head = nullptr;  // what bundles call the reason's fault; nullptr where none reads it
};

}  // namespace dgiqa
