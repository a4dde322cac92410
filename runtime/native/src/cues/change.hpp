// How new a frame is beside those before it: the least difference to any of the last frames, which tells a picture that
// stands still from a live one of a still scene, through a codec. A port of the Python package's runtime/gate/change.py.
#pragma once

#include <deque>
#include <optional>

#include "frames/picture.hpp"

namespace dgiqa {

// Keeps samples of the last frames of one size. For one thread at a time.
class ChangeMeter {
public:
    // The least mean absolute difference to a remembered frame, grey levels; none without one of this size.
    // mask: not 0 where the frame counts, of its size, the same for all frames between two restarts; null: all of it.
    std::optional<double> measure(const Picture &bgr, const Picture *mask = nullptr);

    // Forget all frames, after a reconnect.
    void restart() { seen_.clear(); }

private:
    std::optional<double> least(const Picture &samples) const;

    std::deque<Picture> seen_;
};

}  // namespace dgiqa
