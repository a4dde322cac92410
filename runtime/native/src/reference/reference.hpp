// A reference view: what a camera is meant to see, the median of many frames, and why some frames make none. A port of
// the Python package's runtime/gate/reference/reference.py.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "reference/view.hpp"

namespace dgiqa {

inline constexpr int LEAST_REFERENCE_SIDE = 64;

struct ReferenceView {
    int width = 0;  // of the camera's frames, pixels
    int height = 0;
    int frames = 0;  // how many it was made of
    View view;       // their median, cell by cell
};

// Why nothing can be compared with such a view, and what to do; none where it can.
std::optional<std::string> flaw_of(const View &view);

// Throws where the views are dark, uniform or in motion. They are of frames of that size, at least one.
ReferenceView take_reference(int width, int height, const std::vector<View> &views);

// Takes a reference of passing frames spread over some minutes.
class ReferenceLearner {
public:
    explicit ReferenceLearner(double learn_minutes);

    // Whether a frame at this time is wanted, seconds.
    bool due(double t) const { return !last_ || t - *last_ >= every_s_; }

    // Take in a passing frame that is due; the reference once there are enough. Throws where they make none, and begins
    // anew then; it also begins anew with a frame of another size.
    std::optional<ReferenceView> add(View view, int width, int height, double t);

private:
    double every_s_;
    std::optional<double> last_;
    int width_ = 0;
    int height_ = 0;
    std::vector<View> views_;
};

}  // namespace dgiqa
