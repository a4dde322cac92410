// A video file's frames in their order, through GStreamer. For the tools; built where GStreamer is found.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "picture.hpp"

namespace dgiqa {

class VideoFile {
public:
    // Throws Error: SOURCE (missing, damaged, no decoder), MACHINE (a GStreamer plugin is missing).
    explicit VideoFile(const std::string &path);
    ~VideoFile();
    VideoFile(const VideoFile &) = delete;
    VideoFile &operator=(const VideoFile &) = delete;

    // BGR; nothing after the last frame. Throws Error(DGIQA_ERROR_SOURCE) where decoding fails midway.
    std::optional<Picture> next();

    // Frames per second as the file states them, after the first frame; 0 where it states none.
    double fps() const;

private:
    struct Pipeline;
    std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace dgiqa
