// How many pixels have each grey level, and the quantiles of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dgiqa {

class LevelCounts {
public:
    explicit LevelCounts(const std::vector<std::uint8_t> &levels);

    std::size_t total() const { return total_; }

    // Pixels below a level.
    std::size_t below(int level) const;

    // The lowest level that at least `share` of the pixels do not exceed.
    double lowest_level_of(double share) const;

    // Quantile with linear interpolation between the two nearest ranks, as numpy's default. Needs at least one pixel.
    double quantile(double q) const;

private:
    // The level of the pixel at this place of the sorted ones.
    int level_at(std::size_t rank) const;

    std::array<std::size_t, 256> counts_{};
    std::size_t total_;
};

}  // namespace dgiqa
