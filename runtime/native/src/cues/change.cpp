#include "cues/change.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "cues/grey.hpp"
#include "cues/part.hpp"

namespace dgiqa {
namespace {

constexpr std::size_t REMEMBERED = 128;
constexpr double MOVING = 1.0;
constexpr int LEAST_STEP = 4;
constexpr int MOST_SAMPLES = 160;

double mean_difference(const Picture &one, const Picture &other) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < one.pixels.size(); ++i) {
        sum += static_cast<std::uint64_t>(std::abs(one.pixels[i] - other.pixels[i]));
    }
    return static_cast<double>(sum) / static_cast<double>(one.pixels.size());
}

}  // namespace

std::optional<double> ChangeMeter::measure(const Picture &bgr, const Picture *mask) {
    // Samples, not averages: averaging would hide the sensor noise that tells a live picture from a stuck one.
    const int longest = std::max(bgr.height, bgr.width);
    const int step = std::max(LEAST_STEP, (longest + MOST_SAMPLES - 1) / MOST_SAMPLES);
    Picture samples = every(bgr, step);
    if (mask != nullptr) {
        samples = counted(samples, every(*mask, step));
    }
    if (samples.pixels.empty()) {
        return std::nullopt;
    }
    if (!seen_.empty() && (seen_.back().height != samples.height || seen_.back().width != samples.width)) {
        seen_.clear();
    }
    const std::optional<double> change = least(samples);
    if (seen_.size() == REMEMBERED) {
        seen_.pop_front();
    }
    seen_.push_back(std::move(samples));
    return change;
}

// A picture that moved by more than MOVING since the last frame is not looked up among the older ones.
std::optional<double> ChangeMeter::least(const Picture &samples) const {
    std::optional<double> least;
    for (auto seen = seen_.rbegin(); seen != seen_.rend(); ++seen) {
        const double difference = mean_difference(samples, *seen);
        least = least ? std::min(*least, difference) : difference;
        if (*least > MOVING || *least == 0.0) {
            break;
        }
    }
    return least;
}

}  // namespace dgiqa
