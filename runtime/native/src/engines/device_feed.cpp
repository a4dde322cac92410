#include "engines/device_feed.hpp"

#include <algorithm>

#if defined(DGIQA_WITH_CUDA)
#include "frames/kernels.hpp"
#endif

namespace dgiqa {

#if defined(DGIQA_WITH_CUDA)

DeviceFeed::DeviceFeed(const std::vector<std::unique_ptr<Engine>> &engines) {
    for (const auto &engine : engines) {
        const auto &inputs = engine->inputs();
        const bool wants_frame =
            std::any_of(inputs.begin(), inputs.end(), [](const TensorSpec &spec) { return spec.name == "frame"; });
        if (!wants_frame) continue;
        const DeviceInput input = engine->device_input("frame");
        if (input.memory == nullptr) {
            targets_.clear();
            return;
        }
        targets_.push_back({input, std::make_unique<DeviceFitter>()});
    }
}

bool DeviceFeed::takes(const dgiqa_frame &frame) const { return frame.memory != DGIQA_HOST && !targets_.empty(); }

void DeviceFeed::feed(const dgiqa_frame &frame, int height, int width, dgiqa_fit fit) {
    for (Target &target : targets_)
        target.fitter->fit(frame, height, width, fit, target.input.memory, target.input.stream);
}

#else

class DeviceFitter {};

DeviceFeed::DeviceFeed(const std::vector<std::unique_ptr<Engine>> &) {}

bool DeviceFeed::takes(const dgiqa_frame &) const { return false; }

void DeviceFeed::feed(const dgiqa_frame &, int, int, dgiqa_fit) {}

#endif

DeviceFeed::~DeviceFeed() = default;

}  // namespace dgiqa
