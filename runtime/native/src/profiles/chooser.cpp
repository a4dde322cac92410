#include "profiles/chooser.hpp"

#include <utility>

namespace dgiqa {
namespace {

constexpr double COVERED = 0.85;
constexpr double LONGEST = 3.0;

}  // namespace

ProfileChooser::ProfileChooser(std::vector<Rule> rules, const SwitchPolicy &policy)
    : rules_(std::move(rules)), policy_(policy) {}

Choice ProfileChooser::update(const std::optional<Cues> &cues, double local_s, double t) {
    look(cues, t);
    const auto chosen = choice(&Latch::shown, local_s);
    if (started_ && chosen != chosen_) {
        quiet_until_ = t + policy_.settle_s;
    }
    chosen_ = chosen;
    started_ = true;
    const bool settled = !quiet_until_ || t >= *quiet_until_;
    if (!cues || (settled && choice(&Latch::asked, local_s) == chosen)) {
        quiet_since_.reset();
        return {chosen, false};
    }
    if (!quiet_since_) {
        quiet_since_ = t;
    }
    return {chosen, t - *quiet_since_ < LONGEST * (policy_.settle_s + policy_.hold_s)};
}

void ProfileChooser::look(const std::optional<Cues> &cues, double t) {
    for (Latch *latch : {&dark_, &grey_}) {
        latch->asked = latch->shown;
    }
    if (!cues) {
        dark_.asked_since.reset();
        grey_.asked_since.reset();
        return;
    }
    const auto bound = [](const Latch &latch, double enter, double leave) {
        return latch.shown.value_or(false) ? leave : enter;
    };
    const bool covered = cues->occlusion && *cues->occlusion > COVERED;
    if (cues->luminance && *cues->luminance >= BLACK && !covered) {
        dark_.asked = *cues->luminance < bound(dark_, policy_.dark_below, policy_.light_above);
        if (cues->chroma) {
            grey_.asked = *cues->chroma < bound(grey_, policy_.grey_below, policy_.colour_above);
        }
    }
    for (Latch *latch : {&dark_, &grey_}) {
        if (latch->asked) {
            latch->ask(*latch->asked, t, policy_.hold_s);
        }
    }
}

void ProfileChooser::Latch::ask(bool wanted, double t, double hold_s) {
    if (!shown || *shown == wanted) {
        shown = wanted;
        asked_since.reset();
        return;
    }
    if (!asked_since) {
        asked_since = t;
    }
    if (t - *asked_since >= hold_s) {
        shown = wanted;
        asked_since.reset();
    }
}

std::optional<std::size_t> ProfileChooser::choice(std::optional<bool> Latch::*as, double local_s) const {
    for (std::size_t index = 0; index < rules_.size(); ++index) {
        bool applies = false;
        if (const Shows *shows = std::get_if<Shows>(&rules_[index])) {
            applies = ((*shows == Shows::DARK ? dark_ : grey_).*as).value_or(false);
        } else if (const Period *period = std::get_if<Period>(&rules_[index])) {
            const bool after = period->begins_s <= local_s, before = local_s < period->ends_s;
            applies = period->begins_s < period->ends_s ? after && before : after || before;
        } else {
            const Message &message = std::get<Message>(rules_[index]);
            const auto last = messages_.find(message.topic);
            applies = last != messages_.end() && last->second == message.payload;
        }
        if (applies) {
            return index;
        }
    }
    return std::nullopt;
}

}  // namespace dgiqa
