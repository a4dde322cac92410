// The part of JSON Schema (draft 7) that the published schema of bundle.json uses, so that this runtime and the Python
// package read one rule book. In one thing both are stricter than draft 7: 480.0 is no integer.
#pragma once

#include <map>
#include <optional>
#include <regex>
#include <string>

#include "formats/strict_json.hpp"

namespace dgiqa {

class JsonSchema {
public:
    // Throws std::logic_error: the schema uses a keyword that is not known here.
    explicit JsonSchema(const std::string &text);

    // The first rule that the document breaks, as "field 'frame.height' must be integer"; none: it keeps them all.
    std::optional<std::string> broken_rule(const Json &document) const;

private:
    using Found = std::optional<std::string>;

    void prepare(const Json &rules);
    Found check(const Json &rules, const Json &value, const std::string &field) const;
    Found check_object(const Json &rules, const Json &value, const std::string &field) const;
    Found check_array(const Json &rules, const Json &value, const std::string &field) const;
    Found check_string(const Json &rules, const Json &value, const std::string &field) const;
    Found check_number(const Json &rules, const Json &value, const std::string &field) const;
    const Json &resolved(const Json &rules) const;

    Json root_;
    std::map<std::string, std::regex> patterns_;
};

}  // namespace dgiqa
