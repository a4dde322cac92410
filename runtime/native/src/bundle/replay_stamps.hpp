// Notes in the user's cache that a golden frame was already replayed here, so that later loads can skip it. A stamp is
// valid only for the same engine files, golden frame, backend, device and library version. One that cannot be written
// or read costs a replay, never an error. The Python package keeps its own in another folder.
#pragma once

#include "bundle/bundle.hpp"
#include "bundle/golden.hpp"

namespace dgiqa {

// Everything that a replay's result depends on; `engines` are the loaded engines' facts.
Json replay_identity(const Bundle &bundle, const Json &engines);

// Whether this very replay has passed on this machine before.
bool has_stamp(const Json &identity);

// Remembers a passed replay.
void write_stamp(const Json &identity, const Deviation &deviation);

}  // namespace dgiqa
