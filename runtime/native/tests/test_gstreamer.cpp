// The element dgiqagate in real pipelines: verdicts, metadata, drops, errors, caps that change, memory.
#define DOCTEST_CONFIG_IMPLEMENT
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "dgiqa_edge.h"
#include "gst_pipeline.hpp"

using dgiqa_test::filled;
using dgiqa_test::Pipeline;
using dgiqa_test::raw_caps;
using dgiqa_test::Said;

namespace {

constexpr int kSkipped = 77;
// Whole frames of one value have no detail: only the score decides, at once.
constexpr const char *kPolicy = R"({"smoothing": {"method": "none"}, "start": {"readings": 1},
    "dwell": {"pass_s": 0.0, "reject_s": 0.0, "cool_down_s": 0.0}})";

std::string bundle() {
    const char *folder = std::getenv("DGIQA_TEST_BUNDLES");
    return folder == nullptr ? "" : std::string(folder) + "/fused";
}

std::string gate(const std::string &more = "") { return "dgiqagate name=gate bundle=" + bundle() + " " + more; }

double resident_mib() {
    std::ifstream file("/proc/self/statm");
    double pages = 0;
    file >> pages >> pages;
    return pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576.0;
}

// A file that goes with the test.
class PolicyFile {
public:
    explicit PolicyFile(const std::string &text) {
        std::string name = (std::filesystem::temp_directory_path() / "dgiqa-policy-XXXXXX").string();
        const int file = mkstemp(name.data());
        REQUIRE(file >= 0);
        close(file);
        path_ = name;
        std::ofstream(path_) << text;
    }
    ~PolicyFile() { std::filesystem::remove(path_); }
    PolicyFile(const PolicyFile &) = delete;
    PolicyFile &operator=(const PolicyFile &) = delete;
    const std::string &path() const { return path_; }

private:
    std::string path_;
};

// The score that the C API gives to a frame of one value.
double score_of(const std::string &caps, int value, const dgiqa_frame &shape) {
    GstBuffer *buffer = filled(caps, value);
    GstMapInfo map;
    REQUIRE(gst_buffer_map(buffer, &map, GST_MAP_READ));
    dgiqa_frame frame = shape;
    frame.planes[0] = map.data;
    const auto luma = static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.height);
    frame.planes[1] = map.data + luma;
    frame.planes[2] = map.data + luma + luma / 4;
    const std::string folder = bundle();
    dgiqa_scorer_params params = dgiqa_scorer_default_params();
    params.bundle = folder.c_str();
    dgiqa_scorer *scorer = nullptr;
    REQUIRE_MESSAGE(dgiqa_scorer_create(&params, &scorer) == DGIQA_OK, dgiqa_last_error());
    dgiqa_quality quality{};
    CHECK_MESSAGE(dgiqa_scorer_score(scorer, &frame, &quality) == DGIQA_OK, dgiqa_last_error());
    const double score = static_cast<double>(quality.score);
    dgiqa_scorer_free(scorer);
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
    return score;
}

}  // namespace

TEST_CASE("a bundle that is missing, damaged or not given stops the pipeline with a clear error") {
    struct Refused {
        std::string element;
        const char *message;
    };
    const Refused table[] = {
        {"dgiqagate name=gate", "bundle is not set"},
        {"dgiqagate name=gate bundle=/nowhere/at/all", "/nowhere/at/all"},
        {gate("policy=/nowhere/policy.json"), "/nowhere/policy.json"},
        {gate("backend=abacus"), "abacus"},
    };
    for (const Refused &one : table) {
        CAPTURE(one.element);
        Pipeline pipeline(one.element);
        CHECK(pipeline.play() == GST_STATE_CHANGE_FAILURE);
        Said said;
        pipeline.listen(said);
        REQUIRE(said.errors.size() == 1);
        CHECK(said.errors[0].find(one.message) != std::string::npos);
    }
}

TEST_CASE("every format and matrix reaches the scorer as the C API would be given it") {
    struct Kind {
        const char *caps_format;
        const char *colorimetry;
        dgiqa_pixel_format format;
        dgiqa_colour_matrix matrix;
    };
    const Kind kinds[] = {
        {"BGR", "", DGIQA_BGR, DGIQA_BT601_LIMITED},
        {"RGB", "", DGIQA_RGB, DGIQA_BT601_LIMITED},
        {"BGRx", "", DGIQA_BGRA, DGIQA_BT601_LIMITED},
        {"RGBA", "", DGIQA_RGBA, DGIQA_BT601_LIMITED},
        {"GRAY8", "", DGIQA_GREY, DGIQA_BT601_LIMITED},
        {"NV12", ",colorimetry=bt601", DGIQA_NV12, DGIQA_BT601_LIMITED},
        {"NV12", ",colorimetry=bt709", DGIQA_NV12, DGIQA_BT709_LIMITED},
        {"NV12", ",colorimetry=1:4:0:0", DGIQA_NV12, DGIQA_BT601_FULL},
        {"I420", ",colorimetry=1:3:5:1", DGIQA_I420, DGIQA_BT709_FULL},
        {"YUY2", ",colorimetry=bt601", DGIQA_YUYV, DGIQA_BT601_LIMITED},
    };
    for (const Kind &kind : kinds) {
        CAPTURE(kind.caps_format);
        CAPTURE(kind.colorimetry);
        const std::string caps = raw_caps(kind.caps_format, 64, 48, kind.colorimetry);
        dgiqa_frame shape = dgiqa_frame_default();
        shape.width = 64;
        shape.height = 48;
        shape.format = kind.format;
        shape.matrix = kind.matrix;
        Pipeline pipeline(gate("mode=pass"));
        REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
        pipeline.caps(caps);
        CHECK(pipeline.push(filled(caps, 90), 0.0) == GST_FLOW_OK);
        pipeline.end();
        CHECK(pipeline.drain(true) == 1);
        Said said;
        pipeline.listen(said, true);
        REQUIRE(said.scores.size() == 1);
        CHECK(said.scores[0] == doctest::Approx(score_of(caps, 90, shape)).epsilon(1e-6));
    }
}

TEST_CASE("mode drop keeps what is not pass, mode pass marks it, mode message-only leaves it alone") {
    const PolicyFile policy(kPolicy);
    const std::string caps = raw_caps("BGR", 64, 48);
    for (const std::string mode : {"drop", "pass", "message-only"}) {
        CAPTURE(mode);
        Pipeline pipeline(gate("policy=" + policy.path() + " mode=" + mode));
        REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
        pipeline.caps(caps);
        for (int i = 0; i < 8; ++i) pipeline.push(filled(caps, i < 4 ? 1 : 2), i / 25.0);
        pipeline.end();
        std::vector<GstBuffer *> kept;
        const int arrived = pipeline.drain(true, &kept);
        CHECK(static_cast<std::uint64_t>(arrived) == pipeline.stat("passed"));
        CHECK(pipeline.stat("dropped") == (mode == "drop" ? 8 - pipeline.stat("verdicts-pass") : 0));
        CHECK(pipeline.stat("verdicts-reject") > 0);
        for (GstBuffer *buffer : kept) {
#if GST_CHECK_VERSION(1, 20, 0)
            GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "DgiqaQualityMeta");
            CHECK((meta != nullptr) == (mode != "message-only"));
            if (meta != nullptr) {
                double score = -1;
                CHECK(gst_structure_get_double(gst_custom_meta_get_structure(meta), "score", &score));
                CHECK(score < 0.01);
                CHECK(gst_structure_get_string(gst_custom_meta_get_structure(meta), "state") != nullptr);
            }
#endif
            gst_buffer_unref(buffer);
        }
    }
}

TEST_CASE("a buffer that another element holds too is neither changed nor copied") {
    const std::string caps = raw_caps("BGR", 64, 48);
    Pipeline pipeline(gate("mode=pass"));
    REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
    pipeline.caps(caps);
    GstBuffer *mine = filled(caps, 120);
    GST_BUFFER_PTS(mine) = 0;
    pipeline.push(gst_buffer_ref(mine), 0.0);
    pipeline.end();
    std::vector<GstBuffer *> kept;
    REQUIRE(pipeline.drain(true, &kept) == 1);
    CHECK(kept[0] != mine);
    CHECK(gst_buffer_peek_memory(kept[0], 0) == gst_buffer_peek_memory(mine, 0));
#if GST_CHECK_VERSION(1, 20, 0)
    CHECK(gst_buffer_get_custom_meta(mine, "DgiqaQualityMeta") == nullptr);
#endif
    gst_buffer_unref(kept[0]);
    gst_buffer_unref(mine);
}

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

TEST_CASE("10,000 buffers with random caps: every one is accounted for, and memory does not grow") {
    constexpr int kBuffers = 10000;
    constexpr int kEvery = 3;
    // Growth from here on is not start-up: each size and format has been seen many times.
    constexpr int kSettled = 3000;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    constexpr double kMostGrowthMib = 512;  // they keep what is freed for a while; the leak checker counts there
#else
    constexpr double kMostGrowthMib = 24;
#endif
    const PolicyFile policy(kPolicy);
    const char *const formats[] = {"BGR", "RGB", "BGRx", "BGRA", "RGBx", "RGBA", "GRAY8", "NV12", "I420", "YUY2"};
    std::mt19937 random(11);
    const auto below = [&random](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
    Pipeline pipeline(gate("policy=" + policy.path() + " every=" + std::to_string(kEvery)));
    REQUIRE(pipeline.play() != GST_STATE_CHANGE_FAILURE);
    Said said;
    std::string caps;
    int arrived = 0, changes = 0;
    double settled_mib = 0;
    for (int i = 0; i < kBuffers; ++i) {
        if (i == 0 || below(10) == 0) {
            const std::string before = caps;
            caps = raw_caps(formats[below(10)], 16 + 2 * below(40), 16 + 2 * below(40));
            changes += i > 0 && caps != before ? 1 : 0;
            if (caps != before) pipeline.caps(caps);
        }
        REQUIRE(pipeline.push(filled(caps, below(256)), i / 25.0) == GST_FLOW_OK);
        arrived += pipeline.drain(false);
        if (i % 500 == 0)  // flat frames seldom pass, so every other stretch lets all through
            gst_util_set_object_arg(G_OBJECT(pipeline.gate()), "mode", i % 1000 == 0 ? "drop" : "pass");
        if (i % 100 == 0) pipeline.listen(said);
        if (i == kSettled) settled_mib = resident_mib();
    }
    pipeline.end();
    arrived += pipeline.drain(true);
    pipeline.listen(said, true);
    const double growth_mib = resident_mib() - settled_mib;
    MESSAGE("caps changes: ", changes, ", passed: ", arrived, ", growth: ", growth_mib, " MiB");
    CHECK(said.ended);
    CHECK(said.errors.empty());
    CHECK(said.warnings.empty());
    CHECK(changes > 800);
    CHECK(arrived > kBuffers / 4);
    CHECK(pipeline.stat("caps-changes") == static_cast<std::uint64_t>(changes));
    CHECK(pipeline.stat("buffers") == kBuffers);
    CHECK(pipeline.stat("scored") == (kBuffers + kEvery - 1) / kEvery);
    CHECK(pipeline.stat("failed") == 0);
    CHECK(pipeline.stat("scored") + pipeline.stat("skipped") == kBuffers);
    CHECK(pipeline.stat("passed") == static_cast<std::uint64_t>(arrived));
    CHECK(pipeline.stat("passed") + pipeline.stat("dropped") == kBuffers);
    CHECK(pipeline.stat("verdicts-pass") + pipeline.stat("verdicts-reject") + pipeline.stat("verdicts-unknown") ==
          pipeline.stat("scored"));
    CHECK(static_cast<std::uint64_t>(said.elements["dgiqa-verdict"]) == pipeline.stat("scored"));
    CHECK(said.elements["dgiqa-stats"] == 1);
    CHECK(growth_mib < kMostGrowthMib);
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
