// Pixel conversion and resizing on the CPU: the committed vectors, and what is refused.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <climits>
#include <cstring>

#include "errors.hpp"
#include "frame_cases.hpp"
#include "frames/convert.hpp"
#include "frames/resize.hpp"

namespace {

// As C code can: without regard to what the enumeration knows.
template <typename Enum>
void set_number(Enum &value, unsigned number) {
    std::memcpy(&value, &number, sizeof value);
}

nlohmann::json list_of(const dgiqa_box &box) { return {box.left, box.top, box.width, box.height}; }

}  // namespace

TEST_CASE("the CPU implementation gives the vectors bit for bit") {
    dgiqa_test::check_vectors([](const dgiqa_frame &frame, int height, int width, dgiqa_fit fit) {
        return dgiqa::fitted(dgiqa::to_bgr(frame), height, width, fit);
    });
}

TEST_CASE("frames of other shapes lie where the vectors have them") {
    const dgiqa_test::FrameVectors vectors;
    CHECK(vectors.of("framings").size() >= 24);
    for (const auto &one : vectors.of("framings")) {
        const auto from = one.at("from"), to = one.at("to"), depth = one.at("depth");
        CAPTURE(one.dump());
        const dgiqa::Framing placed =
            dgiqa::framing(from[1], from[0], to[1], to[0], dgiqa::fit_named(one.at("fit")).value());
        CHECK(list_of(placed.shown) == one.at("shown"));
        CHECK(list_of(placed.at) == one.at("at"));
        CHECK(list_of(dgiqa::scaled_box(placed.at, to[1], to[0], depth[1], depth[0])) == one.at("depth_box"));
    }
}

TEST_CASE("a whole level rounds halves to even") {
    CHECK(dgiqa::rounded_byte(0.5f) == 0);
    CHECK(dgiqa::rounded_byte(1.5f) == 2);
    CHECK(dgiqa::rounded_byte(2.5f) == 2);
    CHECK(dgiqa::rounded_byte(254.6f) == 255);
    CHECK(dgiqa::rounded_byte(255.9f) == 255);
}

TEST_CASE("frames that cannot be used are refused with the place and what to do") {
    static const std::uint8_t pixels[64] = {};
    struct Refused {
        const char *what;
        const char *message;
        void (*spoil)(dgiqa_frame &);
    };
    const Refused table[] = {
        {"no plane", "planes[0] is NULL", [](dgiqa_frame &f) { f.planes[0] = nullptr; }},
        {"no second plane", "planes[1] is NULL", [](dgiqa_frame &f) { f.format = DGIQA_NV12, f.planes[1] = nullptr; }},
        {"no third plane", "planes[2] is NULL", [](dgiqa_frame &f) { f.format = DGIQA_I420, f.planes[2] = nullptr; }},
        {"no width", "0x4", [](dgiqa_frame &f) { f.width = 0; }},
        {"no height", "4x-1", [](dgiqa_frame &f) { f.height = -1; }},
        {"too wide", "65535 per side", [](dgiqa_frame &f) { f.width = INT_MAX; }},
        {"too many pixels", "claims 65534x65534 pixels, more than the 268435456",
         [](dgiqa_frame &f) { f.width = f.height = 65534; }},
        {"odd width of YUYV", "even width", [](dgiqa_frame &f) { f.format = DGIQA_YUYV, f.width = 3; }},
        {"odd width of NV12", "even width", [](dgiqa_frame &f) { f.format = DGIQA_NV12, f.width = 3; }},
        {"odd height of I420", "even height", [](dgiqa_frame &f) { f.format = DGIQA_I420, f.height = 3; }},
        {"short stride", "strides[0] is 11 bytes, but a row of planes[0] has 12",
         [](dgiqa_frame &f) { f.strides[0] = 11; }},
        {"no stride", "strides[0] is 18446744073709551615 bytes: at most 1048576",
         [](dgiqa_frame &f) { f.strides[0] = SIZE_MAX; }},
        {"a negative stride", "strides[0] is 18446744073709551604 bytes",
         [](dgiqa_frame &f) { f.strides[0] = static_cast<std::size_t>(-12); }},
        {"half the address space", "strides[1] is 9223372036854775807 bytes",
         [](dgiqa_frame &f) { f.format = DGIQA_NV12, f.strides[1] = SIZE_MAX / 2; }},
        {"a third plane's stride", "strides[2] is 1048577 bytes",
         [](dgiqa_frame &f) { f.format = DGIQA_I420, f.strides[2] = (1 << 20) + 1; }},
        {"short stride of chroma", "strides[1] is 3 bytes",
         [](dgiqa_frame &f) { f.format = DGIQA_NV12, f.strides[1] = 3; }},
        {"no such format", "dgiqa_pixel_format", [](dgiqa_frame &f) { set_number(f.format, 8); }},
        {"no such matrix", "dgiqa_colour_matrix", [](dgiqa_frame &f) { set_number(f.matrix, 4); }},
        {"no such memory", "dgiqa_memory", [](dgiqa_frame &f) { set_number(f.memory, 4); }},
#if !defined(DGIQA_WITH_CUDA)
        {"device memory", "has no CUDA", [](dgiqa_frame &f) { f.memory = DGIQA_DEVICE; }},
#endif
    };
    for (const Refused &one : table) {
        CAPTURE(one.what);
        dgiqa_frame frame{};
        frame.planes[0] = frame.planes[1] = frame.planes[2] = pixels;
        frame.width = frame.height = 4;
        CHECK_NOTHROW(dgiqa::to_bgr(frame));
        one.spoil(frame);
        try {
            dgiqa::to_bgr(frame);
            FAIL("was taken");
        } catch (const dgiqa::Error &error) {
            CHECK(error.status() == DGIQA_ERROR_SOURCE);
            CHECK(std::string(error.what()).find(one.message) != std::string::npos);
        }
    }
}

TEST_CASE("a plane is read no further than its last row's last pixel") {
    // The last row has no gap behind it: a reader beyond it is caught by the address sanitizer.
    std::vector<std::uint8_t> exact(10 * 3 + 2 * 3, 9);
    dgiqa_frame frame{};
    frame.planes[0] = exact.data();
    frame.strides[0] = 10;
    frame.width = 2;
    frame.height = 4;
    CHECK(dgiqa::to_bgr(frame).pixels == std::vector<std::uint8_t>(24, 9));
}

TEST_CASE("a picture of the right size stays as it is, and sizes that are none are refused") {
    dgiqa::Picture picture(2, 3, 3);
    picture.pixels[5] = 77;
    CHECK(dgiqa::fitted(picture, 2, 3).pixels == picture.pixels);
    CHECK_THROWS_AS(dgiqa::fitted(picture, 0, 3), dgiqa::Error);
    CHECK_THROWS_AS(dgiqa::fitted(dgiqa::Picture(), 2, 3), dgiqa::Error);
}
