// The CUDA kernels by the same table as the CPU implementation, from every kind of memory. Without a GPU it is skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstring>

#include "errors.hpp"
#include "frame_cases.hpp"
#include "frames/convert.hpp"
#include "frames/kernels.hpp"
#include "frames/layout.hpp"

namespace {

constexpr int kSkipped = 77;

void require(cudaError_t code) { REQUIRE_MESSAGE(code == cudaSuccess, cudaGetErrorString(code)); }

// The frame's planes copied to another kind of memory for as long as this lives.
class Elsewhere {
public:
    Elsewhere(const dgiqa_frame &frame, dgiqa_memory memory) : frame_(frame) {
        frame_.memory = memory;
        for (int plane = 0; plane < dgiqa::plane_count(frame.format); ++plane) {
            const dgiqa::PlaneSize size = dgiqa::plane_size(frame.format, plane, frame.width, frame.height);
            const std::size_t stride = frame.strides[plane] ? frame.strides[plane] : size.row_bytes;
            const std::size_t bytes = stride * static_cast<std::size_t>(size.rows - 1) + size.row_bytes;
            if (memory == DGIQA_HOST_PINNED)
                require(cudaMallocHost(&copies_[plane], bytes));
            else if (memory == DGIQA_MANAGED)
                require(cudaMallocManaged(&copies_[plane], bytes));
            else
                require(cudaMalloc(&copies_[plane], bytes));
            require(cudaMemcpy(copies_[plane], frame.planes[plane], bytes, cudaMemcpyDefault));
            frame_.planes[plane] = static_cast<const std::uint8_t *>(copies_[plane]);
        }
    }
    ~Elsewhere() {
        for (void *copy : copies_) frame_.memory == DGIQA_HOST_PINNED ? cudaFreeHost(copy) : cudaFree(copy);
    }
    Elsewhere(const Elsewhere &) = delete;
    Elsewhere &operator=(const Elsewhere &) = delete;
    const dgiqa_frame &frame() const { return frame_; }

private:
    dgiqa_frame frame_;
    void *copies_[3] = {};
};

}  // namespace

TEST_CASE("the kernels give the vectors bit for bit, wherever the planes lie") {
    dgiqa_test::check_vectors(dgiqa::fitted_by_kernels);
    for (const dgiqa_memory memory : {DGIQA_HOST_PINNED, DGIQA_MANAGED, DGIQA_DEVICE}) {
        CAPTURE(memory);
        dgiqa_test::check_vectors([memory](const dgiqa_frame &frame, int height, int width, dgiqa_fit fit) {
            const Elsewhere elsewhere(frame, memory);
            return dgiqa::fitted_by_kernels(elsewhere.frame(), height, width, fit);
        });
        dgiqa_test::check_vectors([memory](const dgiqa_frame &frame, int height, int width, dgiqa_fit fit) {
            const Elsewhere elsewhere(frame, memory);
            return dgiqa::fitted(dgiqa::to_bgr(elsewhere.frame()), height, width, fit);
        });
    }
}

TEST_CASE("one fitter serves frames of changing size and format") {
    dgiqa::DeviceFitter fitter;
    void *bgr = nullptr;
    require(cudaMalloc(&bgr, 1 << 20));
    dgiqa_test::check_vectors([&](const dgiqa_frame &frame, int height, int width, dgiqa_fit fit) {
        dgiqa::Picture picture(height, width, 3);
        fitter.fit(frame, height, width, fit, static_cast<std::uint8_t *>(bgr), nullptr);
        require(cudaMemcpy(picture.pixels.data(), bgr, picture.pixels.size(), cudaMemcpyDeviceToHost));
        return picture;
    });
    require(cudaFree(bgr));
}

int main(int argc, char **argv) {
    if (dgiqa::kernels_flaw()[0] != '\0') {
        // Still worth checking here: a call without a GPU is refused, not a crash.
        const std::uint8_t pixel[3] = {};
        dgiqa_frame frame{};
        frame.planes[0] = pixel;
        frame.width = frame.height = 1;
        frame.memory = DGIQA_DEVICE;
        try {
            dgiqa::to_bgr(frame);
            std::puts("a frame in device memory was taken without a GPU");
            return 1;
        } catch (const dgiqa::Error &error) {
            std::printf("skipped, no GPU: %s\n", error.what());
            return error.status() == DGIQA_ERROR_MACHINE ? kSkipped : 1;
        }
    }
    return doctest::Context(argc, argv).run();
}
