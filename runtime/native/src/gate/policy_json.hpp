// A gate policy from JSON text and back: keys, defaults, ranges and refusals are those of the Python package's
// runtime/gate/policy.py, so one policy file serves both. Values in messages are shown as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "gate/gate_policy.hpp"

namespace dgiqa {

// The policy of a settings mapping; what is absent keeps its default. path: of the mapping in its file, for messages.
// Throws Error (CONFIGURATION): an unknown key, a wrong type, a value out of range, settings that contradict each
// other.
GatePolicy parse_policy(const nlohmann::json &values, const std::string &path = "");

// The published one: all defaults.
inline GatePolicy standard_policy() { return parse_policy(nlohmann::json::object()); }

// As parse_policy, of a text. Throws Error (CONFIGURATION), for text that is no JSON too.
GatePolicy read_policy(const std::string &text);

// All settings, as JSON text that read_policy reads back to an equal policy.
std::string write_policy(const GatePolicy &policy);

}  // namespace dgiqa
