#include "settings/section.hpp"

#include <algorithm>
#include <utility>

#include "errors.hpp"
#include "settings/close_match.hpp"
#include "settings/json_text.hpp"
#include "settings/number_text.hpp"

namespace dgiqa {
namespace {

[[noreturn]] void complain(const std::string &message) { throw Error(DGIQA_ERROR_CONFIGURATION, message); }

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

Section::Section(const nlohmann::json &values, std::string path) : values_(values), path_(std::move(path)) {
    if (!values.is_object()) {
        complain((path_.empty() ? "the whole text" : path_) + " is " + shown(values) +
                 ": give a section of named settings");
    }
}

std::string Section::path_of(const std::string &key) const { return path_.empty() ? key : path_ + "." + key; }

double Section::number(const std::string &key, double fallback, double low, double high) {
    const nlohmann::json *value = take(key);
    if (value == nullptr) {
        return fallback;
    }
    if (!value->is_number()) {
        refuse(key, "give a number" + between(low, high));
    }
    const double number = value->get<double>();
    if (!(low <= number && number <= high)) {
        refuse(key, "give a number" + between(low, high));
    }
    return number;
}

std::optional<double> Section::optional_number(const std::string &key, std::optional<double> fallback, double low,
                                               double high) {
    if (!has(key)) {
        asked_.push_back(key);
        return fallback;
    }
    return number(key, 0.0, low, high);
}

int Section::integer(const std::string &key, int fallback, int low, int high) {
    const nlohmann::json *value = take(key);
    if (value == nullptr) {
        return fallback;
    }
    const std::string rule = "give a whole number" + between(low, high);
    if (!value->is_number_integer()) {
        refuse(key, rule);
    }
    // A whole number beyond int64 is unsigned, and no limit here is that large.
    const bool beyond = value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t(high);
    if (beyond || value->get<std::int64_t>() < low || value->get<std::int64_t>() > high) {
        refuse(key, rule);
    }
    return value->get<int>();
}

std::string Section::choice(const std::string &key, const std::string &fallback,
                            const std::vector<std::string> &choices) {
    const nlohmann::json *value = take(key);
    if (value == nullptr) {
        return fallback;
    }
    const std::string word = value->is_string() ? value->get<std::string>() : value->dump();
    if (!value->is_string() || std::find(choices.begin(), choices.end(), word) == choices.end()) {
        refuse(key, "give one of " + joined(choices) + meant(word, choices));
    }
    return word;
}

Section Section::section(const std::string &key) {
    const nlohmann::json *value = take(key);
    return Section(value == nullptr ? nothing() : *value, path_of(key));
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

const nlohmann::json *Section::take(const std::string &key) {
    asked_.push_back(key);
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &*found;
}

void Section::refuse(const std::string &key, const std::string &rule) const {
    complain(path_of(key) + " is " + shown(values_.at(key)) + ": " + rule);
}

}  // namespace dgiqa
