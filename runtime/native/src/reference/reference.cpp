#include "reference/reference.hpp"

#include <algorithm>
#include <utility>

#include "errors.hpp"
#include "reference/view_meter.hpp"

namespace dgiqa {
namespace {

constexpr std::size_t LEARNED_VIEWS = 60;
constexpr double MOST_MOVED = 0.033;
constexpr double LEAST_LIKE = 0.43;

std::vector<int> median(const std::vector<View> &views, std::vector<int> View::*cells) {
    std::vector<int> found((views.front().*cells).size()), values(views.size());
    for (std::size_t cell = 0; cell < found.size(); ++cell) {
        std::transform(views.begin(), views.end(), values.begin(), [&](const View &view) { return (view.*cells)[cell]; });
        found[cell] = lower_median(values);
    }
    return found;
}

// Most frames must be like the one in the middle; their median, in which what moves is smeared, would hide it.
std::optional<std::string> motion(const std::vector<View> &views) {
    const ViewMeter meter(views[views.size() / 2]);
    if (meter.tiles() < LEAST_TILES) {
        return "it changes, a frame of it is uniform: take it anew";
    }
    std::size_t unlike = 0;
    for (const View &each : views) {
        const Difference found = meter.measure(each);
        unlike += found.likeness.value_or(0.0) < LEAST_LIKE || found.moved.value_or(0.0) > MOST_MOVED;
    }
    if (4 * unlike > views.size()) {
        return "it is in motion, " + std::to_string(unlike) + " of " + std::to_string(views.size()) +
               " frames show another view: let the camera stand still";
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> flaw_of(const View &view) {
    if (is_dark(view)) {
        return "it is dark: take it by day, or with the light on";
    }
    if (ViewMeter(view).tiles() < LEAST_TILES) {
        return "it is uniform, hardly an edge to know it by: is the lens covered, or does it look at a wall?";
    }
    return std::nullopt;
}

ReferenceView take_reference(int width, int height, const std::vector<View> &views) {
    const View view = {views.front().rows, views.front().columns, median(views, &View::levels),
                       median(views, &View::colours)};
    std::optional<std::string> flaw = flaw_of(view);
    if (!flaw) {
        flaw = motion(views);
    }
    if (flaw) {
        complain("this picture makes no reference view: " + *flaw);
    }
    return {width, height, static_cast<int>(views.size()), view};
}

ReferenceLearner::ReferenceLearner(double learn_minutes)
    : every_s_(60.0 * learn_minutes / static_cast<double>(LEARNED_VIEWS)) {}

std::optional<ReferenceView> ReferenceLearner::add(View view, int width, int height, double t) {
    last_ = t;
    if (width != width_ || height != height_) {
        width_ = width;
        height_ = height;
        views_.clear();
    }
    views_.push_back(std::move(view));
    if (views_.size() < LEARNED_VIEWS) {
        return std::nullopt;
    }
    const std::vector<View> views = std::exchange(views_, {});
    return take_reference(width, height, views);
}

}  // namespace dgiqa
