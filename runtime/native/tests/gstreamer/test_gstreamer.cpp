// The element dgiqagate in real pipelines: verdicts, metadata, drops, errors, caps that change, memory. Frames that it
// cannot use are in test_unusable_frames.cpp.
#define DOCTEST_CONFIG_IMPLEMENT
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "dgiqa_edge.h"
#include "gst_pipeline.hpp"

using dgiqa_test::bundle;
using dgiqa_test::filled;
using dgiqa_test::gate;
using dgiqa_test::Pipeline;
using dgiqa_test::raw_caps;
using dgiqa_test::Said;

namespace {

constexpr int kSkipped = 77;
// Whole frames of one value have no detail: only the score decides, at once.
constexpr const char *kPolicy = R"({"smoothing": {"method": "none"}, "start": {"readings": 1},
    "dwell": {"pass_s": 0.0, "reject_s": 0.0, "cool_down_s": 0.0}})";

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

TEST_CASE("device memory is not offered where NVIDIA's library is not, as test_nvmm.cpp has it offered where it is") {
    if (dlopen("libnvbufsurface.so.1.0.0", RTLD_LAZY) != nullptr) return;  // a Jetson
    GstElement *element = gst_element_factory_make("dgiqagate", nullptr);
    for (const char *name : {"sink", "src"}) {
        GstPad *pad = gst_element_get_static_pad(element, name);
        GstCaps *caps = gst_pad_query_caps(pad, nullptr);
        CHECK(gst_caps_get_size(caps) == 1);
        CHECK(gst_caps_features_is_equal(gst_caps_get_features(caps, 0), GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY));
        gst_caps_unref(caps);
        gst_object_unref(pad);
    }
    gst_object_unref(element);
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
    Pipeline pipeline(gate("mode=pass fit=pad"));
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
