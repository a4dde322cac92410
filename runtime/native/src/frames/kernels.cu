#include <cuda_runtime_api.h>

#include <cstring>
#include <string>
#include <vector>

#include "errors.hpp"
#include "frames/framing.hpp"
#include "frames/kernels.hpp"
#include "frames/layout.hpp"
#include "frames/pixel.hpp"
#include "frames/resize.hpp"

namespace dgiqa {
namespace {

void check(cudaError_t code, const char *what) {
    if (code == cudaSuccess) return;
    cudaGetLastError();  // so that the next call does not report it again
    throw Error(DGIQA_ERROR_MACHINE, std::string("CUDA could not ") + what + ": " + cudaGetErrorString(code) +
                                         "; check the driver and the free GPU memory");
}

// Device memory that grows and is freed once.
class DeviceBytes {
public:
    DeviceBytes() = default;
    ~DeviceBytes() { cudaFree(data_); }
    DeviceBytes(const DeviceBytes &) = delete;
    DeviceBytes &operator=(const DeviceBytes &) = delete;
    std::uint8_t *hold(std::size_t bytes) {
        if (bytes > size_) {
            check(cudaFree(data_), "free a frame buffer");  // waits for the kernels that use it
            data_ = nullptr;
            size_ = 0;
            check(cudaMalloc(reinterpret_cast<void **>(&data_), bytes), "allocate a frame buffer");
            size_ = bytes;
        }
        return data_;
    }

private:
    std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0;
};

constexpr int kBlockWidth = 32;
constexpr int kBlockHeight = 8;

dim3 blocks_over(int width, int height) {
    return dim3(static_cast<unsigned>((width + kBlockWidth - 1) / kBlockWidth),
                static_cast<unsigned>((height + kBlockHeight - 1) / kBlockHeight));
}

template <dgiqa_pixel_format format>
__global__ void convert_pixels(Layout from, YuvFactors factors, std::uint8_t *bgr) {
    const int x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    const int y = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= from.width || y >= from.height) return;
    const Bgr pixel = pixel_of<format>(from, factors, x, y);
    std::uint8_t *to = bgr + (static_cast<std::size_t>(y) * from.width + x) * 3;
    to[0] = pixel.b;
    to[1] = pixel.g;
    to[2] = pixel.r;
}

// A pixel around the box is that of the picture in it, mirrored at its edges.
__global__ void resize_pixels(ResizeTables tables, BgrRows from, dgiqa_box at, int width, int height,
                              std::uint8_t *bgr) {
    const int x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    const int y = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || y >= height) return;
    resized_pixel(tables, from, mirrored(x - at.left, at.width), mirrored(y - at.top, at.height),
                  bgr + (static_cast<std::size_t>(y) * width + x) * 3);
}

struct DeviceConversion {
    const Layout &from;
    const YuvFactors factors;
    std::uint8_t *bgr;
    cudaStream_t stream;

    template <dgiqa_pixel_format format>
    void run() {
        convert_pixels<format>
            <<<blocks_over(from.width, from.height), dim3(kBlockWidth, kBlockHeight), 0, stream>>>(from, factors, bgr);
        check(cudaGetLastError(), "start the conversion of pixels");
    }
};

template <typename Item>
std::size_t append(std::vector<std::uint8_t> &bytes, const std::vector<Item> &items) {
    static_assert(alignof(Item) <= 4, "the tables stand one after the other");
    const std::size_t at = bytes.size();
    bytes.resize(at + items.size() * sizeof(Item));
    if (!items.empty()) std::memcpy(bytes.data() + at, items.data(), items.size() * sizeof(Item));
    return at;
}

}  // namespace

struct DeviceFitter::Buffers {
    DeviceBytes planes[3];
    DeviceBytes picture;  // at the frame's own size, before it is resized
    DeviceBytes tables;
    int from_height = 0, from_width = 0, height = 0, width = 0;  // what the tables were made for
    ResizeTables plan{};

    // Planes that the device cannot read where they lie are copied to it, rows without gaps.
    Layout on_device(const dgiqa_frame &frame, cudaStream_t stream) {
        Layout layout = checked_layout(frame);
        if (frame.memory == DGIQA_DEVICE || frame.memory == DGIQA_MANAGED) return layout;
        for (int plane = 0; plane < plane_count(frame.format); ++plane) {
            const PlaneSize size = plane_size(frame.format, plane, frame.width, frame.height);
            std::uint8_t *to = planes[plane].hold(size.row_bytes * static_cast<std::size_t>(size.rows));
            check(cudaMemcpy2DAsync(to, size.row_bytes, layout.planes[plane], layout.strides[plane], size.row_bytes,
                                    static_cast<std::size_t>(size.rows), cudaMemcpyHostToDevice, stream),
                  "copy a frame to the device");
            layout.planes[plane] = to;
            layout.strides[plane] = size.row_bytes;
        }
        return layout;
    }

    void make_tables(int from_height_, int from_width_, int height_, int width_) {
        if (from_height_ == from_height && from_width_ == from_width && height_ == height && width_ == width) return;
        const ResizePlan made = resize_plan(from_height_, from_width_, height_, width_);
        std::vector<std::uint8_t> bytes;
        const std::size_t spans_x = append(bytes, made.spans_x), spans_y = append(bytes, made.spans_y);
        const std::size_t weights = append(bytes, made.weights);
        const std::size_t taps_x = append(bytes, made.taps_x), taps_y = append(bytes, made.taps_y);
        height = 0;  // until the new ones are there
        check(cudaDeviceSynchronize(), "finish the frames before a change of size");
        std::uint8_t *at = tables.hold(bytes.size() + 1);
        check(cudaMemcpy(at, bytes.data(), bytes.size(), cudaMemcpyHostToDevice), "copy the resize tables");
        plan = {made.rule,
                made.factor_x,
                made.factor_y,
                reinterpret_cast<const AreaSpan *>(at + spans_x),
                reinterpret_cast<const AreaSpan *>(at + spans_y),
                reinterpret_cast<const float *>(at + weights),
                reinterpret_cast<const LinearTap *>(at + taps_x),
                reinterpret_cast<const LinearTap *>(at + taps_y)};
        from_height = from_height_, from_width = from_width_, height = height_, width = width_;
    }
};

const char *kernels_flaw() {
    int devices = 0;
    const cudaError_t code = cudaGetDeviceCount(&devices);
    if (code == cudaSuccess && devices > 0) return "";
    cudaGetLastError();
    return code == cudaSuccess ? "no CUDA device" : cudaGetErrorString(code);
}

DeviceFitter::DeviceFitter() : buffers_(new Buffers) {}
DeviceFitter::~DeviceFitter() = default;

void DeviceFitter::fit(const dgiqa_frame &frame, int height, int width, dgiqa_fit fit, std::uint8_t *bgr,
                       void *stream) {
    if (height < 1 || width < 1)
        throw Error(DGIQA_ERROR_SOURCE, "cannot resize a frame to " + std::to_string(width) + "x" +
                                            std::to_string(height) + ": give a size of at least 1x1");
    const auto queue = static_cast<cudaStream_t>(stream);
    const Layout layout = buffers_->on_device(frame, queue);
    const bool resizes = frame.height != height || frame.width != width;
    const std::size_t bytes = static_cast<std::size_t>(frame.height) * static_cast<std::size_t>(frame.width) * 3;
    std::uint8_t *converted = resizes ? buffers_->picture.hold(bytes) : bgr;
    with_format(frame.format, DeviceConversion{layout, yuv_factors(frame.matrix), converted, queue});
    if (!resizes) return;
    const Framing placed = framing(frame.height, frame.width, height, width, fit);
    const dgiqa_box &shown = placed.shown, &at = placed.at;
    buffers_->make_tables(shown.height, shown.width, at.height, at.width);
    const std::size_t first = static_cast<std::size_t>(shown.top) * static_cast<std::size_t>(frame.width) + shown.left;
    resize_pixels<<<blocks_over(width, height), dim3(kBlockWidth, kBlockHeight), 0, queue>>>(
        buffers_->plan, BgrRows{converted + 3 * first, frame.width}, at, width, height, bgr);
    check(cudaGetLastError(), "start the resize");
}

Picture fitted_by_kernels(const dgiqa_frame &frame, int height, int width, dgiqa_fit fit) {
    if (kernels_flaw()[0] != '\0')
        throw Error(DGIQA_ERROR_MACHINE, std::string("the frame needs a GPU, but CUDA says: ") + kernels_flaw() +
                                             "; give the frame in host memory");
    DeviceFitter fitter;
    DeviceBytes result;
    Picture picture(height, width, 3);
    fitter.fit(frame, height, width, fit, result.hold(picture.pixels.size()), nullptr);
    check(cudaMemcpy(picture.pixels.data(), result.hold(0), picture.pixels.size(), cudaMemcpyDeviceToHost),
          "copy a picture from the device");
    return picture;
}

Picture picture_from_device(const dgiqa_frame &frame) { return fitted_by_kernels(frame, frame.height, frame.width); }

}  // namespace dgiqa
