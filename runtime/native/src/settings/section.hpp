// One section of a settings mapping, read strictly: each value has a type and a range, no key goes unread. It knows
// nothing of what the settings mean; every complaint names the key by its full path and states the rule.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace dgiqa {

// All methods throw Error (CONFIGURATION): a wrong type, a value out of range, an unknown key. Values and defaults must
// outlive it.
class Section {
public:
    // defaults: a section of the same settings, for the keys that are absent.
    // path: of this section, dotted, for messages; empty at the top.
    Section(const nlohmann::json &values, const nlohmann::json &defaults, std::string path);

    bool has(const std::string &key) const { return values_.contains(key); }

    // The dotted path of one of this section's keys.
    std::string path_of(const std::string &key) const;

    // A number with low <= number <= high.
    double number(const std::string &key, double low, double high);

    // As number; an absent key without a default has no value.
    std::optional<double> optional_number(const std::string &key, double low, double high);

    // A whole number with low <= number <= high.
    int integer(const std::string &key, int low, int high);

    // One of the given words.
    std::string choice(const std::string &key, const std::vector<std::string> &choices);

    // A text; rule: what to give, for messages.
    std::string text(const std::string &key, const std::string &rule);

    // The section below this one; an absent one is empty.
    Section section(const std::string &key);

    // Whatever is there, for another reader.
    const nlohmann::json &take(const std::string &key);

    // Complain of a value that breaks the rule.
    [[noreturn]] void refuse(const std::string &key, const std::string &rule) const;

    // Refuse keys that no method was called for.
    void finish() const;

private:
    const nlohmann::json &values_;
    const nlohmann::json &defaults_;
    std::string path_;
    std::vector<std::string> asked_;
};

}  // namespace dgiqa
