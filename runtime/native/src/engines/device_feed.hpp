// Frames that are on a GPU, or on their way to one, into the engines' input without a copy on the host.
#pragma once

#include <memory>
#include <vector>

#include "dgiqa_edge.h"
#include "engines/engine.hpp"

namespace dgiqa {

class DeviceFitter;

// Belongs to the engines of one scorer, which outlive it.
class DeviceFeed {
public:
    explicit DeviceFeed(const std::vector<std::unique_ptr<Engine>> &engines);
    ~DeviceFeed();

    // Whether the frame can go this way: it is not in ordinary host memory, and every engine that takes a frame takes it
    // on the device. Always false in a build without CUDA.
    bool takes(const dgiqa_frame &frame) const;

    // Queues the frame's conversion, and its way to height x width, into each engine's input.
    // Throws Error: SOURCE (a frame that cannot be used), MACHINE (CUDA fails).
    void feed(const dgiqa_frame &frame, int height, int width, dgiqa_fit fit);

private:
    struct Target {
        DeviceInput input;
        std::unique_ptr<DeviceFitter> fitter;
    };
    std::vector<Target> targets_;
};

}  // namespace dgiqa
