// Classical measurements of one frame beside the learned score, the same as those of the Python package's
// runtime/gate/cues.py: thresholds, baselines and tuning made there hold here. What the numbers mean is decided by the gate.
#pragma once

#include "cues/change.hpp"
#include "frames/picture.hpp"
#include "gate/reading.hpp"

namespace dgiqa {

// Measures one camera's frames in their order; keeps samples of the last ones to see change. For one thread at a time.
class CueMeter {
public:
    // The cues of a BGR frame. Below 64 pixels on a side only `change` is measured.
    Cues measure(const Picture &bgr);

    // Forget the last frames, after a reconnect.
    void restart() { change_.restart(); }

private:
    ChangeMeter change_;
};

}  // namespace dgiqa
