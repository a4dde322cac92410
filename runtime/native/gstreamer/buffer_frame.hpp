// The picture of one buffer as the library takes it, in main memory or in NVIDIA's, for as long as this lives.
#pragma once

#include <gst/video/video.h>

#include <memory>
#include <string>

#include "dgiqa_edge.h"
#include "nvmm.hpp"

namespace dgiqa_gst {

class BufferFrame {
public:
    // caps: the stream's; in_device: they say memory:NVMM.
    BufferFrame(GstBuffer *buffer, const GstVideoInfo &caps, bool in_device);
    ~BufferFrame();
    BufferFrame(const BufferFrame &) = delete;
    BufferFrame &operator=(const BufferFrame &) = delete;

    // Why the buffer cannot be used, in one line; empty where it can.
    const std::string &flaw() const { return flaw_; }

    // Of an interlaced frame its upper field, at half the height: woven together, two moments look sharp and noisy
    // where something moves.
    const dgiqa_frame &frame() const { return frame_; }

private:
    void map_main_memory(GstBuffer *buffer, const GstVideoInfo &caps);
    void map_device_memory(GstBuffer *buffer, const GstVideoInfo &caps);

    std::string flaw_;
    dgiqa_frame frame_ = dgiqa_frame_default();
    GstVideoFrame mapped_{};
    GstMemory *memory_ = nullptr;
    GstMapInfo descriptor_ = GST_MAP_INFO_INIT;
    std::unique_ptr<NvmmFrame> device_;
};

}  // namespace dgiqa_gst
