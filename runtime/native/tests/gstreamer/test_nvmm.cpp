// Frames in NVIDIA's device memory, against a stand-in of its library: pixels, refusals, and the element in a pipeline.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <filesystem>

#include "errors.hpp"
#include "frames/convert.hpp"
#include "frames/frame_cases.hpp"
#include "frames/layout.hpp"
#include "gst_pipeline.hpp"
#include "gstreamer/nvmm.hpp"
#include "nvbufsurface.hpp"

using dgiqa_test::bundle;
using dgiqa_test::gate;
using dgiqa_test::Pipeline;
using dgiqa_test::raw_caps;
using dgiqa_test::Said;

namespace {

constexpr int kSkipped = 77;
constexpr char kDevice[] = "(memory:NVMM)";

struct Number {
    dgiqa_pixel_format format;
    dgiqa_colour_matrix matrix;
    std::int32_t number;
    GstVideoFormat caps;
};
const Number kNumbers[] = {
    {DGIQA_GREY, DGIQA_BT601_LIMITED, 1, GST_VIDEO_FORMAT_GRAY8},
    {DGIQA_I420, DGIQA_BT601_LIMITED, 2, GST_VIDEO_FORMAT_I420},
    {DGIQA_I420, DGIQA_BT601_FULL, 4, GST_VIDEO_FORMAT_I420},
    {DGIQA_I420, DGIQA_BT709_LIMITED, 31, GST_VIDEO_FORMAT_I420},
    {DGIQA_I420, DGIQA_BT709_FULL, 32, GST_VIDEO_FORMAT_I420},
    {DGIQA_NV12, DGIQA_BT601_LIMITED, 6, GST_VIDEO_FORMAT_NV12},
    {DGIQA_NV12, DGIQA_BT601_FULL, 7, GST_VIDEO_FORMAT_NV12},
    {DGIQA_NV12, DGIQA_BT709_LIMITED, 33, GST_VIDEO_FORMAT_NV12},
    {DGIQA_NV12, DGIQA_BT709_FULL, 34, GST_VIDEO_FORMAT_NV12},
    {DGIQA_YUYV, DGIQA_BT601_LIMITED, 14, GST_VIDEO_FORMAT_YUY2},
    {DGIQA_YUYV, DGIQA_BT601_FULL, 15, GST_VIDEO_FORMAT_YUY2},
    {DGIQA_RGBA, DGIQA_BT601_LIMITED, 19, GST_VIDEO_FORMAT_RGBA},
    {DGIQA_RGBA, DGIQA_BT601_LIMITED, 23, GST_VIDEO_FORMAT_RGBx},
    {DGIQA_BGRA, DGIQA_BT601_LIMITED, 20, GST_VIDEO_FORMAT_BGRA},
    {DGIQA_BGRA, DGIQA_BT601_LIMITED, 24, GST_VIDEO_FORMAT_BGRx},
    {DGIQA_RGB, DGIQA_BT601_LIMITED, 27, GST_VIDEO_FORMAT_RGB},
    {DGIQA_BGR, DGIQA_BT601_LIMITED, 28, GST_VIDEO_FORMAT_BGR},
};

// The host frame's pixels as a surface.
StandInSurface surface_of(const dgiqa_frame &frame, std::int32_t number, int jetpack) {
    StandInSurface wanted;
    wanted.jetpack = jetpack;
    wanted.width = static_cast<std::uint32_t>(frame.width);
    wanted.height = static_cast<std::uint32_t>(frame.height);
    wanted.colour_format = number;
    wanted.plane_count = static_cast<std::uint32_t>(dgiqa::plane_count(frame.format));
    for (std::uint32_t plane = 0; plane < wanted.plane_count; ++plane) {
        const auto size = dgiqa::plane_size(frame.format, static_cast<int>(plane), frame.width, frame.height);
        wanted.planes[plane].pixels = frame.planes[plane];
        wanted.planes[plane].row_bytes = static_cast<std::uint32_t>(size.row_bytes);
        wanted.planes[plane].rows = static_cast<std::uint32_t>(size.rows);
        wanted.planes[plane].stride = frame.strides[plane] != 0 ? frame.strides[plane] : size.row_bytes;
    }
    return wanted;
}

GstVideoInfo info_of(GstVideoFormat format, int width, int height) {
    GstVideoInfo info;
    gst_video_info_set_format(&info, format, static_cast<guint>(width), static_cast<guint>(height));
    return info;
}

// A picture of noise in a format, in host memory without gaps.
struct Noise {
    std::vector<std::uint8_t> pixels;
    dgiqa_frame frame = dgiqa_frame_default();

    Noise(dgiqa_pixel_format format, int width, int height) {
        frame.format = format;
        frame.width = width;
        frame.height = height;
        std::size_t bytes = 0;
        std::size_t starts[3] = {};
        for (int plane = 0; plane < dgiqa::plane_count(format); ++plane) {
            const auto size = dgiqa::plane_size(format, plane, width, height);
            starts[plane] = bytes;
            bytes += size.row_bytes * static_cast<std::size_t>(size.rows);
        }
        std::mt19937 random(5);
        pixels.resize(bytes);
        for (std::uint8_t &pixel : pixels) pixel = static_cast<std::uint8_t>(random());
        for (int plane = 0; plane < dgiqa::plane_count(format); ++plane)
            frame.planes[plane] = pixels.data() + starts[plane];
    }
};

// A buffer as NVIDIA's elements make them: its memory is the descriptor, and may not be shared.
GstBuffer *buffer_of(const StandInSurface &wanted, std::size_t bytes = 0) {
    void *surface = stand_in_surface(&wanted);
    const std::size_t size = bytes != 0 ? bytes : stand_in_bytes(wanted.jetpack);
    const auto flags = static_cast<GstMemoryFlags>(GST_MEMORY_FLAG_NO_SHARE);
    GstBuffer *buffer = gst_buffer_new();
    gst_buffer_append_memory(buffer, gst_memory_new_wrapped(flags, surface, size, 0, size, surface, stand_in_free));
    return buffer;
}

std::string device_caps(const char *format, int width, int height, const char *more = "") {
    std::string caps = raw_caps(format, width, height, more);
    return caps.insert(std::string("video/x-raw").size(), kDevice);
}

// The score of one buffer through the element, and what it said.
Said judged(const std::string &caps, GstBuffer *buffer) {
    Pipeline pipeline(gate("mode=pass"));
    REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
    pipeline.caps(caps);
    CHECK(pipeline.push(buffer, 0.0) == GST_FLOW_OK);
    pipeline.end();
    CHECK(pipeline.drain(true) == 1);
    Said said;
    pipeline.listen(said, true);
    return said;
}

GstBuffer *in_main_memory(const Noise &noise) {
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, noise.pixels.size(), nullptr);
    gst_buffer_fill(buffer, 0, noise.pixels.data(), noise.pixels.size());
    return buffer;
}

}  // namespace

TEST_CASE("a mapped surface gives the vectors bit for bit, in the layout of each JetPack") {
    const dgiqa_test::FrameVectors vectors;
    for (const int jetpack : {5, 6, 7}) {
        CAPTURE(jetpack);
        int tried = 0;
        for (const auto &one : vectors.of("conversions")) {
            CAPTURE(one.at("name").get<std::string>());
            const dgiqa_frame frame = dgiqa_test::frame_of(vectors, one);
            for (const Number &number : kNumbers) {
                if (number.format != frame.format || number.matrix != frame.matrix) continue;
                const StandInSurface wanted = surface_of(frame, number.number, jetpack);
                void *surface = stand_in_surface(&wanted);
                {
                    const GstVideoInfo info = info_of(number.caps, frame.width, frame.height);
                    const dgiqa_gst::NvmmFrame mapped(surface, stand_in_bytes(jetpack), info);
                    REQUIRE(mapped.flaw() == "");
                    CHECK(stand_in_mapped() == 1);
                    CHECK(mapped.frame().memory == DGIQA_HOST);
                    CHECK(mapped.frame().matrix == frame.matrix);
                    CHECK(mapped.frame().strides[0] % 256 == 0);
                    CHECK(dgiqa::to_bgr(mapped.frame()).pixels == vectors.bytes(one.at("bgr")));
                }
                CHECK(stand_in_mapped() == 0);
                stand_in_free(surface);
                ++tried;
            }
        }
        CHECK(tried >= 40);
    }
}

TEST_CASE("CUDA's memory is handed over where it lies") {
    const Noise noise(DGIQA_NV12, 64, 48);
    const struct {
        std::int32_t number;
        dgiqa_memory memory;
    } kinds[] = {{1, DGIQA_HOST_PINNED}, {2, DGIQA_DEVICE}, {3, DGIQA_MANAGED}, {6, DGIQA_HOST}};
    for (const auto &kind : kinds) {
        CAPTURE(kind.number);
        StandInSurface wanted = surface_of(noise.frame, 6, 7);
        wanted.memory = kind.number;
        void *surface = stand_in_surface(&wanted);
        const dgiqa_gst::NvmmFrame frame(surface, stand_in_bytes(7), info_of(GST_VIDEO_FORMAT_NV12, 64, 48));
        CHECK(frame.flaw() == "");
        CHECK(frame.frame().memory == kind.memory);
        for (int plane = 0; plane < 2; ++plane) CHECK(frame.frame().planes[plane] == stand_in_pixels(surface, plane));
        CHECK(stand_in_mapped() == 0);
        stand_in_free(surface);
    }
}

TEST_CASE("a surface that cannot be read is refused with the remedy and counted, and the stream goes on") {
    const struct {
        const char *what;
        const char *message;
        void (*spoil)(StandInSurface &);
        std::size_t bytes;
    } table[] = {
        {"no descriptor", "no NvBufSurface of JetPack 5 to 7", [](StandInSurface &) {}, 40},
        {"no pictures", "no NvBufSurface", [](StandInSurface &s) { s.has_pictures = false; }, 0},
        {"a batch", "holds 4 frames", [](StandInSurface &s) { s.batch_size = 4; }, 0},
        {"another width", "66x48 by its descriptor and 64x48 by its caps", [](StandInSurface &s) { s.width = 66; }, 0},
        {"another height", "put nvvidconv ! video/x-raw before", [](StandInSurface &s) { s.height = 1; }, 0},
        {"an unknown format", "colour format 999", [](StandInSurface &s) { s.colour_format = 999; }, 0},
        {"another format", "colour format 6 and 1 planes", [](StandInSurface &s) { s.colour_format = 6; }, 0},
        {"tiles", "put nvvidconv bl-output=false before", [](StandInSurface &s) { s.layout = 1; }, 0},
        {"short rows", "smaller than its caps say",
         [](StandInSurface &s) {
             s.planes[0].row_bytes = 100;
             s.pitch_alignment = 4;
         },
         0},
        {"fewer rows", "smaller than its caps say", [](StandInSurface &s) { s.planes[0].rows = 47; }, 0},
        {"more than there is", "smaller than its caps say", [](StandInSurface &s) { s.bytes_more = 1; }, 0},
        {"no mapping", "cannot be mapped", [](StandInSurface &) { stand_in_fails(true); }, 0},
    };
    const Noise noise(DGIQA_BGRA, 64, 48);
    for (const auto &one : table) {
        CAPTURE(one.what);
        StandInSurface wanted = surface_of(noise.frame, 24, 6);
        one.spoil(wanted);
        Pipeline pipeline(gate("mode=pass"));
        REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
        pipeline.caps(device_caps("BGRx", 64, 48));
        CHECK(pipeline.push(buffer_of(wanted, one.bytes), 0.0) == GST_FLOW_OK);
        pipeline.end();
        CHECK(pipeline.drain(true) == 1);
        CHECK(pipeline.stat("failed") == 1);
        Said said;
        pipeline.listen(said, true);
        CHECK(said.errors.empty());
        REQUIRE(said.warnings.size() == 1);
        CHECK_MESSAGE(said.warnings[0].find(one.message) != std::string::npos, said.warnings[0]);
        CHECK(stand_in_mapped() == 0);
        stand_in_fails(false);
    }
}

TEST_CASE("device memory is offered where its library is, and gives the scores of main memory") {
    GstElementFactory *factory = gst_element_factory_find("dgiqagate");
    REQUIRE(factory != nullptr);
    for (const GList *item = gst_element_factory_get_static_pad_templates(factory); item != nullptr;
         item = item->next) {
        GstCaps *caps = gst_static_pad_template_get_caps(static_cast<GstStaticPadTemplate *>(item->data));
        gchar *text = gst_caps_to_string(caps);
        CHECK(std::string(text).find(kDevice) != std::string::npos);
        g_free(text);
        gst_caps_unref(caps);
    }
    gst_object_unref(factory);
    const struct {
        const char *caps_format;
        dgiqa_pixel_format format;
        std::int32_t number;
    } kinds[] = {{"NV12", DGIQA_NV12, 6}, {"I420", DGIQA_I420, 2}, {"RGBA", DGIQA_RGBA, 19}, {"GRAY8", DGIQA_GREY, 1}};
    for (const auto &kind : kinds) {
        CAPTURE(kind.caps_format);
        const Noise noise(kind.format, 64, 48);
        const Said in_main = judged(raw_caps(kind.caps_format, 64, 48, ",colorimetry=bt601"), in_main_memory(noise));
        const Said in_device =
            judged(device_caps(kind.caps_format, 64, 48), buffer_of(surface_of(noise.frame, kind.number, 7)));
        REQUIRE(in_main.scores.size() == 1);
        REQUIRE(in_device.scores.size() == 1);
        CHECK(in_device.warnings.empty());
        CHECK(in_device.scores[0] == in_main.scores[0]);
        CHECK(stand_in_mapped() == 0);
    }
}

TEST_CASE("of an interlaced surface one field is judged") {
    Noise noise(DGIQA_GREY, 64, 48);
    for (int y = 0; y < 48; ++y) std::fill_n(noise.pixels.data() + y * 64, 64, y % 2 == 0 ? 200 : 20);
    GstBuffer *buffer = buffer_of(surface_of(noise.frame, 1, 6));
    GST_BUFFER_FLAG_SET(buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED);
    const Said said = judged(device_caps("GRAY8", 64, 48, ",interlace-mode=mixed"), buffer);
    REQUIRE(said.scores.size() == 1);
    CHECK(said.scores[0] > 0.75);  // of both fields together it would be 0.43
}

TEST_CASE("a buffer that another element holds too is marked without its descriptor being copied, and stays") {
    const Noise noise(DGIQA_RGBA, 64, 48);
    std::vector<GstBuffer *> kept;
    {
        // The other branch keeps its last buffer.
        Pipeline pipeline("tee name=both both. ! queue ! fakesink sync=false both. ! queue ! " + gate("mode=pass"));
        REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
        pipeline.caps(device_caps("RGBA", 64, 48));
        GstBuffer *buffer = buffer_of(surface_of(noise.frame, 19, 6));
        const GstMemory *memory = gst_buffer_peek_memory(buffer, 0);
        pipeline.push(buffer, 1.0);
        pipeline.end();
        REQUIRE(pipeline.drain(true, &kept) == 1);
        CHECK(gst_buffer_peek_memory(kept[0], 0) == memory);
        const GstParentBufferMeta *parent = gst_buffer_get_parent_buffer_meta(kept[0]);
        REQUIRE(parent != nullptr);
        CHECK(parent->buffer == buffer);
        CHECK(GST_BUFFER_PTS(kept[0]) == GST_SECOND);
        CHECK(pipeline.stat("scored") == 1);
    }
    CHECK(stand_in_alive() == 1);
    gst_buffer_unref(kept[0]);
    CHECK(stand_in_alive() == 0);
}

int main(int argc, char **argv) {
    gst_init(nullptr, nullptr);
    GError *error = nullptr;
    GstPlugin *plugin = gst_plugin_load_file(DGIQA_GST_PLUGIN, &error);
    if (plugin == nullptr) {
        std::printf("the plugin does not load: %s\n", error->message);
        return 1;
    }
    gst_object_unref(plugin);
    if (bundle().empty() || !std::filesystem::exists(bundle() + "/bundle.json")) {
        std::puts("skipped: no test bundle (set DGIQA_TEST_BUNDLES to what make_bundles.py wrote)");
        return kSkipped;
    }
    const int result = doctest::Context(argc, argv).run();
    gst_deinit();
    return result;
}
