#include "settings/section.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "errors.hpp"
#include "settings/close_match.hpp"
#include "settings/json_text.hpp"
#include "settings/number_text.hpp"

namespace dgiqa {
namespace {

std::string between(double low, double high) { return " from " + number_text(low) + " to " + number_text(high); }

std::string joined(const std::vector<std::string> &words) {
    std::string text;
    for (const std::string &word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

std::string meant(const std::string &given, const std::vector<std::string> &known) {
    const std::string close = close_match(given, known);
    return close.empty() ? "" : ": did you mean '" + close + "'?";
}

const nlohmann::json &nothing() {
    static const nlohmann::json empty = nlohmann::json::object();
    return empty;
}

}  // namespace

Section::Section(const nlohmann::json &values, const nlohmann::json &defaults, std::string path)
    : values_(values), defaults_(defaults), path_(std::move(path)) {
    if (!values.is_object()) {
        complain((path_.empty() ? "the whole text" : path_) + " is " + shown(values) +
                 ": give a section of named settings");
    }
}

std::string Section::path_of(const std::string &key) const { return path_.empty() ? key : path_ + "." + key; }

double Section::number(const std::string &key, double low, double high) {
    const nlohmann::json &value = take(key);
    const double number = value.is_number() ? value.get<double>() : std::nan("");
    if (!(low <= number && number <= high)) {
        refuse(key, "give a number" + between(low, high));
    }
    return number;
}

std::optional<double> Section::optional_number(const std::string &key, double low, double high) {
    if (!has(key) && !defaults_.contains(key)) {
        asked_.push_back(key);
        return std::nullopt;
    }
    return number(key, low, high);
}

int Section::integer(const std::string &key, int low, int high) {
    const nlohmann::json &value = take(key);
    const std::string rule = "give a whole number" + between(low, high);
    if (!value.is_number_integer()) {
        refuse(key, rule);
    }
    // A whole number beyond int64 is unsigned, and no limit here is that large.
    const bool beyond = value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t(high);
    if (beyond || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
        refuse(key, rule);
    }
    return value.get<int>();
}

std::string Section::choice(const std::string &key, const std::vector<std::string> &choices) {
    const nlohmann::json &value = take(key);
    const std::string word = value.is_string() ? value.get<std::string>() : value.dump();
    if (!value.is_string() || std::find(choices.begin(), choices.end(), word) == choices.end()) {
        refuse(key, "give one of " + joined(choices) + meant(word, choices));
    }
    return word;
}

std::string Section::text(const std::string &key, const std::string &rule) {
    if (!has(key) && !defaults_.contains(key)) {
        complain(path_of(key) + " is missing: " + rule);
    }
    const nlohmann::json &value = take(key);
    if (!value.is_string()) {
        refuse(key, rule);
    }
    return value.get<std::string>();
}

Section Section::section(const std::string &key) {
    asked_.push_back(key);
    return Section(has(key) ? values_.at(key) : nothing(), defaults_.at(key), path_of(key));
}

void Section::finish() const {
    for (const auto &item : values_.items()) {
        if (std::find(asked_.begin(), asked_.end(), item.key()) == asked_.end()) {
            const std::string hint = meant(item.key(), asked_);
            complain(shown_plainly(path_of(item.key())) + " is not a setting" +
                     (hint.empty() ? ": known are " + joined(asked_) : hint));
        }
    }
}

const nlohmann::json &Section::take(const std::string &key) {
    asked_.push_back(key);
    return (has(key) ? values_ : defaults_).at(key);
}

void Section::refuse(const std::string &key, const std::string &rule) const {
    complain(path_of(key) + " is " + shown(values_.at(key)) + ": " + rule);
}

}  // namespace dgiqa
