// A gate whose policy and normal are those of the profile in force, and which judges nothing while one gives way to
// another: the state is held, and a camera that was rejected stays so. As the Python package's
// runtime/gate/profiles/profiled_gate.py, pinned for both by tests/vectors/profiles.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gate/gate.hpp"
#include "profiles/chooser.hpp"

namespace dgiqa {

struct Profile {
    std::string name;
    Rule rule;
    GatePolicy policy;  // whole: what the profile says, laid over the camera's own
};

struct Profiles {
    std::vector<Profile> each;
    SwitchPolicy change;
};

// One camera's; for one thread at a time.
class ProfiledGate {
public:
    explicit ProfiledGate(const GatePolicy &policy, const std::optional<Baseline> &baseline = std::nullopt);

    // Before the first frame. Pointers to names hold as long as the gate.
    void set_profiles(Profiles profiles);

    // A message has come that may choose a profile.
    void tell(const std::string &topic, const std::string &payload) { chooser_.tell(topic, payload); }

    // As Gate::update; local_s: seconds since local midnight.
    Verdict update(const Reading &reading, double t, double local_s);

    const GatePolicy &policy() const { return own_; }

    // Of the camera's own settings: given at the start, or learned by now.
    const std::optional<Baseline> &baseline() const;

private:
    std::optional<Baseline> &kept(const std::optional<std::size_t> &profile);
    const char *profile() const;

    GatePolicy own_;
    Profiles profiles_;
    std::vector<std::optional<Baseline>> baselines_;  // the camera's own, then those of the profiles
    ProfileChooser chooser_;
    Gate gate_;
    std::optional<std::size_t> chosen_;
};

}  // namespace dgiqa
