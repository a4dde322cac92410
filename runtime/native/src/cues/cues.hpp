// Classical measurements of one frame beside the learned score, the same as those of the Python package's
// runtime/gate/cues.py: thresholds, baselines and tuning made there hold here. What the numbers mean is decided by the gate.
#pragma once

#include <optional>
#include <utility>

#include "cues/change.hpp"
#include "cues/part.hpp"
#include "frames/picture.hpp"
#include "gate/reading.hpp"
#include "regions/regions.hpp"

namespace dgiqa {

// Measures one camera's frames in their order; keeps samples of the last ones to see change. For one thread at a time.
// Nothing that regions exclude has any part in a cue, and a cue of which nothing is left to measure has no value.
class CueMeter {
public:
    explicit CueMeter(Regions regions = {}) : regions_(std::move(regions)) {}

    // The cues of a BGR frame. Below 64 pixels on a side only `change` is measured.
    Cues measure(const Picture &bgr);

    // Forget the last frames, after a reconnect.
    void restart() { change_.restart(); }

private:
    const Part *part_for(const Picture &bgr);

    Regions regions_;
    ChangeMeter change_;
    std::optional<Part> part_;
};

}  // namespace dgiqa
