#include "profiles/profiles_json.hpp"

#include <algorithm>
#include <cctype>
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
const char *const FORMS = "'picture:dark', 'picture:grey', '21:00-06:00' or 'mqtt:topic=payload'";

[[noreturn]] void complain(const std::string &message) { throw Error(DGIQA_ERROR_CONFIGURATION, message); }

const json &published() {
    static const json found = parse_strictly(PROFILE_DEFAULTS);
    return found;
}

// The settings of `under` with those of `over` in their place, section by section.
json laid_over(json under, const json &over) {
    for (const auto &item : over.items()) {
        json &below = under[item.key()];
        below = below.is_object() && item.value().is_object() ? laid_over(below, item.value()) : item.value();
    }
    return under;
}

std::string text_of(const json &section, const char *key, const std::string &path) {
    if (!section.contains(key)) {
        complain(path + "." + key + " is missing: give a text");
    }
    if (!section.at(key).is_string()) {
        complain(path + "." + key + " is " + shown(section.at(key)) + ": give a text that is not empty");
    }
    return section.at(key).get<std::string>();
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

Profile profile_of(const json &values, const std::string &path, const json &own) {
    static const json defaults = {{"gate", json::object()}};
    Section section(values, defaults, path);
    const std::string name = text_of(values, "name", path);
    static const std::regex form("[A-Za-z0-9][A-Za-z0-9_-]{0,31}");
    if (name.size() > 32 || !std::regex_match(name, form)) {
        complain(path + ".name is " + shown(name) +
                 ": give up to 32 letters, digits, '-' or '_', for files and metrics are named after it");
    }
    const json known = published().value(name, json::object());
    if (!values.contains("when") && !known.contains("when")) {
        complain(path + ".when is missing: give " + FORMS);
    }
    const std::string when = values.contains("when") ? text_of(values, "when", path) : known.at("when").get<std::string>();
    section.take_note({"name", "when"});
    section.section("gate");
    section.finish();
    const std::optional<Rule> rule = rule_of(when);
    if (!rule) {
        complain(path + ".when is " + shown(when) + ": give " + FORMS);
    }
    const json gate = laid_over(laid_over(own, known.value("gate", json::object())),
                                values.value("gate", json::object()));
    return {name, *rule, parse_policy(gate, path + ".gate")};
}

SwitchPolicy switch_of(Section section) {
    SwitchPolicy policy;
    policy.hold_s = section.number("hold_s", 0.0, 60.0);
    policy.settle_s = section.number("settle_s", 0.0, 600.0);
    policy.dark_below = section.number("dark_below", 0.0, 255.0);
    policy.light_above = section.number("light_above", 0.0, 255.0);
    policy.grey_below = section.number("grey_below", 0.0, 255.0);
    policy.colour_above = section.number("colour_above", 0.0, 255.0);
    section.finish();
    const auto check = [&section](const char *below, double low, const char *above, double high) {
        if (high < low) {
            complain(section.path_of(above) + " is " + number_text(high) + ": it must be at least " + below + " (" +
                     number_text(low) + ")");
        }
    };
    check("dark_below", policy.dark_below, "light_above", policy.light_above);
    check("grey_below", policy.grey_below, "colour_above", policy.colour_above);
    return policy;
}

json switch_defaults() {
    const SwitchPolicy policy;
    return {{"hold_s", policy.hold_s},           {"settle_s", policy.settle_s},     {"dark_below", policy.dark_below},
            {"light_above", policy.light_above}, {"grey_below", policy.grey_below}, {"colour_above", policy.colour_above}};
}

}  // namespace

Profiles parse_profiles(const json &values, const GatePolicy &own) {
    static const json defaults = {{"profiles", json::array()}, {"switch", switch_defaults()}};
    Section section(values, defaults, "");
    Profiles profiles;
    profiles.change = switch_of(section.section("switch"));
    section.take_note({"profiles"});
    section.finish();
    const json &each = values.contains("profiles") ? values.at("profiles") : defaults.at("profiles");
    if (!each.is_array()) {
        complain("profiles is " + shown(each) + ": give a list of sections");
    }
    if (each.size() > MOST_PROFILES) {
        complain("profiles has " + std::to_string(each.size()) + " entries: give at most " + std::to_string(MOST_PROFILES));
    }
    const json under = read_json(write_policy(own));
    std::set<std::string> names = {"day"};
    for (std::size_t index = 0; index < each.size(); ++index) {
        const std::string path = "profiles[" + std::to_string(index) + "]";
        profiles.each.push_back(profile_of(each.at(index), path, under));
        std::string name = profiles.each.back().name;
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
        if (!names.insert(name).second) {
            complain(path + ".name is '" + profiles.each.back().name +
                     "', as another one: give each a name of its own ('day' is the camera's own settings)");
        }
    }
    return profiles;
}

Profiles read_profiles(const std::string &text, const GatePolicy &own) {
    try {
        return parse_profiles(read_json(text), own);
    } catch (const Error &error) {
        complain(std::string("profiles: ") + error.what());
    } catch (const JsonTextError &error) {
        complain(std::string("profiles: ") + error.what());
    }
}

}  // namespace dgiqa
