// Profiles from JSON text: `profiles`, a list, and `switch` beside it, with the keys and rules of a camera of the Python
// package's watch file (runtime/gate/profiles/settings.py). What is published for `night` and `infra-red` is the same.
#pragma once

#include <string>

#include "profiles/profiled_gate.hpp"

namespace dgiqa {

// own: the camera's policy, over which those of the profiles are laid. Throws Error (CONFIGURATION).
Profiles parse_profiles(const nlohmann::json &values, const GatePolicy &own);

// As parse_profiles, of a text. Throws Error (CONFIGURATION), for text that is no JSON too.
Profiles read_profiles(const std::string &text, const GatePolicy &own);

}  // namespace dgiqa
