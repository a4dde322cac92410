// Which frames go to the engines on the device: decided without a GPU. What the kernels then write is test_kernels'
// part.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "engines/device_feed.hpp"

namespace {

class FakeEngine : public dgiqa::Engine {
public:
    FakeEngine(const std::vector<std::string> &names, std::uint8_t *memory) : memory_(memory) {
        for (const std::string &name : names) inputs_.push_back({name, "uint8", {1, 4, 4, 3}});
    }
    const std::vector<dgiqa::TensorSpec> &inputs() const override { return inputs_; }
    const std::vector<dgiqa::TensorSpec> &outputs() const override { return outputs_; }
    dgiqa::DeviceInput device_input(const std::string &) override { return {memory_, nullptr}; }
    void run(const dgiqa::Inputs &, const dgiqa::Outputs &) override {}
    dgiqa::Json describe() const override { return {}; }

private:
    std::uint8_t *memory_;
    std::vector<dgiqa::TensorSpec> inputs_, outputs_;
};

dgiqa_frame frame_in(dgiqa_memory memory) {
    dgiqa_frame frame{};
    frame.memory = memory;
    return frame;
}

#if defined(DGIQA_WITH_CUDA)
constexpr bool kCuda = true;
#else
constexpr bool kCuda = false;
#endif

}  // namespace

TEST_CASE("frames take the way on the device where every engine that wants them is there") {
    std::uint8_t memory[1];  // never touched
    struct Row {
        const char *what;
        std::vector<std::pair<std::vector<std::string>, std::uint8_t *>> engines;
        bool takes;
    };
    const std::vector<Row> rows = {
        {"fused on a GPU", {{{"frame"}, memory}}, true},
        {"fused on the CPU", {{{"frame"}, nullptr}}, false},
        {"split on a GPU", {{{"frame"}, memory}, {{"frame", "depth"}, memory}}, true},
        {"split over both", {{{"frame"}, memory}, {{"frame", "depth"}, nullptr}}, false},
        {"the second needs no frame", {{{"frame"}, memory}, {{"depth"}, nullptr}}, true},
        {"nobody takes a frame", {{{"depth"}, memory}}, false},
    };
    for (const Row &row : rows) {
        CAPTURE(row.what);
        std::vector<std::unique_ptr<dgiqa::Engine>> engines;
        for (const auto &[names, at] : row.engines) engines.push_back(std::make_unique<FakeEngine>(names, at));
        const dgiqa::DeviceFeed feed(engines);
        CHECK_FALSE(feed.takes(frame_in(DGIQA_HOST)));
        for (const dgiqa_memory elsewhere : {DGIQA_HOST_PINNED, DGIQA_MANAGED, DGIQA_DEVICE})
            CHECK(feed.takes(frame_in(elsewhere)) == (row.takes && kCuda));
    }
}
