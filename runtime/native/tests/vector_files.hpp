// The files under tests/vectors that both languages replay.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "frames/picture.hpp"
#include "gate/reading.hpp"
#include "test_files.hpp"

inline fs::path vector_folder(const std::string &name) {
    return fs::path(DGIQA_EDGE_SOURCE_DIR) / "tests" / "vectors" / name;
}

inline nlohmann::json json_file(const fs::path &file) { return nlohmann::json::parse(content_of(file)); }

// The folder's JSON files, in the order of their names.
inline std::vector<fs::path> json_files(const std::string &folder) {
    std::vector<fs::path> files;
    for (const auto &entry : fs::directory_iterator(vector_folder(folder))) {
        if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

// The pictures of a folder of vectors, by their names.
inline std::map<std::string, dgiqa::Picture> pictures_of(const std::string &folder) {
    const std::string pixels = content_of(vector_folder(folder) / "pixels.bin");
    const nlohmann::json document = json_file(vector_folder(folder) / "vectors.json");
    std::map<std::string, dgiqa::Picture> found;
    for (const nlohmann::json &entry : document["pictures"]) {
        dgiqa::Picture picture(entry["height"].get<int>(), entry["width"].get<int>(), 3);
        const std::size_t offset = entry["offset"].get<std::size_t>();
        REQUIRE(offset + picture.pixels.size() <= pixels.size());
        std::copy_n(pixels.begin() + static_cast<std::ptrdiff_t>(offset), picture.pixels.size(),
                    picture.pixels.begin());
        found[entry["name"].get<std::string>()] = picture;
    }
    return found;
}

// As tests/vectors/cues/make_vectors.py spreads a picture over a larger size, [height, width]; null: as it is.
inline dgiqa::Picture spread(const dgiqa::Picture &picture, const nlohmann::json &size) {
    if (size.is_null()) return picture;
    dgiqa::Picture large(size[0].get<int>(), size[1].get<int>(), 3);
    for (int y = 0; y < large.height; ++y) {
        for (int x = 0; x < large.width; ++x) {
            const int from_y = (y + x / picture.width) % picture.height;
            const int from_x = (x + y / picture.height) % picture.width;
            std::copy_n(picture.row(from_y) + 3 * from_x, 3, large.row(y) + 3 * x);
        }
    }
    return large;
}

// Checks each cue, and gives how many have a value.
inline int check_cues(const dgiqa::Cues &cues, const nlohmann::json &expected) {
    int compared = 0;
    for (const dgiqa::CueField &field : dgiqa::CUE_FIELDS) {
        CAPTURE(field.name);
        const std::optional<double> &value = cues.*field.value;
        REQUIRE(value.has_value() == expected.contains(field.name));
        if (value) {
            const double wanted = expected[field.name].get<double>();
            CAPTURE(*value);
            CAPTURE(wanted);
            CHECK(std::abs(*value - wanted) <= 1e-12 * std::max(1.0, std::abs(wanted)));
            ++compared;
        }
    }
    return compared;
}

inline std::optional<double> number_of(const nlohmann::json &value) {
    return value.is_null() ? std::nullopt : std::optional<double>(value.get<double>());
}

// What a step gives the gate.
inline dgiqa::Reading reading_of(const nlohmann::json &step) {
    dgiqa::Reading reading;
    reading.score = number_of(step["score"]);
    if (!step["cues"].is_null()) {
        reading.cues.emplace();
        for (const auto &item : step["cues"].items()) {
            const auto field = std::find_if(dgiqa::CUE_FIELDS.begin(), dgiqa::CUE_FIELDS.end(),
                                            [&](const dgiqa::CueField &cue) { return item.key() == cue.name; });
            REQUIRE(field != dgiqa::CUE_FIELDS.end());
            *reading.cues.*field->value = number_of(item.value());
        }
    }
    if (step.contains("faults")) {
        for (const auto &item : step["faults"].items()) {
            reading.faults.push_back({item.key(), item.value().get<double>()});
        }
    }
    return reading;
}
