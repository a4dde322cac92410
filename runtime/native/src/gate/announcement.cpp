#include "gate/announcement.hpp"

namespace dgiqa {
namespace {

// A new state whose reasons never settle is told after so many times settle_s.
constexpr double LATEST = 3.0;

}  // namespace

bool Announcer::update(dgiqa_state state, std::string_view reason, double t) {
    const Told now{state, reason};
    if (shown_.reason.empty() || shown_.state != state) {
        state_since_ = t;
    }
    if (!(shown_ == now)) {
        shown_ = now;
        shown_since_ = t;
    }
    if (shown_ == told_) {
        return false;
    }
    const bool settled = t - shown_since_ >= settle_s_;
    const bool state_told = !told_.reason.empty() && told_.state == state;
    const bool late = !state_told && t - state_since_ >= LATEST * settle_s_;
    if (settled || late) {
        told_ = shown_;
    }
    return settled || late;
}

}  // namespace dgiqa
