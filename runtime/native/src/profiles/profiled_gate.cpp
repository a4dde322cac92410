#include "profiles/profiled_gate.hpp"

#include <utility>

namespace dgiqa {

ProfiledGate::ProfiledGate(const GatePolicy &policy, const std::optional<Baseline> &baseline)
    : own_(policy), baselines_{baseline}, chooser_({}, {}), gate_(policy, baseline) {}

void ProfiledGate::set_profiles(Profiles profiles) {
    profiles_ = std::move(profiles);
    baselines_.resize(1 + profiles_.each.size());
    std::vector<Rule> rules;
    for (const Profile &profile : profiles_.each) {
        rules.push_back(profile.rule);
    }
    chooser_ = ProfileChooser(std::move(rules), profiles_.change);
}

Verdict ProfiledGate::update(const Reading &reading, double t, double local_s) {
    gate_.check(reading, t);  // before the chooser remembers them
    const Choice choice = chooser_.update(reading.cues, local_s, t);
    if (choice.profile != chosen_) {
        kept(chosen_) = gate_.baseline();
        chosen_ = choice.profile;
        gate_.change_to(chosen_ ? profiles_.each[*chosen_].policy : own_, kept(chosen_));
    }
    Verdict verdict;
    try {
        verdict = choice.quiet ? gate_.hold(reading, t) : gate_.update(reading, t);
    } catch (const WatchdogError &error) {
        verdict = error.verdict();
        verdict.profile = profile();
        throw WatchdogError(error.what(), verdict);
    }
    verdict.profile = profile();
    return verdict;
}

const std::optional<Baseline> &ProfiledGate::baseline() const { return chosen_ ? baselines_[0] : gate_.baseline(); }

std::optional<Baseline> &ProfiledGate::kept(const std::optional<std::size_t> &profile) {
    return baselines_[profile ? 1 + *profile : 0];
}

const char *ProfiledGate::profile() const {
    if (profiles_.each.empty()) {
        return nullptr;
    }
    return chosen_ ? profiles_.each[*chosen_].name.c_str() : "day";
}

}  // namespace dgiqa
