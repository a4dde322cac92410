// Classical measurements of one frame beside the learned score, the same as those of the Python package's
// runtime/gate/cues.py: thresholds, baselines and tuning made there hold here. What the numbers mean is decided by the gate.
#pragma once

#include <optional>
#include <utility>

#include "cues/change.hpp"
#include "cues/part.hpp"
#include "frames/picture.hpp"
#include "gate/reading.hpp"
#include "reference/reference.hpp"
#include "reference/view_meter.hpp"
#include "regions/regions.hpp"

namespace dgiqa {

// Measures one camera's frames in their order; keeps samples of the last ones to see change. For one thread at a time.
// Nothing that regions exclude has any part in a cue, and a cue of which nothing is left to measure has no value.
class CueMeter {
public:
    // The cues of a BGR frame. Below 64 pixels on a side only `change` is measured.
    Cues measure(const Picture &bgr);

    // What counts from now on; what was before is no measure of change. The view is always the whole picture's.
    void set_regions(Regions regions) {
        regions_ = std::move(regions);
        part_.reset();
        change_.restart();
    }

    // Forget the last frames, after a reconnect.
    void restart() { change_.restart(); }

    // From now on frames are compared with this view: moved, likeness, cast.
    void follow(ReferenceView reference);

    // Without a reference one is learned from so many minutes of frames that passed; 0: none is.
    void learn(double minutes);

    // Learn from a frame that passed, at this time, seconds. Throws where the frames of those minutes make no reference,
    // and goes on learning.
    void passed(const Picture &bgr, double t);

    // Given, or learned by now.
    const std::optional<ReferenceView> &reference() const { return reference_; }

private:
    const Part *part_for(const Picture &bgr);

    Regions regions_;
    ChangeMeter change_;
    std::optional<Part> part_;
    std::optional<ReferenceView> reference_;
    std::optional<ViewMeter> view_;
    std::optional<ReferenceLearner> learner_;
};

}  // namespace dgiqa
