// Whether a manifest is acceptable: its JSON, its version, its schema, fields that fit each other. The rules are those
// of the Python package's runtime/bundle/checks.py; the schema is the same file.
#pragma once

#include <string>

#include "formats/strict_json.hpp"

namespace dgiqa {

constexpr const char *MANIFEST_NAME = "bundle.json";

// The document of a manifest's text; `where` names it in messages.
// Throws Error(DGIQA_ERROR_BUNDLE): not JSON, of a newer schema, breaks the schema (the field is named), or
// contradicts itself.
Json checked_document(const std::string &text, const std::string &where);

// Whether a name is a plain relative path with forward slashes that cannot leave the bundle.
bool is_inside(const std::string &name);

}  // namespace dgiqa
