// Frames, caps, metadata and times that dgiqagate cannot use: told once and counted, and the stream goes on.
#include <algorithm>

#include "gst_pipeline.hpp"

using dgiqa_test::filled;
using dgiqa_test::gate;
using dgiqa_test::Pipeline;
using dgiqa_test::raw_caps;
using dgiqa_test::Said;

TEST_CASE("frames that cannot be used are counted and told once, and the stream goes on") {
    Pipeline pipeline(gate("mode=pass"));
    REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
    const std::string odd = raw_caps("I420", 33, 17), good = raw_caps("BGR", 32, 16);
    pipeline.caps(odd);
    for (int i = 0; i < 3; ++i) pipeline.push(filled(odd, 100), i / 25.0);
    pipeline.caps(good);
    pipeline.push(filled(good, 100), 3 / 25.0);
    pipeline.push(gst_buffer_new_allocate(nullptr, 10, nullptr), 4 / 25.0);  // far too small
    pipeline.end();
    CHECK(pipeline.drain(true) == 5);
    Said said;
    pipeline.listen(said, true);
    CHECK(said.errors.empty());
    CHECK(said.ended);
    REQUIRE(said.warnings.size() == 2);
    CHECK(said.warnings[0].find("even") != std::string::npos);
    CHECK(pipeline.stat("failed") == 4);
    CHECK(pipeline.stat("scored") == 1);
    CHECK(said.elements["dgiqa-verdict"] == 5);
}

TEST_CASE("of an interlaced frame one field is judged; caps without whole frames are refused with the remedy") {
    for (const char *mode : {"interleaved", "mixed"}) {
        for (const char *format : {"BGR", "NV12", "I420", "GRAY8"}) {
            CAPTURE(format);
            const std::string caps = raw_caps(format, 64, 48), woven = caps + ",interlace-mode=" + mode;
            GstBuffer *buffer = filled(caps, 128);
            GstMapInfo map;
            REQUIRE(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
            const int row_bytes = std::string(format) == "BGR" ? 192 : 64;
            for (int y = 0; y < 48; ++y) std::fill_n(map.data + y * row_bytes, row_bytes, y % 2 == 0 ? 200 : 20);
            gst_buffer_unmap(buffer, &map);
            GST_BUFFER_FLAG_SET(buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED);
            Pipeline pipeline(gate("mode=pass"));
            REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
            pipeline.caps(woven);
            CHECK(pipeline.push(buffer, 0.0) == GST_FLOW_OK);
            pipeline.end();
            CHECK(pipeline.drain(true) == 1);
            Said said;
            pipeline.listen(said, true);
            REQUIRE(said.scores.size() == 1);
            CHECK(said.scores[0] > 0.75);  // of both fields together it would be 0.43
        }
    }
    Pipeline pipeline(gate());
    pipeline.play();
    const std::string caps = raw_caps("BGR", 64, 48);
    pipeline.caps(caps + ",interlace-mode=fields");
    pipeline.push(filled(caps, 90), 0.0);
    pipeline.end();
    Said said;
    pipeline.listen(said, true);
    REQUIRE(!said.errors.empty());
    CHECK(said.errors[0].find("put the element deinterlace before") != std::string::npos);
}

TEST_CASE("metadata that lie about a buffer are counted as failed, never followed") {
    struct Lie {
        const char *format;
        std::size_t offsets[3];
        int strides[3];
        int width, height;
    };
    const Lie lies[] = {
        {"BGR", {0, 0, 0}, {1 << 24, 0, 0}, 64, 48},           // beyond the memory
        {"BGR", {64 * 48 * 3 - 4, 0, 0}, {192, 0, 0}, 64, 48},  // begins at its end
        {"BGR", {0, 0, 0}, {-192, 0, 0}, 64, 48},
        {"BGR", {0, 0, 0}, {1, 0, 0}, 64, 48},
        {"BGR", {0, 0, 0}, {192, 0, 0}, 64, 4800},  // another size than the caps'
        {"NV12", {0, 64 * 48 + 1000, 0}, {64, 64, 0}, 64, 48},
        {"I420", {0, 64 * 48, 64 * 48 + 32 * 24}, {64, 32, 6400}, 64, 48},
    };
    for (const Lie &lie : lies) {
        CAPTURE(lie.format);
        CAPTURE(lie.strides[0]);
        const std::string caps = raw_caps(lie.format, 64, 48);
        GstBuffer *buffer = filled(caps, 90);
        gsize offsets[GST_VIDEO_MAX_PLANES] = {lie.offsets[0], lie.offsets[1], lie.offsets[2], 0};
        gint strides[GST_VIDEO_MAX_PLANES] = {lie.strides[0], lie.strides[1], lie.strides[2], 0};
        const GstVideoFormat format = gst_video_format_from_string(lie.format);
        gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, format, static_cast<guint>(lie.width),
                                       static_cast<guint>(lie.height),
                                       GST_VIDEO_FORMAT_INFO_N_PLANES(gst_video_format_get_info(format)), offsets,
                                       strides);
        Pipeline pipeline(gate("mode=pass"));
        REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
        pipeline.caps(caps);
        CHECK(pipeline.push(buffer, 0.0) == GST_FLOW_OK);
        pipeline.end();
        CHECK(pipeline.drain(true) == 1);
        CHECK(pipeline.stat("failed") == 1);
        Said said;
        pipeline.listen(said, true);
        CHECK(said.errors.empty());
        CHECK(said.warnings.size() == 1);
    }
}

TEST_CASE("times that are missing, out of order or wrong for once leave the others as they are") {
    struct Times {
        std::vector<double> given, told;  // given below 0: none
    };
    const Times table[] = {
        {{100.0, -1, 100.08}, {100.0, 100.04, 100.08}},            // a missing one is a frame later
        {{-1, -1, -1}, {0.0, 0.04, 0.08}},
        {{1.0, 1.08, 1.04, 1.12}, {1.0, 1.08, 1.08, 1.12}},        // reordered frames
        {{50.0, 0.0, 0.04, 0.08}, {50.0, 50.0, 50.04, 50.08}},     // a new stream
        {{50.0, 0.0, 50.04, 50.08}, {50.0, 50.0, 50.04, 50.08}},   // one wrong stamp
    };
    const std::string caps = raw_caps("BGR", 64, 48);
    for (const Times &one : table) {
        Pipeline pipeline(gate("mode=pass"));
        pipeline.play();
        pipeline.caps(caps);
        for (const double t_s : one.given) pipeline.push(filled(caps, 90), t_s);
        pipeline.end();
        CHECK(pipeline.drain(true) == static_cast<int>(one.given.size()));
        Said said;
        pipeline.listen(said, true);
        REQUIRE(said.times.size() == one.told.size());
        for (std::size_t i = 0; i < one.told.size(); ++i) CHECK(said.times[i] == doctest::Approx(one.told[i]));
    }
}
