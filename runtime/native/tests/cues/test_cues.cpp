// Cues equal those that Python measured on the same frames (tests/vectors/cues).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cues/cues.hpp"
#include "cues/half_size.hpp"
#include "cues/level_counts.hpp"
#include "vector_files.hpp"

using nlohmann::json;

namespace {

std::map<std::string, dgiqa::Picture> pictures(const json &document) {
    const std::string pixels = file_bytes(vector_folder("cues") / "pixels.bin");
    std::map<std::string, dgiqa::Picture> found;
    for (const json &entry : document["pictures"]) {
        dgiqa::Picture picture(entry["height"].get<int>(), entry["width"].get<int>(), 3);
        const std::size_t offset = entry["offset"].get<std::size_t>();
        REQUIRE(offset + picture.pixels.size() <= pixels.size());
        std::copy_n(pixels.begin() + static_cast<std::ptrdiff_t>(offset), picture.pixels.size(),
                    picture.pixels.begin());
        found[entry["name"].get<std::string>()] = picture;
    }
    return found;
}

// As tests/vectors/cues/make_vectors.py spreads a picture over a larger size.
dgiqa::Picture spread(const dgiqa::Picture &picture, int height, int width) {
    dgiqa::Picture large(height, width, 3);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const int from_y = (y + x / picture.width) % picture.height;
            const int from_x = (x + y / picture.height) % picture.width;
            std::copy_n(picture.row(from_y) + 3 * from_x, 3, large.row(y) + 3 * x);
        }
    }
    return large;
}

}  // namespace

TEST_CASE("every cue of every frame is Python's") {
    const json document = json_file(vector_folder("cues") / "vectors.json");
    const auto found = pictures(document);
    int compared = 0;
    for (const json &sequence : document["sequences"]) {
        CAPTURE(sequence["name"].get<std::string>());
        dgiqa::CueMeter meter;
        int number = 0;
        for (const json &step : sequence["steps"]) {
            CAPTURE(number++);
            if (step["restart"].get<bool>()) {
                meter.restart();
            }
            const dgiqa::Picture &picture = found.at(step["picture"].get<std::string>());
            const json &size = step["spread"];
            const dgiqa::Cues cues =
                meter.measure(size.is_null() ? picture : spread(picture, size[0].get<int>(), size[1].get<int>()));
            for (const dgiqa::CueField &field : dgiqa::CUE_FIELDS) {
                CAPTURE(field.name);
                const std::optional<double> &value = cues.*field.value;
                REQUIRE(value.has_value() == step["cues"].contains(field.name));
                if (value) {
                    const double expected = step["cues"][field.name].get<double>();
                    CAPTURE(*value);
                    CAPTURE(expected);
                    CHECK(std::abs(*value - expected) <= 1e-12 * std::max(1.0, std::abs(expected)));
                    ++compared;
                }
            }
        }
    }
    CHECK(compared > 400);
}

TEST_CASE("halves round as OpenCV's") {
    dgiqa::Picture even(4, 4, 1), odd(4, 5, 1);
    std::fill_n(even.row(1), 4, std::uint8_t{1});
    std::fill_n(odd.row(1), 5, std::uint8_t{1});
    CHECK(dgiqa::half_size(even).pixels == std::vector<std::uint8_t>{1, 1, 0, 0});  // half up
    CHECK(dgiqa::half_size(odd).pixels == std::vector<std::uint8_t>{0, 0, 0, 0});   // half to even
}

TEST_CASE("quantiles are numpy's") {
    const dgiqa::LevelCounts levels({30, 10, 20, 40});
    CHECK(levels.quantile(0.0) == 10.0);
    CHECK(levels.quantile(0.25) == 17.5);
    CHECK(levels.quantile(0.5) == 25.0);
    CHECK(levels.quantile(1.0) == 40.0);
    CHECK(levels.lowest_level_of(0.5) == 20.0);
    CHECK(levels.below(30) == 2);
    CHECK(dgiqa::LevelCounts({7}).quantile(0.1) == 7.0);
}
