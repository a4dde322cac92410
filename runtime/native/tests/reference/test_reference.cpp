// References and what is measured against them are Python's, to the bit (tests/vectors/reference).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <map>

#include "cues/cues.hpp"
#include "cues/grey.hpp"
#include "errors.hpp"
#include "reference/reference.hpp"
#include "reference/reference_json.hpp"
#include "reference/view_meter.hpp"
#include "regions/regions.hpp"
#include "vector_files.hpp"

using nlohmann::json;

namespace {

const json &document() {
    static const json found = json_file(vector_folder("reference") / "vectors.json");
    return found;
}

std::map<std::string, dgiqa::Picture> pictures() { return pictures_of("reference"); }

dgiqa::View view_of(const dgiqa::Picture &picture) {
    const auto [rows, columns] = dgiqa::cells_of(picture.width, picture.height);
    return dgiqa::view_of(dgiqa::grey_of(picture), dgiqa::every(picture, 4), rows, columns);
}

dgiqa::ReferenceView taken(const json &entry, const std::map<std::string, dgiqa::Picture> &found) {
    std::vector<dgiqa::View> views;
    const dgiqa::Picture *last = nullptr;
    for (const json &name : entry["pictures"]) {
        last = &found.at(name.get<std::string>());
        views.push_back(view_of(*last));
    }
    return dgiqa::take_reference(last->width, last->height, views);
}

void check_value(const json &answer, const char *name, const std::optional<double> &value) {
    CAPTURE(name);
    REQUIRE(value.has_value() == answer.contains(name));
    if (value) {
        CHECK(*value == answer[name].get<double>());
    }
}

}  // namespace

TEST_CASE("references are taken and refused as Python does") {
    const auto found = pictures();
    int refused = 0;
    for (const json &entry : document()["references"]) {
        CAPTURE(entry["name"].get<std::string>());
        if (entry.contains("refused")) {
            CHECK_THROWS_WITH_AS(taken(entry, found), entry["refused"].get<std::string>().c_str(), dgiqa::Error);
            ++refused;
            continue;
        }
        CHECK(json::parse(dgiqa::write_reference(taken(entry, found))) ==
              json::parse(entry["file"].get<std::string>()));
    }
    CHECK(refused == 3);
}

TEST_CASE("every difference is Python's") {
    const auto found = pictures();
    int compared = 0;
    for (const json &entry : document()["references"]) {
        if (entry.contains("refused")) {
            continue;
        }
        const dgiqa::ReferenceView reference = dgiqa::read_reference(entry["file"].get<std::string>());
        dgiqa::CueMeter meter;
        meter.follow(reference);
        for (const auto &[name, picture] : found) {
            CAPTURE(entry["name"].get<std::string>());
            CAPTURE(name);
            const dgiqa::Cues cues = meter.measure(picture);
            const json &answer = entry["measured"][name];
            check_value(answer, "moved", cues.moved);
            check_value(answer, "likeness", cues.likeness);
            check_value(answer, "cast", cues.cast);
            ++compared;
        }
    }
    CHECK(compared > 80);
}

TEST_CASE("without a reference nothing is compared, and one is learned from frames that passed") {
    const dgiqa::Picture rocket = pictures().at("rocket");
    dgiqa::CueMeter meter;
    meter.learn(1.0);
    CHECK_FALSE(meter.measure(rocket).likeness);
    double t = 0.0;
    for (int i = 0; i < 200 && !meter.reference(); ++i, t += 0.5) {
        meter.passed(rocket, t);
    }
    REQUIRE(meter.reference());
    CHECK(t == doctest::Approx(59.5));
    CHECK(meter.reference()->frames == 60);
    CHECK(*meter.measure(rocket).moved == 0.0);
    const auto moved = meter.measure(pictures().at("rocket moved")).moved;
    CHECK(*moved > 0.05);
    meter.set_regions(dgiqa::read_regions(R"({"exclude": [[[0, 0], [1, 0], [1, 0.5], [0, 0.5]]]})"));
    CHECK(meter.reference());
    CHECK(meter.measure(pictures().at("rocket moved")).moved == moved);
}

TEST_CASE("frames that make no reference are refused, and it goes on learning") {
    const auto found = pictures();
    dgiqa::CueMeter meter;
    meter.learn(1.0);
    int refused = 0;
    double t = 0.0;
    for (int i = 0; i < 60; ++i, t += 1.0) {
        try {
            meter.passed(found.at("wall"), t);
        } catch (const dgiqa::Error &) {
            ++refused;
        }
    }
    CHECK(refused == 1);
    for (int i = 0; i < 60; ++i, t += 1.0) {
        meter.passed(found.at("rocket"), t);
    }
    CHECK(meter.reference());
}

TEST_CASE("a file that is no reference is refused with the reason") {
    const std::string text = document()["references"][0]["file"].get<std::string>();
    const auto changed = [&](const char *key, const json &value) {
        json document = json::parse(text);
        document[key] = value;
        return document.dump();
    };
    const auto refused = [](const std::string &given, const char *why) {
        CHECK_THROWS_WITH_AS(dgiqa::read_reference(given), doctest::Contains(why), dgiqa::Error);
    };
    refused("{", "this reference view cannot be used");
    refused("[]", "it holds something else");
    refused(changed("kind", "dgiqa-edge camera baseline"), "it holds something else");
    refused(changed("version", 2), "its version is 2, this library reads 1");
    refused(changed("width", 10), "width is no whole number from 64");
    refused(changed("frames", 0.5), "frames is no whole number from 1");
    refused(changed("levels", json::array()), "levels are not 36x64 whole numbers from 0 to 4080");
    refused(changed("height", 96), "levels are not 48x64 whole numbers");
    json flat = json::parse(text)["levels"];
    for (json &row : flat) {
        for (json &level : row) {
            level = 2000;
        }
    }
    refused(changed("levels", flat), "it is uniform");
    flat[3][4] = 4081;
    refused(changed("levels", flat), "levels are not 36x64 whole numbers");
}
