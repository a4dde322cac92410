// NVIDIA's device memory, caps memory:NVMM: a buffer's memory holds no pixels but a descriptor of them, an
// NvBufSurface.
//
// On a Jetson the pixels are a surface of the hardware. Two ways lead to them: NvBufSurfaceMap gives the processor a
// pointer, and an EGL image (NvBufSurfaceMapEglImage, then cuGraphicsEGLRegisterImage) gives CUDA one. The first is
// taken: it needs no EGL display, and what is mapped goes the way of every host frame. It holds for rows that follow
// each other; in tiles ("block linear"), as nvvidconv gives NV12 by default, a frame is refused with the remedy. CUDA's
// own memory, as DeepStream's elements give it on other machines, is handed over as it is, without a copy.
//
// Layouts and numbers are those that NVIDIA's reference of nvbufsurface.h states for Jetson Linux 35 (JetPack 5), 36
// (6) and 39 (7). No Jetson was at hand: it was tried against a stand-in of the library
// (tests/gstreamer/nvbufsurface.hpp).
#pragma once

#include <gst/video/video.h>

#include <string>

#include "dgiqa_edge.h"

namespace dgiqa_gst {

#define DGIQA_GST_NVMM "memory:NVMM"

// The library, and where it lies beside the loader's own folders.
#define DGIQA_GST_NVMM_LIBRARIES "libnvbufsurface.so.1.0.0,libnvbufsurface.so"
#define DGIQA_GST_NVMM_FOLDERS                                            \
    "/usr/lib/aarch64-linux-gnu/nvidia:/usr/lib/aarch64-linux-gnu/tegra:" \
    "/opt/nvidia/deepstream/deepstream/lib"

// Whether that of JetPack 5 or newer is here. It is loaded once and stays.
bool nvmm_here();

// One frame in device memory, mapped for as long as this lives.
class NvmmFrame {
public:
    // descriptor: what a map of the buffer gave, with its size in bytes; caps: the stream's.
    NvmmFrame(void *descriptor, std::size_t size, const GstVideoInfo &caps);
    ~NvmmFrame();
    NvmmFrame(const NvmmFrame &) = delete;
    NvmmFrame &operator=(const NvmmFrame &) = delete;

    // Why the frame cannot be used, in one line with the remedy; empty where it can.
    const std::string &flaw() const { return flaw_; }
    const dgiqa_frame &frame() const { return frame_; }

private:
    void *mapped_ = nullptr;
    std::string flaw_;
    dgiqa_frame frame_ = dgiqa_frame_default();
};

}  // namespace dgiqa_gst
