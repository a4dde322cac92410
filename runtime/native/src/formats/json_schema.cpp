#include "formats/json_schema.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <vector>

#include "formats/quoting.hpp"

namespace dgiqa {
namespace {

// std::regex recurses once per letter; what the schema describes by a pattern is far shorter.
constexpr std::size_t LONGEST_PATTERNED_TEXT = 128;

const std::set<std::string> KEYWORDS = {
    "$schema",  "$id",      "$ref",      "title",    "description", "definitions", "type",
    "enum",     "const",    "anyOf",     "required", "properties",  "items",       "additionalProperties",
    "minItems", "maxItems", "minLength", "pattern",  "minimum",     "maximum",     "minProperties",
};

std::string named(const std::string &field) { return field.empty() ? "the manifest" : "field '" + field + "'"; }

std::string inside(const std::string &field, const std::string &key) {
    // A key may be anything: shown without the quotes that the field's name has already.
    const std::string shown = quoted(key.substr(0, 100));
    return (field.empty() ? "" : field + ".") + shown.substr(1, shown.size() - 2);
}

bool is_of_type(const Json &value, const std::string &type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    if (type == "number") return value.is_number();
    // Above 2^63 - 1 no count or size of this project could be held.
    if (type == "integer")
        return value.is_number_integer() &&
               !(value.is_number_unsigned() && value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max());
    throw std::logic_error("the schema names the unknown type " + type);
}

std::vector<std::string> types_of(const Json &rule) {
    if (rule.is_string()) return {rule.get<std::string>()};
    return rule.get<std::vector<std::string>>();
}

// A keyword's value; an empty object where the rules do not use it.
const Json &part(const Json &rules, const char *keyword) {
    static const Json nothing = Json::object();
    const auto found = rules.find(keyword);
    return found == rules.end() ? nothing : *found;
}

std::string counted(const char *rule, const Json &bound, const char *unit) {
    return std::string(" must contain ") + rule + " " + bound.dump() + " " + unit;
}

}  // namespace

JsonSchema::JsonSchema(const std::string &text) : root_(parse_strictly(text)) { prepare(root_); }

std::optional<std::string> JsonSchema::broken_rule(const Json &document) const { return check(root_, document, ""); }

// Refuses what is not known and compiles the patterns.
void JsonSchema::prepare(const Json &rules) {
    for (const auto &[keyword, value] : rules.items()) {
        if (KEYWORDS.count(keyword) == 0) throw std::logic_error("the schema uses the unknown keyword " + keyword);
        if (keyword == "properties" || keyword == "definitions")
            for (const auto &property : value.items()) prepare(property.value());
        if (keyword == "items" || (keyword == "additionalProperties" && value.is_object())) prepare(value);
        if (keyword == "anyOf")
            for (const Json &alternative : value) prepare(alternative);
        if (keyword == "pattern") patterns_.emplace(value.get<std::string>(), std::regex(value.get<std::string>()));
    }
    resolved(rules);
}

const Json &JsonSchema::resolved(const Json &rules) const {
    const auto reference = rules.find("$ref");
    if (reference == rules.end()) return rules;
    return root_.at(Json::json_pointer(reference->get<std::string>().substr(1)));  // "#/definitions/side"
}

JsonSchema::Found JsonSchema::check(const Json &given, const Json &value, const std::string &field) const {
    const Json &rules = resolved(given);
    if (const auto rule = rules.find("type"); rule != rules.end()) {
        const std::vector<std::string> types = types_of(*rule);
        if (std::none_of(types.begin(), types.end(), [&](const std::string &type) { return is_of_type(value, type); }))
            return named(field) + " must be " + joined(types, " or ");
    }
    if (const auto rule = rules.find("const"); rule != rules.end() && value != *rule)
        return named(field) + " must be " + rule->dump();
    if (const auto rule = rules.find("enum"); rule != rules.end())
        if (std::find(rule->begin(), rule->end(), value) == rule->end())
            return named(field) + " must be one of " + rule->dump();
    if (const auto rule = rules.find("anyOf"); rule != rules.end()) {
        Found first;
        for (const Json &alternative : *rule) {
            const Found found = check(alternative, value, field);
            if (!found) return std::nullopt;
            if (!first) first = found;
        }
        return first;
    }
    if (value.is_object()) return check_object(rules, value, field);
    if (value.is_array()) return check_array(rules, value, field);
    if (value.is_string()) return check_string(rules, value, field);
    if (value.is_number()) return check_number(rules, value, field);
    return std::nullopt;
}

JsonSchema::Found JsonSchema::check_object(const Json &rules, const Json &value, const std::string &field) const {
    std::vector<std::string> missing, unknown;
    for (const Json &name : part(rules, "required"))
        if (!value.contains(name.get_ref<const std::string &>())) missing.push_back(quoted(name.get<std::string>()));
    if (!missing.empty()) return named(field) + " lacks " + joined(missing);
    if (const auto rule = rules.find("minProperties"); rule != rules.end() && value.size() < rule->get<std::size_t>())
        return named(field) + counted("at least", *rule, "properties");
    const Json &properties = part(rules, "properties");
    const auto others = rules.find("additionalProperties");
    const bool closed = others != rules.end() && others->is_boolean() && !others->get<bool>();
    for (const auto &[key, member] : value.items()) {
        const auto known = properties.find(key);
        if (known != properties.end()) {
            if (const Found found = check(*known, member, inside(field, key))) return found;
        } else if (closed) {
            unknown.push_back(quoted(key.substr(0, 100)));
        } else if (others != rules.end() && others->is_object()) {
            if (const Found found = check(*others, member, inside(field, key))) return found;
        }
    }
    if (!unknown.empty()) return named(field) + " has the unknown " + joined(unknown);
    return std::nullopt;
}

JsonSchema::Found JsonSchema::check_array(const Json &rules, const Json &value, const std::string &field) const {
    if (const auto rule = rules.find("minItems"); rule != rules.end() && value.size() < rule->get<std::size_t>())
        return named(field) + counted("at least", *rule, "items");
    if (const auto rule = rules.find("maxItems"); rule != rules.end() && value.size() > rule->get<std::size_t>())
        return named(field) + counted("at most", *rule, "items");
    const auto items = rules.find("items");
    if (items == rules.end()) return std::nullopt;
    for (std::size_t index = 0; index < value.size(); ++index)
        if (const Found found = check(*items, value[index], field + "[" + std::to_string(index) + "]")) return found;
    return std::nullopt;
}

JsonSchema::Found JsonSchema::check_string(const Json &rules, const Json &value, const std::string &field) const {
    const auto &text = value.get_ref<const std::string &>();
    // In bytes: every text that the schema bounds from below is bounded by one.
    if (const auto rule = rules.find("minLength"); rule != rules.end() && text.size() < rule->get<std::size_t>())
        return named(field) + " must have at least " + rule->dump() + " characters";
    const auto rule = rules.find("pattern");
    if (rule == rules.end()) return std::nullopt;
    const auto &pattern = rule->get_ref<const std::string &>();
    if (text.size() > LONGEST_PATTERNED_TEXT || !std::regex_search(text, patterns_.at(pattern)))
        return named(field) + " must match pattern " + pattern;
    return std::nullopt;
}

JsonSchema::Found JsonSchema::check_number(const Json &rules, const Json &value, const std::string &field) const {
    if (const auto rule = rules.find("minimum"); rule != rules.end() && value < *rule)
        return named(field) + " must be bigger than or equal to " + rule->dump();
    if (const auto rule = rules.find("maximum"); rule != rules.end() && value > *rule)
        return named(field) + " must be smaller than or equal to " + rule->dump();
    return std::nullopt;
}

}  // namespace dgiqa
