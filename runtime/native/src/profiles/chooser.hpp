// Which profile of a camera is in force: by its picture, by the clock, or by what a message says. A pure state machine;
// the specification is the module docstring of the Python package's runtime/gate/profiles/chooser.py, pinned for both by
// tests/vectors/profiles.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gate/reading.hpp"

namespace dgiqa {

// A picture of a lower luminance chooses nothing.
constexpr double BLACK = 16.0;

// By the picture.
enum class Shows { DARK, GREY };

// Seconds since local midnight, until before the second; over midnight where it ends earlier.
struct Period {
    int begins_s;
    int ends_s;
};

// While the last payload on this topic is this one.
struct Message {
    std::string topic;
    std::string payload;
};

using Rule = std::variant<Shows, Period, Message>;

struct SwitchPolicy {
    double hold_s = 2.0;
    double settle_s = 3.0;
    double dark_below = 75.0;
    double light_above = 95.0;
    double grey_below = 2.0;
    double colour_above = 4.0;
};

// profile: index of the one in force, none: the camera's own settings; quiet: nothing is to be judged.
struct Choice {
    std::optional<std::size_t> profile;
    bool quiet = false;
};

// For one camera.
class ProfileChooser {
public:
    ProfileChooser(std::vector<Rule> rules, const SwitchPolicy &policy);

    // A message has come.
    void tell(const std::string &topic, const std::string &payload) { messages_[topic] = payload; }

    // Take in one frame: its cues, seconds since local midnight, seconds that never decrease.
    Choice update(const std::optional<Cues> &cues, double local_s, double t);

private:
    // Whether the picture shows a property, and since when it has asked for the contrary.
    struct Latch {
        std::optional<bool> shown;
        std::optional<bool> asked;
        std::optional<double> asked_since;

        void ask(bool wanted, double t, double hold_s);
    };

    void look(const std::optional<Cues> &cues, double t);
    std::optional<std::size_t> choice(std::optional<bool> Latch::*as, double local_s) const;

    std::vector<Rule> rules_;
    SwitchPolicy policy_;
    Latch dark_, grey_;
    std::map<std::string, std::string> messages_;
    std::optional<std::size_t> chosen_;
    bool started_ = false;
    std::optional<double> quiet_until_;
    std::optional<double> quiet_since_;
};

}  // namespace dgiqa
