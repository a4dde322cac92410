#include "nvmm.hpp"

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <sstream>

#include "frame_caps.hpp"

namespace dgiqa_gst {
namespace {

// The part of the structures that all versions share. Behind it they differ: in JetPack 7 a picture has two pointers
// more after the EGL image, a surface one member more. So a second picture cannot be found, and none is asked for.
struct Planes {
    std::uint32_t count;
    std::uint32_t width[4], height[4];  // pixels
    std::uint32_t pitch[4], offset[4], bytes[4], bytes_per_pixel[4];
    void *reserved[16];
};
struct Picture {
    std::uint32_t width, height, pitch;
    std::int32_t colour_format, layout;
    std::uint64_t descriptor;
    std::uint32_t bytes;
    void *data;  // where it is not the hardware's
    Planes planes;
    void *address[4];  // once it is mapped
    void *egl_image;
};
struct Surface {
    std::uint32_t gpu, batch_size, filled;
    bool contiguous;
    std::int32_t memory;
    Picture *pictures;
};
static_assert(sizeof(void *) != 8 || (offsetof(Picture, data) == 40 && offsetof(Picture, planes) == 48 &&
                                      offsetof(Picture, address) == 280 && offsetof(Surface, pictures) == 24),
              "the layout of nvbufsurface.h");
constexpr std::size_t kLeastSurfaceBytes = 64;  // JetPack 5 and 6; 72 in JetPack 7

enum Memory { kDefault = 0, kCudaPinned = 1, kCudaDevice = 2, kCudaUnified = 3, kSurfaceArray, kHandle, kSystem };
constexpr std::int32_t kPitchLayout = 0, kMapRead = 0;
constexpr int kFirst = 0, kAllPlanes = -1;

struct ColourFormat {
    std::int32_t number;
    dgiqa_pixel_format format;
    dgiqa_colour_matrix matrix;
};
// Newer versions append to their list and change nothing before.
constexpr ColourFormat kColourFormats[] = {
    {1, DGIQA_GREY, DGIQA_BT601_LIMITED},  {2, DGIQA_I420, DGIQA_BT601_LIMITED},  {4, DGIQA_I420, DGIQA_BT601_FULL},
    {6, DGIQA_NV12, DGIQA_BT601_LIMITED},  {7, DGIQA_NV12, DGIQA_BT601_FULL},     {14, DGIQA_YUYV, DGIQA_BT601_LIMITED},
    {15, DGIQA_YUYV, DGIQA_BT601_FULL},    {19, DGIQA_RGBA, DGIQA_BT601_LIMITED}, {20, DGIQA_BGRA, DGIQA_BT601_LIMITED},
    {23, DGIQA_RGBA, DGIQA_BT601_LIMITED}, {24, DGIQA_BGRA, DGIQA_BT601_LIMITED}, {27, DGIQA_RGB, DGIQA_BT601_LIMITED},
    {28, DGIQA_BGR, DGIQA_BT601_LIMITED},  {31, DGIQA_I420, DGIQA_BT709_LIMITED}, {32, DGIQA_I420, DGIQA_BT709_FULL},
    {33, DGIQA_NV12, DGIQA_BT709_LIMITED}, {34, DGIQA_NV12, DGIQA_BT709_FULL},
};

constexpr char kInMainMemory[] = "put nvvidconv ! video/x-raw before this element";

// What is called of libnvbufsurface; 0 is success.
struct Library {
    bool here = false;
    int (*map)(Surface *, int index, int plane, int flags) = nullptr;
    int (*unmap)(Surface *, int index, int plane) = nullptr;
    int (*sync_for_cpu)(Surface *, int index, int plane) = nullptr;
    int (*allocate)() = nullptr;  // never called: JetPack 4's library, whose buffers are others, has none
};

template <typename Function>
bool find(void *library, const char *name, Function *function) {
    *function = reinterpret_cast<Function>(dlsym(library, name));
    return *function != nullptr;
}

void *opened() {
    std::istringstream folders(":" DGIQA_GST_NVMM_FOLDERS);  // the first is empty: the loader's own
    for (std::string folder; std::getline(folders, folder, ':');) {
        std::istringstream names(DGIQA_GST_NVMM_LIBRARIES);
        for (std::string name; std::getline(names, name, ',');)
            if (void *library = dlopen((folder.empty() ? name : folder + "/" + name).c_str(), RTLD_NOW)) return library;
    }
    return nullptr;
}

const Library &library() {
    static const Library loaded = [] {
        Library result;
        void *handle = opened();
        result.here = handle != nullptr && find(handle, "NvBufSurfaceMap", &result.map) &&
                      find(handle, "NvBufSurfaceUnMap", &result.unmap) &&
                      find(handle, "NvBufSurfaceSyncForCpu", &result.sync_for_cpu) &&
                      find(handle, "NvBufSurfaceAllocate", &result.allocate);
        return result;
    }();
    return loaded;
}

const ColourFormat *colour_format_of(std::int32_t number) {
    for (const ColourFormat &one : kColourFormats)
        if (one.number == number) return &one;
    return nullptr;
}

std::string size_text(std::uint32_t width, std::uint32_t height) {
    return std::to_string(width) + "x" + std::to_string(height);
}

// Why the descriptor cannot be read. Numbers that agree with each other and with the caps do not do so by chance: the
// header has no version.
std::optional<std::string> descriptor_flaw(const Surface *surface, std::size_t size, const GstVideoInfo &caps) {
    if (surface == nullptr || size < kLeastSurfaceBytes || surface->pictures == nullptr)
        return std::string("A buffer in device memory holds no NvBufSurface of JetPack 5 to 7: ") + kInMainMemory + ".";
    if (surface->batch_size > 1 || surface->filled > 1)
        return "A buffer in device memory holds " + std::to_string(surface->batch_size) +
               " frames: put this element before nvstreammux, or nvstreamdemux before it.";
    const Picture &picture = surface->pictures[0];
    const auto width = static_cast<std::uint32_t>(GST_VIDEO_INFO_WIDTH(&caps));
    const auto height = static_cast<std::uint32_t>(GST_VIDEO_INFO_HEIGHT(&caps));
    if (picture.width != width || picture.height != height)
        return "A buffer in device memory is " + size_text(picture.width, picture.height) + " by its descriptor and " +
               size_text(width, height) + " by its caps: " + kInMainMemory + ".";
    dgiqa_pixel_format expected;
    const ColourFormat *format = colour_format_of(picture.colour_format);
    if (format == nullptr || !pixel_format_of(GST_VIDEO_INFO_FORMAT(&caps), &expected) || format->format != expected ||
        picture.planes.count != GST_VIDEO_INFO_N_PLANES(&caps))
        return "A buffer in device memory has colour format " + std::to_string(picture.colour_format) + " and " +
               std::to_string(picture.planes.count) +
               " planes by its descriptor, which its caps' format has not: " + kInMainMemory + ".";
    if (picture.layout != kPitchLayout)
        return "A buffer in device memory lies in tiles (block linear): put nvvidconv bl-output=false before this "
               "element.";
    return std::nullopt;
}

// Why the planes do not hold such a picture: a row longer than its pitch, fewer bytes than rows, or beyond the memory.
std::optional<std::string> planes_flaw(const Picture &picture, const GstVideoInfo &caps) {
    const Planes &planes = picture.planes;
    for (guint component = 0; component < GST_VIDEO_INFO_N_COMPONENTS(&caps); ++component) {
        const auto plane = static_cast<guint>(GST_VIDEO_INFO_COMP_PLANE(&caps, component));
        const auto rows = static_cast<guint64>(GST_VIDEO_INFO_COMP_HEIGHT(&caps, component));
        const auto row_bytes = static_cast<guint64>(GST_VIDEO_INFO_COMP_WIDTH(&caps, component)) *
                               static_cast<guint64>(GST_VIDEO_INFO_COMP_PSTRIDE(&caps, component));
        const guint64 pitch = planes.pitch[plane];
        if (pitch < row_bytes || pitch * (rows - 1) + row_bytes > planes.bytes[plane] ||
            guint64{planes.offset[plane]} + planes.bytes[plane] > picture.bytes)
            return std::string("A buffer in device memory is smaller than its caps say: ") + kInMainMemory + ".";
    }
    return std::nullopt;
}

// CUDA's and ordinary memory is where its pointer says.
std::optional<dgiqa_memory> memory_of_data(std::int32_t memory) {
    if (memory == kCudaPinned) return DGIQA_HOST_PINNED;
    if (memory == kCudaDevice) return DGIQA_DEVICE;
    if (memory == kCudaUnified) return DGIQA_MANAGED;
    if (memory == kSystem) return DGIQA_HOST;
    return std::nullopt;
}

}  // namespace

bool nvmm_here() { return library().here; }

NvmmFrame::NvmmFrame(void *descriptor, std::size_t size, const GstVideoInfo &caps) {
    auto *surface = static_cast<Surface *>(descriptor);
    auto flaw = descriptor_flaw(surface, size, caps);
    if (!flaw) flaw = planes_flaw(surface->pictures[0], caps);
    if (flaw) {
        flaw_ = *flaw;
        return;
    }
    const Picture &picture = surface->pictures[0];
    const ColourFormat &format = *colour_format_of(picture.colour_format);
    const auto memory = memory_of_data(surface->memory);
    if (!memory && library().here && library().map(surface, kFirst, kAllPlanes, kMapRead) == 0) mapped_ = surface;
    if (!memory && (mapped_ == nullptr || library().sync_for_cpu(surface, kFirst, kAllPlanes) != 0))
        flaw_ = std::string("A buffer in device memory cannot be mapped: ") + kInMainMemory + ".";
    frame_.format = format.format;
    frame_.matrix = format.matrix;
    frame_.memory = memory.value_or(DGIQA_HOST);
    frame_.width = GST_VIDEO_INFO_WIDTH(&caps);
    frame_.height = GST_VIDEO_INFO_HEIGHT(&caps);
    for (guint plane = 0; plane < picture.planes.count && plane < 3; ++plane) {
        frame_.planes[plane] = static_cast<const std::uint8_t *>(memory ? picture.data : picture.address[plane]);
        if (memory && picture.data != nullptr) frame_.planes[plane] += picture.planes.offset[plane];
        frame_.strides[plane] = picture.planes.pitch[plane];
    }
}

NvmmFrame::~NvmmFrame() {
    if (mapped_ != nullptr) library().unmap(static_cast<Surface *>(mapped_), kFirst, kAllPlanes);
}

}  // namespace dgiqa_gst
