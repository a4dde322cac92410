// When people are told of a verdict: once its reason has settled, and again when another one has. A port of the Python
// package's runtime/gate/announcement.py.
#pragma once

#include <string_view>

#include "dgiqa_edge.h"

namespace dgiqa {

// Follows one camera's verdicts. Reasons are static texts.
class Announcer {
public:
    explicit Announcer(double settle_s) : settle_s_(settle_s) {}

    // Whether people are to be told of this verdict at time t, seconds that never decrease.
    bool update(dgiqa_state state, std::string_view reason, double t);

private:
    struct Told {
        dgiqa_state state = DGIQA_UNKNOWN;
        std::string_view reason;  // empty: nothing yet

        bool operator==(const Told &other) const { return state == other.state && reason == other.reason; }
    };

    double settle_s_;
    Told told_;
    Told shown_;
    double shown_since_ = 0.0;
    double state_since_ = 0.0;
};

}  // namespace dgiqa
