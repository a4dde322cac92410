#include "cues/level_counts.hpp"

#include <cmath>

namespace dgiqa {

LevelCounts::LevelCounts(const std::vector<std::uint8_t> &levels) : total_(levels.size()) {
    for (const std::uint8_t level : levels) {
        ++counts_[level];
    }
}

std::size_t LevelCounts::below(int level) const {
    std::size_t count = 0;
    for (int i = 0; i < level; ++i) {
        count += counts_[static_cast<std::size_t>(i)];
    }
    return count;
}

double LevelCounts::lowest_level_of(double share) const {
    const double wanted = share * static_cast<double>(total_);
    std::size_t count = 0;
    for (std::size_t level = 0; level < counts_.size(); ++level) {
        count += counts_[level];
        if (static_cast<double>(count) >= wanted) {
            return static_cast<double>(level);
        }
    }
    return static_cast<double>(counts_.size());
}

double LevelCounts::quantile(double q) const {
    const double place = static_cast<double>(total_ - 1) * q;
    const double rank = std::floor(place);
    const double part = place - rank;
    const std::size_t before = static_cast<std::size_t>(rank);
    if (before + 1 >= total_) {
        return level_at(total_ - 1);
    }
    const double low = level_at(before), high = level_at(before + 1);
    const double step = high - low;
    // numpy starts from the nearer of the two.
    return part >= 0.5 ? high - step * (1.0 - part) : low + step * part;
}

int LevelCounts::level_at(std::size_t rank) const {
    std::size_t count = 0;
    for (std::size_t level = 0; level < counts_.size(); ++level) {
        count += counts_[level];
        if (rank < count) {
            return static_cast<int>(level);
        }
    }
    return 255;
}

}  // namespace dgiqa
