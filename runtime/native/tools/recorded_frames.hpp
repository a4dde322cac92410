// Recorded frames in their order: those of a video file, or of images.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "frames/picture.hpp"

namespace dgiqa_tool {

struct RecordedFrame {
    std::size_t index = 0;
    double t_s = 0.0;  // from the first frame
    std::string file;
    dgiqa::Picture picture;
    std::string error;  // why there is no picture; empty: there is one
};

class RecordedFrames {
public:
    virtual ~RecordedFrames() = default;
    // Nothing after the last one, and where a signal came.
    virtual std::optional<RecordedFrame> next() = 0;
    // After the last one: how many the container states that never came, and that in words; none where all came.
    virtual std::string note() const { return ""; }  // what was done to read them that is not plain decoding
    virtual std::size_t missing() const { return 0; }
    virtual std::optional<std::string> shortfall() const { return std::nullopt; }
};

// fps: frames per second; nothing: the video's own, and 25 for images and for videos that state none.
// Throws Error(DGIQA_ERROR_SOURCE): there is nothing to read.
std::unique_ptr<RecordedFrames> recorded_frames(const std::string &source, std::optional<double> fps);

}  // namespace dgiqa_tool
