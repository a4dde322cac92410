// Masks, pictures, cues and places under regions equal Python's (tests/vectors/regions).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cues/cues.hpp"
#include "errors.hpp"
#include "formats/sha256.hpp"
#include "regions/regions.hpp"
#include "regions/seen.hpp"
#include "vector_files.hpp"

using nlohmann::json;

namespace {

json vectors() { return json_file(vector_folder("regions") / "vectors.json"); }

dgiqa::Regions named(const json &document, const json &name) {
    return dgiqa::read_regions(document["regions"][name.get<std::string>()].dump());
}

std::string hash_of(const dgiqa::Picture &picture) {
    return dgiqa::sha256_text(std::string(picture.pixels.begin(), picture.pixels.end()));
}

dgiqa::Picture frame(int height, int width) {
    dgiqa::Picture picture(height, width, 3);
    for (int y = 0; y < height; ++y) {
        for (int i = 0; i < 3 * width; ++i) {
            const int x = i / 3;
            picture.row(y)[i] = static_cast<std::uint8_t>((7 * x + 13 * y + 29 * (i % 3) + x * y / 8) % 251);
        }
    }
    return picture;
}

dgiqa_box box_of(const json &box) {
    return {box[0].get<int>(), box[1].get<int>(), box[2].get<int>(), box[3].get<int>()};
}

}  // namespace

TEST_CASE("masks and what the scorer sees are Python's") {
    const json document = vectors();
    CHECK(document["masks"].size() > 20);
    for (const json &entry : document["masks"]) {
        CAPTURE(entry.dump());
        const dgiqa::Regions regions = named(document, entry["regions"]);
        const int height = entry["height"].get<int>(), width = entry["width"].get<int>();
        CHECK(hash_of(regions.mask(height, width)) == entry["mask"].get<std::string>());
        dgiqa::Seen seen(regions);
        CHECK(hash_of(seen.picture(frame(height, width))) == entry["picture"].get<std::string>());
        CHECK(hash_of(seen.picture(frame(height, width))) == entry["picture"].get<std::string>());
    }
}

TEST_CASE("a picture of which all counts is scored as it is, not as a copy") {
    const dgiqa::Picture picture = frame(64, 64);
    CHECK(&dgiqa::Seen().picture(picture) == &picture);
}

TEST_CASE("cues under regions are Python's") {
    const json document = vectors();
    const auto found = pictures_of("cues");
    int compared = 0;
    for (const json &sequence : document["cues"]) {
        dgiqa::CueMeter meter;
        meter.set_regions(named(document, sequence["regions"]));
        for (std::size_t number = 0; number < sequence["frames"].size(); ++number) {
            const json &shown = sequence["frames"][number], &expected = sequence["cues"][number];
            CAPTURE(sequence["regions"].get<std::string>());
            CAPTURE(shown.dump());
            const dgiqa::Picture &picture = found.at(shown["picture"].get<std::string>());
            compared += check_cues(meter.measure(spread(picture, shown["size"])), expected);
        }
    }
    CHECK(compared > 300);
}

TEST_CASE("where a fault is in the frame is Python's") {
    const json document = vectors();
    CHECK(document["places"].size() > 20);
    for (const json &entry : document["places"]) {
        CAPTURE(entry.dump());
        dgiqa::FaultCells cells{4, 4, {}, box_of(entry["frame_box"]), box_of(entry["depth_box"]),
                                entry["depth"][0].get<int>(), entry["depth"][1].get<int>()};
        std::vector<double> expected;
        for (std::size_t row = 0; row < 4; ++row) {
            for (std::size_t column = 0; column < 4; ++column) {
                cells.values.push_back(entry["cells"][row][column].get<double>());
                expected.push_back(entry["where"][row][column].get<double>());
            }
        }
        const auto found = dgiqa::where(cells, entry["height"].get<int>(), entry["width"].get<int>(),
                                        named(document, entry["regions"]));
        REQUIRE(found.size() == expected.size());
        for (std::size_t cell = 0; cell < found.size(); ++cell) {
            CHECK(std::abs(found[cell] - expected[cell]) < 1.01e-4);  // a sum in another order may round over
        }
    }
}

TEST_CASE("what is no regions is refused in words") {
    const json document = vectors();
    for (const json &text : document["refused"]) {
        CAPTURE(text.get<std::string>());
        CHECK_THROWS_AS(dgiqa::read_regions(text.get<std::string>()), dgiqa::Error);
    }
    CHECK_THROWS_WITH(dgiqa::read_regions(R"({"include": [[[0, 0], [1, 1]]]})"),
                      "include[0] has 2 corners: give 3 to 256");
    CHECK_THROWS_WITH(dgiqa::read_regions(R"({"exclude": [[[0.3, 0.1], [0.3, 0.5], [0.3, 0.9]]]})"),
                      "exclude[0] has no area: give corners that do not lie on one line");
    CHECK(dgiqa::read_regions(R"({"exclude": [[[0.2, 0.2], [0.4, 0.4], [0.4, 0.2], [0.2, 0.4]]]})").any());  // a bow tie
    CHECK_FALSE(dgiqa::read_regions("{}").any());
}
