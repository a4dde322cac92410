// The committed vectors of pixel conversion and resizing, and one table of tests over them for the CPU and the GPU.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dgiqa_edge.h"
#include "frames/framing.hpp"
#include "frames/picture.hpp"
#include "vector_files.hpp"

namespace dgiqa_test {

// Converts a frame in host memory and brings it to height x width.
using Implementation = std::function<dgiqa::Picture(const dgiqa_frame &frame, int height, int width, dgiqa_fit fit)>;

class FrameVectors {
public:
    const nlohmann::json &of(const char *kind) const { return document_.at(kind); }
    const std::uint8_t *at(const nlohmann::json &array) const {
        REQUIRE(array.at(0).get<std::size_t>() + array.at(1).get<std::size_t>() <= pixels_.size());
        return reinterpret_cast<const std::uint8_t *>(pixels_.data()) + array.at(0).get<std::size_t>();
    }
    std::vector<std::uint8_t> bytes(const nlohmann::json &array) const {
        return {at(array), at(array) + array.at(1).get<std::size_t>()};
    }

private:
    nlohmann::json document_ = json_file(vector_folder("frames") / "cases.json");
    std::string pixels_ = content_of(vector_folder("frames") / "pixels.bin");
};

inline dgiqa_frame frame_of(const FrameVectors &vectors, const nlohmann::json &one) {
    static const std::map<std::string, dgiqa_pixel_format> formats = {
        {"bgr", DGIQA_BGR},   {"rgb", DGIQA_RGB},   {"bgra", DGIQA_BGRA}, {"rgba", DGIQA_RGBA},
        {"grey", DGIQA_GREY}, {"nv12", DGIQA_NV12}, {"yuyv", DGIQA_YUYV}, {"i420", DGIQA_I420}};
    static const std::map<std::string, dgiqa_colour_matrix> matrices = {{"bt601_limited", DGIQA_BT601_LIMITED},
                                                                        {"bt601_full", DGIQA_BT601_FULL},
                                                                        {"bt709_limited", DGIQA_BT709_LIMITED},
                                                                        {"bt709_full", DGIQA_BT709_FULL}};
    dgiqa_frame frame{};
    frame.width = one.at("width");
    frame.height = one.at("height");
    frame.format = formats.at(one.at("format"));
    frame.matrix = matrices.at(one.at("matrix"));
    for (std::size_t plane = 0; plane < one.at("planes").size(); ++plane) {
        frame.planes[plane] = vectors.at(one.at("planes").at(plane));
        frame.strides[plane] = one.at("strides").at(plane);
    }
    return frame;
}

inline void check_vectors(const Implementation &implementation) {
    const FrameVectors vectors;
    CHECK(vectors.of("conversions").size() >= 51);
    for (const auto &one : vectors.of("conversions")) {
        CAPTURE(one.at("name").get<std::string>());
        const dgiqa::Picture picture =
            implementation(frame_of(vectors, one), one.at("height").get<int>(), one.at("width").get<int>(),
                           DGIQA_FIT_STRETCH);
        CHECK(picture.pixels == vectors.bytes(one.at("bgr")));
    }
    CHECK(vectors.of("resizes").size() >= 17);
    CHECK(vectors.of("fits").size() >= 26);
    std::vector<nlohmann::json> sized = vectors.of("resizes");
    sized.insert(sized.end(), vectors.of("fits").begin(), vectors.of("fits").end());
    for (const auto &one : sized) {
        CAPTURE(one.at("name").get<std::string>());
        dgiqa_frame frame{};
        frame.planes[0] = vectors.at(one.at("from").at("bgr"));
        frame.width = one.at("from").at("width");
        frame.height = one.at("from").at("height");
        const dgiqa_fit fit = dgiqa::fit_named(one.value("fit", "stretch")).value();
        const dgiqa::Picture picture =
            implementation(frame, one.at("height").get<int>(), one.at("width").get<int>(), fit);
        CHECK(picture.height == one.at("height").get<int>());
        CHECK(picture.width == one.at("width").get<int>());
        CHECK(picture.pixels == vectors.bytes(one.at("bgr")));
    }
}

}  // namespace dgiqa_test
