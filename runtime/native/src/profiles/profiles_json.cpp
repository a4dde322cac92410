#include "profiles/profiles_json.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <utility>

#include "errors.hpp"
#include "formats/strict_json.hpp"
#include "gate/policy_json.hpp"
#include "settings/json_text.hpp"
#include "settings/number_text.hpp"
#include "settings/section.hpp"

namespace dgiqa {

extern const char *const PROFILE_DEFAULTS;  // the text of runtime/gate/profiles/defaults.json

namespace {

using nlohmann::json;

constexpr std::size_t MOST_PROFILES = 16;
const char *const NAMES = "give up to 32 letters, digits, '-' or '_', for files and metrics are named after it";
const char *const FORMS = "give 'picture:dark', 'picture:grey', '21:00-06:00' or 'mqtt:topic=payload'";

const json &published() {
    static const json found = parse_strictly(PROFILE_DEFAULTS);
    return found;
}

// Whatever the locale of the host program is.
std::string lower(std::string name) {
    for (char &letter : name) {
        letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    }
    return name;
}

// The settings of `under` with those of `over` in their place, section by section.
json laid_over(json under, const json &over) {
    for (const auto &item : over.items()) {
        json &below = under[item.key()];
        below = below.is_object() && item.value().is_object() ? laid_over(below, item.value()) : item.value();
    }
    return under;
}

std::optional<Rule> rule_of(const std::string &text) {
    static const std::regex period("([01]?[0-9]|2[0-3]):([0-5][0-9])-([01]?[0-9]|2[0-3]):([0-5][0-9])");
    if (text == "picture:dark" || text == "picture:grey") {
        return Shows(text == "picture:dark" ? Shows::DARK : Shows::GREY);
    }
    std::smatch found;
    if (text.size() <= 11 && std::regex_match(text, found, period)) {
        const auto seconds = [&found](int at) { return 60 * (60 * std::stoi(found[at]) + std::stoi(found[at + 1])); };
        if (seconds(1) != seconds(3)) {
            return Period{seconds(1), seconds(3)};
        }
    }
    const std::size_t equals = text.find('=');
    if (text.rfind("mqtt:", 0) == 0 && equals != std::string::npos) {
        const Message message = {text.substr(5, equals - 5), text.substr(equals + 1)};
        const bool one_topic = message.topic.find_first_of(std::string("+#\0", 3)) == std::string::npos;
        if (!message.topic.empty() && !message.payload.empty() && one_topic) {
            return message;
        }
    }
    return std::nullopt;
}

// Whether both apply at the same times.
bool same(const Rule &one, const Rule &other) {
    if (const auto *shows = std::get_if<Shows>(&one)) {
        const auto *too = std::get_if<Shows>(&other);
        return too != nullptr && *too == *shows;
    }
    if (const auto *period = std::get_if<Period>(&one)) {
        const auto *too = std::get_if<Period>(&other);
        return too != nullptr && too->begins_s == period->begins_s && too->ends_s == period->ends_s;
    }
    const auto *message = std::get_if<Message>(&one), *too = std::get_if<Message>(&other);
    return too != nullptr && too->topic == message->topic && too->payload == message->payload;
}

Profile profile_of(const json &values, const std::string &path, const json &own) {
    json defaults = {{"gate", json::object()}};
    Section section(values, defaults, path);
    const std::string name = section.text("name", NAMES);
    static const std::regex form("[A-Za-z0-9][A-Za-z0-9_-]{0,31}");
    if (name.size() > 32 || !std::regex_match(name, form)) {
        section.refuse("name", NAMES);
    }
    const json known = published().value(name, json::object());
    defaults.update(known);
    const std::optional<Rule> rule = rule_of(section.text("when", FORMS));
    if (!rule) {
        section.refuse("when", FORMS);
    }
    section.section("gate");
    section.finish();
    const json none = json::object();
    const json gate = laid_over(laid_over(own, known.value("gate", none)), values.value("gate", none));
    return {name, *rule, parse_policy(gate, path + ".gate")};
}

struct SwitchSetting {
    const char *name;
    double SwitchPolicy::*value;
    double most;
};

constexpr SwitchSetting SWITCH[] = {
    {"hold_s", &SwitchPolicy::hold_s, 60.0},           {"settle_s", &SwitchPolicy::settle_s, 600.0},
    {"dark_below", &SwitchPolicy::dark_below, 255.0},  {"light_above", &SwitchPolicy::light_above, 255.0},
    {"grey_below", &SwitchPolicy::grey_below, 255.0},  {"colour_above", &SwitchPolicy::colour_above, 255.0},
};

json switch_defaults() {
    json defaults;
    for (const SwitchSetting &setting : SWITCH) {
        defaults[setting.name] = SwitchPolicy().*setting.value;
    }
    return defaults;
}

SwitchPolicy switch_of(Section section) {
    SwitchPolicy policy;
    for (const SwitchSetting &setting : SWITCH) {
        policy.*setting.value = section.number(setting.name, 0.0, setting.most);
    }
    section.finish();
    for (const auto &[pair, least] : {std::pair<std::size_t, double>{2, BLACK}, {4, 0.0}}) {
        const SwitchSetting &below = SWITCH[pair], &above = SWITCH[pair + 1];
        const double low = policy.*below.value, high = policy.*above.value;
        if (low <= least) {
            complain(section.path_of(below.name) + " is " + number_text(low) + ": it must be more than " +
                     number_text(least) + ", or no picture is below it");
        }
        if (high < low) {
            complain(section.path_of(above.name) + " is " + number_text(high) + ": it must be at least " + below.name +
                     " (" + number_text(low) + ")");
        }
    }
    return policy;
}

}  // namespace

Profiles parse_profiles(const json &values, const GatePolicy &own) {
    static const json defaults = {{"profiles", json::array()}, {"switch", switch_defaults()}};
    Section section(values, defaults, "");
    Profiles profiles;
    profiles.change = switch_of(section.section("switch"));
    const json &each = section.take("profiles");
    section.finish();
    if (!each.is_array()) {
        section.refuse("profiles", "give a list of sections");
    }
    if (each.size() > MOST_PROFILES) {
        complain("profiles has " + std::to_string(each.size()) + " entries: give at most " +
                 std::to_string(MOST_PROFILES));
    }
    const json under = read_json(write_policy(own));
    std::set<std::string> names = {"day"};
    for (std::size_t index = 0; index < each.size(); ++index) {
        const std::string path = "profiles[" + std::to_string(index) + "]";
        profiles.each.push_back(profile_of(each.at(index), path, under));
        const std::string &name = profiles.each.back().name;
        if (!names.insert(lower(name)).second) {
            complain(path + ".name is '" + name +
                     "', as another one: give each a name of its own ('day' is the camera's own settings)");
        }
    }
    for (std::size_t index = 1; index < profiles.each.size(); ++index) {
        const auto clashes = [&](const Profile &it) { return same(it.rule, profiles.each[index].rule); };
        const auto first = std::find_if(profiles.each.begin(), profiles.each.end(), clashes) - profiles.each.begin();
        if (static_cast<std::size_t>(first) < index) {
            complain("profiles[" + std::to_string(index) + "].when says the same as profiles[" + std::to_string(first) +
                     "].when, which goes before: it would never be in force; give it another rule");
        }
    }
    return profiles;
}

Profiles read_profiles(const std::string &text, const GatePolicy &own) {
    try {
        return parse_profiles(read_json(text), own);
    } catch (const Error &error) {
        complain(std::string("profiles: ") + error.what());
    }
}

}  // namespace dgiqa
