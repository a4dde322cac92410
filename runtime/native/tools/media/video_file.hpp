// A video file's frames in their order, at the times of its own stamps, through the program ffmpeg. For the tools.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "frames/picture.hpp"
#include "media/program.hpp"

namespace dgiqa {

struct VideoFrame {
    Picture picture;            // BGR
    std::optional<double> t_s;  // the stream's time stamp; none where it has none
};

class VideoFile {
public:
    // Throws Error: SOURCE (no such file, no video in it), MACHINE (ffmpeg is not installed).
    explicit VideoFile(const std::string &path);

    // Interlaced frames are deinterlaced, others stay as they are. Nothing after the last frame, and where a signal
    // that this process handles came. Throws Error(DGIQA_ERROR_SOURCE): it has no frame, or one beyond the limits.
    std::optional<VideoFrame> next();

    // Frames per second as the file states them; 0 where it states none.
    double fps() const { return stated_.fps; }

    // How many frames the container states; none where it does not.
    std::optional<std::uint64_t> stated_frames() const { return stated_.frames; }

    // After the last frame: how many of the stated ones never came. Where the container states a length and no count,
    // only if the decoder complained: a video of uneven steps holds fewer frames than its rate says, and lacks none.
    std::uint64_t missing() const;

    // Whether a frame given so far was interlaced.
    bool interlaced() const { return interlaced_; }

    // What the decoder complained about first, in one line; empty: nothing.
    const std::string &complaint() const { return complaint_; }

private:
    struct Stated {
        double fps = 0.0;
        std::optional<std::uint64_t> frames;
        bool exact = false;
    };

    static Stated stated_by(const std::string &path);
    bool wait_for_size();
    void take_lines();
    void take_line(const std::string &line);

    std::string path_;
    std::string complaint_;
    Stated stated_;
    std::unique_ptr<Program> decoder_;
    std::string said_;  // what no line end has followed yet
    std::deque<std::optional<double>> times_;
    int width_ = 0;  // of the first frame; ffmpeg scales later ones to it
    int height_ = 0;
    bool interlaced_ = false;
    std::uint64_t given_ = 0;
};

}  // namespace dgiqa
