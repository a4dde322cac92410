#include "recorded_frames.hpp"

#include <filesystem>
#include <vector>

#include "errors.hpp"
#include "media/image_file.hpp"
#if defined(DGIQA_WITH_GSTREAMER)
#include "media/video_file.hpp"
#endif

namespace dgiqa_tool {
namespace {

constexpr double kDefaultFps = 25.0;

class ImageFrames : public RecordedFrames {
public:
    ImageFrames(const std::string &source, double fps) : files_(dgiqa::expand_images({source})), fps_(fps) {}

    std::optional<RecordedFrame> next() override {
        if (index_ == files_.size()) return std::nullopt;
        RecordedFrame frame{index_, static_cast<double>(index_) / fps_, files_[index_], {}, {}};
        ++index_;
        try {
            frame.picture = dgiqa::read_image(frame.file);
        } catch (const dgiqa::Error &error) {
            frame.error = error.what();
        }
        return frame;
    }

private:
    std::vector<std::string> files_;
    double fps_;
    std::size_t index_ = 0;
};

#if defined(DGIQA_WITH_GSTREAMER)
class VideoFrames : public RecordedFrames {
public:
    VideoFrames(const std::string &source, std::optional<double> fps) : path_(source), video_(source), fps_(fps) {}

    std::optional<RecordedFrame> next() override {
        std::optional<dgiqa::Picture> picture = video_.next();
        if (!picture && index_ == 0)
            throw dgiqa::Error(DGIQA_ERROR_SOURCE, path_ + " gives no frame: it is damaged, empty, or has no video");
        if (!picture) return std::nullopt;
        const double fps = fps_.value_or(video_.fps() > 0 ? video_.fps() : kDefaultFps);
        RecordedFrame frame{index_, static_cast<double>(index_) / fps, path_, std::move(*picture), {}};
        ++index_;
        return frame;
    }

private:
    std::string path_;
    dgiqa::VideoFile video_;
    std::optional<double> fps_;
    std::size_t index_ = 0;
};
#endif

}  // namespace

std::unique_ptr<RecordedFrames> recorded_frames(const std::string &source, std::optional<double> fps) {
    std::error_code code;
    if (!std::filesystem::exists(source, code))
        throw dgiqa::Error(DGIQA_ERROR_SOURCE, source + " is no video, image or directory of images: check the name");
    if (std::filesystem::is_directory(source, code) || dgiqa::is_image_name(source))
        return std::make_unique<ImageFrames>(source, fps.value_or(kDefaultFps));
#if defined(DGIQA_WITH_GSTREAMER)
    return std::make_unique<VideoFrames>(source, fps);
#else
    throw dgiqa::Error(DGIQA_ERROR_MACHINE,
                       "videos are read through GStreamer, which this build lacks: install "
                       "libgstreamer-plugins-base1.0-dev and build again, or give images");
#endif
}

}  // namespace dgiqa_tool
