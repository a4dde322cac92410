#include "recorded_frames.hpp"

#include <filesystem>
#include <vector>

#include "errors.hpp"
#include "media/image_file.hpp"
#include "media/video_file.hpp"

namespace dgiqa_tool {
namespace {

constexpr double kDefaultFps = 25.0;

class ImageFrames : public RecordedFrames {
public:
    ImageFrames(const std::string &source, double fps)
        : source_(source), files_(dgiqa::expand_images({source})), fps_(fps) {}

    std::string note() const override { return dgiqa::left_out({source_}); }

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
    std::string source_;
    std::vector<std::string> files_;
    double fps_;
    std::size_t index_ = 0;
};

class VideoFrames : public RecordedFrames {
public:
    VideoFrames(const std::string &source, std::optional<double> fps)
        : path_(source), video_(source), fps_(fps), step_s_(1.0 / (video_.fps() > 0 ? video_.fps() : kDefaultFps)) {}

    std::optional<RecordedFrame> next() override {
        std::optional<dgiqa::VideoFrame> frame = video_.next();
        if (!frame) return std::nullopt;
        RecordedFrame recorded{index_, time_of(*frame), path_, std::move(frame->picture), {}};
        ++index_;
        return recorded;
    }

    std::optional<std::string> shortfall() const override {
        const std::uint64_t missing = video_.missing();
        if (missing == 0) return std::nullopt;
        return path_ + " holds " + std::to_string(*video_.stated_frames()) + " frames by its container, " +
               std::to_string(missing) + " of them could not be decoded" +
               (video_.complaint().empty() ? "" : " (" + video_.complaint() + ")") + ": copy the file again";
    }

    std::string note() const override {
        return video_.interlaced() ? path_ + ": interlaced, deinterlaced by ffmpeg (yadif)" : "";
    }

    std::size_t missing() const override { return static_cast<std::size_t>(video_.missing()); }

private:
    // By the number where the user states a rate, else by the stream's stamp; a frame without one, or with one that
    // goes back, comes a step after the last.
    double time_of(const dgiqa::VideoFrame &frame) {
        if (fps_) return static_cast<double>(index_) / *fps_;
        if (index_ == 0) first_s_ = frame.t_s.value_or(0.0);
        const double stamp_s = frame.t_s ? *frame.t_s - first_s_ : last_s_ + step_s_;
        if (index_ > 0) last_s_ = stamp_s > last_s_ ? stamp_s : last_s_ + step_s_;
        return last_s_;
    }

    std::string path_;
    dgiqa::VideoFile video_;
    std::optional<double> fps_;
    double step_s_;
    double first_s_ = 0.0, last_s_ = 0.0;
    std::size_t index_ = 0;
};

}  // namespace

std::unique_ptr<RecordedFrames> recorded_frames(const std::string &source, std::optional<double> fps) {
    std::error_code code;
    if (!std::filesystem::exists(source, code))
        throw dgiqa::Error(DGIQA_ERROR_SOURCE, source + " is no video, image or directory of images: check the name");
    if (std::filesystem::is_directory(source, code) || dgiqa::is_image_name(source))
        return std::make_unique<ImageFrames>(source, fps.value_or(kDefaultFps));
    return std::make_unique<VideoFrames>(source, fps);
}

}  // namespace dgiqa_tool
