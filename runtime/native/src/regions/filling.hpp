// What does not count of a picture, filled with what is beside it, mirrored: the Python package's
// runtime/frames/filling.py says why and how, and copies the same pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "frames/picture.hpp"

namespace dgiqa {

// Of the pictures of one size of which the same part counts.
class Filling {
public:
    // mask: one channel, 0 where the picture does not count; elsewhere it does, in at least one pixel.
    explicit Filling(const Picture &mask);

    // A BGR picture of that size.
    void fill(Picture &bgr) const;

private:
    struct Copy {
        std::uint32_t to;
        std::uint32_t from;
    };

    std::vector<Copy> copies_;
};

}  // namespace dgiqa
