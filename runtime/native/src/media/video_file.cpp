#include "media/video_file.hpp"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <algorithm>
#include <filesystem>

#include "errors.hpp"

namespace dgiqa {
namespace {

template <typename Object>
struct Unref {
    void operator()(Object *object) const { gst_object_unref(object); }
};

std::string file_uri(const std::string &path) {
    std::error_code code;
    if (!std::filesystem::is_regular_file(path, code))
        throw Error(DGIQA_ERROR_SOURCE, path + " is no regular file: check the name");
    GError *error = nullptr;
    gchar *uri = gst_filename_to_uri(path.c_str(), &error);
    if (uri == nullptr) {
        const std::string reason = error->message;
        g_error_free(error);
        throw Error(DGIQA_ERROR_SOURCE, path + " has no address for GStreamer: " + reason);
    }
    const std::string text = uri;
    g_free(uri);
    return text;
}

}  // namespace

struct VideoFile::Pipeline {
    std::string path;
    std::unique_ptr<GstElement, Unref<GstElement>> whole, source, sink;
    double fps = 0.0;

    ~Pipeline() {
        if (whole) gst_element_set_state(whole.get(), GST_STATE_NULL);
    }

    // The failure on the bus as one line; empty where there is none.
    std::string failure() {
        GstBus *bus = gst_element_get_bus(whole.get());
        GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
        gst_object_unref(bus);
        if (message == nullptr) return "";
        GError *error = nullptr;
        gst_message_parse_error(message, &error, nullptr);
        std::string text = error->message;
        std::replace(text.begin(), text.end(), '\n', ' ');
        g_error_free(error);
        gst_message_unref(message);
        return text;
    }
};

VideoFile::VideoFile(const std::string &path) : pipeline_(new Pipeline) {
    gst_init(nullptr, nullptr);
    const std::string uri = file_uri(path);
    pipeline_->path = path;
    GError *error = nullptr;
    pipeline_->whole.reset(
        gst_parse_launch("uridecodebin name=source ! videoconvert ! video/x-raw,format=BGR ! "
                         "appsink name=sink sync=false max-buffers=4",
                         &error));
    if (error != nullptr) {
        const std::string reason = error->message;
        g_error_free(error);
        throw Error(DGIQA_ERROR_MACHINE, "videos cannot be read: " + reason + "; install gstreamer1.0-plugins-base");
    }
    pipeline_->source.reset(gst_bin_get_by_name(GST_BIN(pipeline_->whole.get()), "source"));
    pipeline_->sink.reset(gst_bin_get_by_name(GST_BIN(pipeline_->whole.get()), "sink"));
    g_object_set(pipeline_->source.get(), "uri", uri.c_str(), nullptr);
    gst_element_set_state(pipeline_->whole.get(), GST_STATE_PLAYING);
}

VideoFile::~VideoFile() = default;

std::optional<Picture> VideoFile::next() {
    GstSample *sample = nullptr;
    // In steps, because a failed pipeline sends no end to its sink.
    while (sample == nullptr) {
        sample = gst_app_sink_try_pull_sample(GST_APP_SINK(pipeline_->sink.get()), 100 * GST_MSECOND);
        if (sample != nullptr) break;
        const std::string failure = pipeline_->failure();
        if (!failure.empty()) throw Error(DGIQA_ERROR_SOURCE, pipeline_->path + " cannot be decoded: " + failure);
        if (gst_app_sink_is_eos(GST_APP_SINK(pipeline_->sink.get()))) return std::nullopt;
    }
    const std::unique_ptr<GstSample, void (*)(GstSample *)> keeps(sample, [](GstSample *s) { gst_sample_unref(s); });
    GstVideoInfo info;
    GstVideoFrame frame;
    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
        !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
        throw Error(DGIQA_ERROR_SOURCE, pipeline_->path + " gives a frame that cannot be mapped");
    if (info.fps_n > 0 && info.fps_d > 0) pipeline_->fps = static_cast<double>(info.fps_n) / info.fps_d;
    Picture picture(GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_WIDTH(&frame), 3);
    const auto *pixels = static_cast<const std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0));
    const auto stride = static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0));
    for (int y = 0; y < picture.height; ++y)
        std::copy_n(pixels + static_cast<std::size_t>(y) * stride, static_cast<std::size_t>(picture.width) * 3,
                    picture.row(y));
    gst_video_frame_unmap(&frame);
    return picture;
}

double VideoFile::fps() const { return pipeline_->fps; }

}  // namespace dgiqa
