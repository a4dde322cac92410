// The pictures of tests/vectors/cues.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "frames/picture.hpp"
#include "vector_files.hpp"

inline std::map<std::string, dgiqa::Picture> cue_pictures(const nlohmann::json &document) {
    const std::string pixels = file_bytes(vector_folder("cues") / "pixels.bin");
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

// As tests/vectors/cues/make_vectors.py spreads a picture over a larger size.
inline dgiqa::Picture spread(const dgiqa::Picture &picture, int height, int width) {
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
