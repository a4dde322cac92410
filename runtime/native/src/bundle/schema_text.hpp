// The text of runtime/schemas/bundle.schema.json, put into the library when it is built.
#pragma once

namespace dgiqa {

extern const char *const BUNDLE_SCHEMA;

}  // namespace dgiqa
