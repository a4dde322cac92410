// The GPU implementation of pixel conversion and resizing: from planes in host, pinned, managed or device memory to BGR
// in device memory. A frame in device memory never visits the host. Built where nvcc is found (DGIQA_WITH_CUDA).
#pragma once

#include <cstdint>
#include <memory>

#include "dgiqa_edge.h"
#include "frames/picture.hpp"

namespace dgiqa {

// Why the kernels cannot run here, in one line; empty where they can.
const char *kernels_flaw();

// Keeps its buffers from frame to frame; one object serves one thread and one stream at a time.
class DeviceFitter {
public:
    DeviceFitter();
    ~DeviceFitter();
    DeviceFitter(const DeviceFitter &) = delete;
    DeviceFitter &operator=(const DeviceFitter &) = delete;

    // Queues on the stream (a cudaStream_t; NULL: the default one) what brings the frame to height x width BGR in
    // device memory, rows without gaps. Planes in host or pinned memory must stay until the stream has done it.
    // Throws Error: SOURCE as to_bgr and fitted do, MACHINE where CUDA fails.
    void fit(const dgiqa_frame &frame, int height, int width, dgiqa_fit fit, std::uint8_t *bgr, void *stream);

private:
    struct Buffers;
    std::unique_ptr<Buffers> buffers_;
};

// The frame at its own size, in host memory. Throws Error as DeviceFitter::fit does.
Picture picture_from_device(const dgiqa_frame &frame);

// The frame at height x width, computed by the kernels, in host memory. Throws Error as DeviceFitter::fit does.
Picture fitted_by_kernels(const dgiqa_frame &frame, int height, int width, dgiqa_fit fit = DGIQA_FIT_STRETCH);

}  // namespace dgiqa
