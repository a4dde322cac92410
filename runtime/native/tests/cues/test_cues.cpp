// Cues equal those that Python measured on the same frames (tests/vectors/cues).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>

#include "cues/cues.hpp"
#include "cues/half_size.hpp"
#include "cues/level_counts.hpp"
#include "vector_files.hpp"

using nlohmann::json;

TEST_CASE("every cue of every frame is Python's") {
    const json document = json_file(vector_folder("cues") / "vectors.json");
    const auto found = pictures_of("cues");
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
            compared += check_cues(meter.measure(spread(picture, step["spread"])), step["cues"]);
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
