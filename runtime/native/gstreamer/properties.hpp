// The element's properties: their names, types, defaults and texts.
#pragma once

#include <glib-object.h>

namespace dgiqa_gst {

enum Property { kBundle = 1, kPolicy, kBackend, kThreads, kFit, kMode, kEvery, kMessages, kStats };

enum Mode { kModeDrop, kModePass, kModeMessageOnly };
enum Messages { kMessagesAll, kMessagesChanges, kMessagesNone };

constexpr unsigned kDefaultEvery = 1;

void install_properties(GObjectClass *element);

}  // namespace dgiqa_gst
