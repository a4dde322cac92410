// A pipeline appsrc ! dgiqagate ! appsink for tests: pushes frames, counts what comes out and what is said on the bus.
#pragma once

#include <doctest/doctest.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace dgiqa_test {

// The bundle of make_bundles.py; empty where it did not run.
inline std::string bundle() {
    const char *folder = std::getenv("DGIQA_TEST_BUNDLES");
    return folder == nullptr ? "" : std::string(folder) + "/fused";
}

// The element's description.
inline std::string gate(const std::string &more = "") { return "dgiqagate name=gate bundle=" + bundle() + " " + more; }

struct Said {
    std::map<std::string, int> elements;  // element messages by their name
    std::vector<std::string> errors, warnings;
    bool ended = false;
    std::map<std::string, std::string> last_verdict;
    std::vector<double> scores, times;
};

class Pipeline {
public:
    // description: of the element and what else stands between source and sink
    explicit Pipeline(const std::string &description) {
        const std::string text = "appsrc name=source format=time block=true max-bytes=4000000 ! " + description +
                                 " ! appsink name=sink sync=false emit-signals=false";
        GError *error = nullptr;
        whole_ = gst_parse_launch(text.c_str(), &error);
        REQUIRE_MESSAGE(error == nullptr, (error ? error->message : ""));
        source_ = gst_bin_get_by_name(GST_BIN(whole_), "source");
        sink_ = gst_bin_get_by_name(GST_BIN(whole_), "sink");
        gate_ = gst_bin_get_by_name(GST_BIN(whole_), "gate");
    }
    ~Pipeline() {
        gst_element_set_state(whole_, GST_STATE_NULL);
        for (GstElement *element : {source_, sink_, gate_, whole_})
            if (element != nullptr) gst_object_unref(element);
    }
    Pipeline(const Pipeline &) = delete;
    Pipeline &operator=(const Pipeline &) = delete;

    GstElement *gate() const { return gate_; }
    GstStateChangeReturn play() { return gst_element_set_state(whole_, GST_STATE_PLAYING); }

    void caps(const std::string &text) {
        GstCaps *caps = gst_caps_from_string(text.c_str());
        REQUIRE(caps != nullptr);
        gst_app_src_set_caps(GST_APP_SRC(source_), caps);
        gst_caps_unref(caps);
    }

    // A time below 0: none.
    GstFlowReturn push(GstBuffer *buffer, double t_s) {
        GST_BUFFER_PTS(buffer) = t_s < 0 ? GST_CLOCK_TIME_NONE : static_cast<GstClockTime>(t_s * GST_SECOND);
        return gst_app_src_push_buffer(GST_APP_SRC(source_), buffer);
    }

    // What has arrived by now; keeps none. wait: for the end of the stream.
    int drain(bool wait, std::vector<GstBuffer *> *kept = nullptr) {
        int count = 0;
        while (GstSample *sample =
                   gst_app_sink_try_pull_sample(GST_APP_SINK(sink_), wait ? 10 * GST_SECOND : GstClockTime(0))) {
            if (kept != nullptr) kept->push_back(gst_buffer_ref(gst_sample_get_buffer(sample)));
            gst_sample_unref(sample);
            ++count;
        }
        return count;
    }

    void end() { gst_app_src_end_of_stream(GST_APP_SRC(source_)); }

    // What was said by now, or up to the end of the stream.
    void listen(Said &said, bool to_the_end = false) {
        GstBus *bus = gst_element_get_bus(whole_);
        while (GstMessage *message =
                   to_the_end && !said.ended ? gst_bus_timed_pop(bus, 10 * GST_SECOND) : gst_bus_pop(bus)) {
            take(message, said);
            gst_message_unref(message);
        }
        gst_object_unref(bus);
    }

    std::uint64_t stat(const char *name) const {
        GstStructure *stats = nullptr;
        g_object_get(gate_, "stats", &stats, nullptr);
        REQUIRE(stats != nullptr);
        guint64 value = 0;
        const bool there = gst_structure_get_uint64(stats, name, &value);
        gst_structure_free(stats);
        CHECK_MESSAGE(there, name);
        return value;
    }

private:
    static std::string text_of(GError *error) {
        const std::string text = error->message;
        g_error_free(error);
        return text;
    }
    static void take(GstMessage *message, Said &said) {
        GError *error = nullptr;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
            gst_message_parse_error(message, &error, nullptr);
            said.errors.push_back(text_of(error));
        } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
            gst_message_parse_warning(message, &error, nullptr);
            said.warnings.push_back(text_of(error));
        } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
            said.ended = true;
        } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT) {
            const GstStructure *structure = gst_message_get_structure(message);
            ++said.elements[gst_structure_get_name(structure)];
            double score = 0, t_s = 0;
            if (gst_structure_get_double(structure, "t", &t_s)) said.times.push_back(t_s);
            if (gst_structure_get_double(structure, "score", &score)) said.scores.push_back(score);
        }
    }

    GstElement *whole_ = nullptr, *source_ = nullptr, *sink_ = nullptr, *gate_ = nullptr;
};

inline std::string raw_caps(const char *format, int width, int height, const char *more = "") {
    return std::string("video/x-raw,framerate=25/1,format=") + format + ",width=" + std::to_string(width) +
           ",height=" + std::to_string(height) + more;
}

// A buffer of the size that the caps ask for, filled with one value.
inline GstBuffer *filled(const std::string &caps_text, int value) {
    GstCaps *caps = gst_caps_from_string(caps_text.c_str());
    GstVideoInfo info;
    REQUIRE(gst_video_info_from_caps(&info, caps));
    gst_caps_unref(caps);
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
    gst_buffer_memset(buffer, 0, static_cast<guint8>(value), GST_VIDEO_INFO_SIZE(&info));
    return buffer;
}

}  // namespace dgiqa_test
