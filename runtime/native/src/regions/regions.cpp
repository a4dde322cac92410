#include "regions/regions.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "errors.hpp"
#include "frames/neighbourhood.hpp"
#include "settings/json_text.hpp"
#include "settings/number_text.hpp"
#include "settings/section.hpp"

namespace dgiqa {
namespace {

constexpr std::size_t MOST_POLYGONS = 32;
constexpr std::size_t FEWEST_CORNERS = 3;
constexpr std::size_t MOST_CORNERS = 256;
constexpr double LEAST_SHARE = 0.01;
constexpr int TRIAL_HEIGHT = 90, TRIAL_WIDTH = 160;  // as small as cues look at a picture
constexpr int FINE_HEIGHT = 1087, FINE_WIDTH = 2048;  // a line misses all its centres, see Python's
constexpr std::uint8_t COUNTS = 255;

// Turns over what lies in the polygon: each side that crosses the line of a row's centres turns all pixels right of the
// crossing over, in the order of operations of Python's.
std::vector<bool> inside(const Polygon &polygon, int height, int width) {
    const std::size_t line = static_cast<std::size_t>(width);
    std::vector<bool> found(static_cast<std::size_t>(height) * line);
    std::vector<bool> turns(line + 1);
    for (int y = 0; y < height; ++y) {
        const double centre = (y + 0.5) / height;
        std::fill(turns.begin(), turns.end(), false);
        for (std::size_t corner = 0; corner < polygon.size(); ++corner) {
            const Corner &from = polygon[corner], &to = polygon[(corner + 1) % polygon.size()];
            if ((from.y <= centre) == (to.y <= centre)) {
                continue;
            }
            const double crossing = from.x + (centre - from.y) * ((to.x - from.x) / (to.y - from.y));
            const double first = std::ceil(crossing * width - 0.5);
            const std::size_t column = static_cast<std::size_t>(std::clamp(first, 0.0, static_cast<double>(width)));
            turns[column] = !turns[column];
        }
        bool in = false;
        for (std::size_t x = 0; x < line; ++x) {
            in = in != turns[x];
            found[static_cast<std::size_t>(y) * line + x] = in;
        }
    }
    return found;
}

Corner read_corner(const nlohmann::json &value, const std::string &list, const std::string &polygon) {
    if (!value.is_array() || value.size() != 2 || !value[0].is_number() || !value[1].is_number()) {
        complain(list + " is no list of polygons: give [[[x, y], [x, y], [x, y]]], with x and y from 0 to 1");
    }
    const Corner corner = {value[0].get<double>(), value[1].get<double>()};
    if (!(corner.x >= 0.0 && corner.x <= 1.0 && corner.y >= 0.0 && corner.y <= 1.0)) {
        complain(polygon + " has a corner at [" + number_text(corner.x) + ", " + number_text(corner.y) +
                 "]: give x and y as shares of the picture, from 0 to 1");
    }
    return corner;
}

std::vector<Polygon> read_polygons(Section &section, const std::string &list) {
    const nlohmann::json &values = section.take(list);
    if (!values.is_array()) {
        section.refuse(list, "give a list");
    }
    if (values.size() > MOST_POLYGONS) {
        complain(list + " has " + std::to_string(values.size()) + " polygons: give at most " +
                 std::to_string(MOST_POLYGONS));
    }
    std::vector<Polygon> polygons;
    for (const nlohmann::json &value : values) {
        const std::string name = list + "[" + std::to_string(polygons.size()) + "]";
        if (!value.is_array() || value.size() < FEWEST_CORNERS || value.size() > MOST_CORNERS) {
            complain(name + " has " + std::to_string(value.is_array() ? value.size() : 0) + " corners: give " +
                     std::to_string(FEWEST_CORNERS) + " to " + std::to_string(MOST_CORNERS));
        }
        Polygon polygon;
        for (const nlohmann::json &corner : value) {
            polygon.push_back(read_corner(corner, list, name));
        }
        const std::vector<bool> in = inside(polygon, FINE_HEIGHT, FINE_WIDTH);
        if (std::find(in.begin(), in.end(), true) == in.end()) {
            complain(name + " has no area: give corners that do not lie on one line");
        }
        polygons.push_back(std::move(polygon));
    }
    return polygons;
}

}  // namespace

Picture Regions::mask(int height, int width) const {
    Picture mask(height, width, 1);
    std::fill(mask.pixels.begin(), mask.pixels.end(), include.empty() ? COUNTS : std::uint8_t{0});
    const auto paint = [&](const std::vector<Polygon> &polygons, std::uint8_t level) {
        for (const Polygon &polygon : polygons) {
            const std::vector<bool> in = inside(polygon, height, width);
            for (std::size_t i = 0; i < in.size(); ++i) {
                mask.pixels[i] = in[i] ? level : mask.pixels[i];
            }
        }
    };
    paint(include, COUNTS);
    paint(exclude, 0);
    return mask;
}

Regions read_regions(const std::string &text) {
    nlohmann::json document;
    try {
        document = read_json(text);
    } catch (const Error &error) {
        complain(std::string("no regions can be read (") + error.what() + "): mend the text, or draw them anew");
    }
    static const nlohmann::json defaults = {{"include", nlohmann::json::array()}, {"exclude", nlohmann::json::array()}};
    Section section(document, defaults, "");
    const Regions regions{read_polygons(section, "include"), read_polygons(section, "exclude")};
    section.finish();
    // What tells a cover must see all around a pixel, or a dead camera would seem good.
    const std::vector<std::uint8_t> whole = darkest_around(regions.mask(TRIAL_HEIGHT, TRIAL_WIDTH)).pixels;
    const auto left = static_cast<double>(std::count(whole.begin(), whole.end(), COUNTS));
    if (left < LEAST_SHARE * static_cast<double>(whole.size())) {
        complain("include and exclude leave too little of the picture to look at, or too thin a strip: draw them so that "
                 "more of it is left");
    }
    return regions;
}

}  // namespace dgiqa
