#include "nvbufsurface.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace {

// The members as NVIDIA's reference lists them, for Jetson Linux 35 and 36, and for 39.
struct PlaneParams {
    std::uint32_t num_planes;
    std::uint32_t width[4], height[4], pitch[4], offset[4], psize[4], bytesPerPix[4];
    void *reserved[16];
};
struct MappedAddr6 {
    void *addr[4];
    void *eglImage;
    void *reserved[4];
};
struct MappedAddr7 {
    void *addr[4];
    void *eglImage, *nvmmPtr, *cudaPtr;
    void *reserved[4];
};
template <typename MappedAddr, int kTail>
struct Params {
    std::uint32_t width, height, pitch;
    std::int32_t colorFormat, layout;
    std::uint64_t bufferDesc;
    std::uint32_t dataSize;
    void *dataPtr;
    PlaneParams planeParams;
    MappedAddr mappedAddr;
    void *tail[kTail];  // 6: paramex and 3 reserved; 7: paramex, cudaBuffer and 4 reserved
};
using Params6 = Params<MappedAddr6, 4>;
using Params7 = Params<MappedAddr7, 6>;
struct Surface6 {
    std::uint32_t gpuId, batchSize, numFilled;
    bool isContiguous;
    std::int32_t memType;
    Params6 *surfaceList;
    void *reserved[4];
};
struct Surface7 {
    std::uint32_t gpuId, batchSize, numFilled;
    bool isContiguous;
    std::int32_t memType;
    Params7 *surfaceList;
    bool isImportedBuf;
    void *reserved[4];
};
static_assert(sizeof(Surface6) == 64 && sizeof(Params6) == 384 && sizeof(MappedAddr6) == 72 &&
                  sizeof(PlaneParams) == 232,
              "the sizes of JetPack 6 on 64 bits");

// One surface of either layout, the memory of its pixels, and what the processor has of it.
struct Held {
    int jetpack;
    Surface6 surface6{};
    Surface7 surface7{};
    Params6 params6{};
    Params7 params7{};
    std::vector<std::uint8_t> pixels;
    std::vector<std::uint32_t> offsets;
    std::vector<std::vector<std::uint8_t>> seen;  // by the processor, a plane each

    void *descriptor() { return jetpack == 7 ? static_cast<void *>(&surface7) : &surface6; }
    void **addresses() { return jetpack == 7 ? params7.mappedAddr.addr : params6.mappedAddr.addr; }
    const PlaneParams &planes() const { return jetpack == 7 ? params7.planeParams : params6.planeParams; }
};

std::mutex guard;
std::map<void *, std::unique_ptr<Held>> surfaces;
int mapped = 0;
bool map_fails = false;

template <typename SurfaceType, typename ParamsType>
void fill(const StandInSurface &wanted, Held &held, SurfaceType &surface, ParamsType &params) {
    surface.batchSize = wanted.batch_size;
    surface.numFilled = wanted.filled;
    surface.memType = wanted.memory;
    surface.surfaceList = wanted.has_pictures ? &params : nullptr;
    params.width = wanted.width;
    params.height = wanted.height;
    params.colorFormat = wanted.colour_format;
    params.layout = wanted.layout;
    params.planeParams.num_planes = wanted.plane_count;
    for (std::uint32_t plane = 0; plane < wanted.plane_count && plane < 3; ++plane) {
        const StandInPlane &from = wanted.planes[plane];
        const std::uint32_t alignment = wanted.pitch_alignment;
        const std::uint32_t pitch = (from.row_bytes + alignment - 1) / alignment * alignment;
        const auto offset = static_cast<std::uint32_t>(held.pixels.size());
        held.pixels.resize(offset + std::size_t{pitch} * from.rows, 0x5A);
        held.offsets.push_back(offset);
        for (std::uint32_t row = 0; row < from.rows; ++row)
            std::copy_n(from.pixels + row * from.stride, from.row_bytes, held.pixels.data() + offset + row * pitch);
        params.planeParams.height[plane] = from.rows;
        params.planeParams.pitch[plane] = pitch;
        params.planeParams.offset[plane] = offset;
        params.planeParams.psize[plane] = pitch * from.rows + static_cast<std::uint32_t>(wanted.bytes_more);
    }
    params.pitch = params.planeParams.pitch[0];
    params.dataSize = static_cast<std::uint32_t>(held.pixels.size());
    const bool hardware = wanted.memory == 0 || wanted.memory == 4 || wanted.memory == 5;
    params.dataPtr = hardware ? nullptr : held.pixels.data();
}

Held *found(void *surface) {
    const auto place = surfaces.find(surface);
    return place == surfaces.end() ? nullptr : place->second.get();
}

}  // namespace

extern "C" {

void *stand_in_surface(const StandInSurface *wanted) {
    const std::lock_guard<std::mutex> lock(guard);
    auto held = std::make_unique<Held>();
    held->jetpack = wanted->jetpack;
    if (wanted->jetpack == 7)
        fill(*wanted, *held, held->surface7, held->params7);
    else
        fill(*wanted, *held, held->surface6, held->params6);
    void *descriptor = held->descriptor();
    surfaces[descriptor] = std::move(held);
    return descriptor;
}

void stand_in_free(void *surface) {
    const std::lock_guard<std::mutex> lock(guard);
    surfaces.erase(surface);
}

std::size_t stand_in_bytes(int jetpack) { return jetpack == 7 ? sizeof(Surface7) : sizeof(Surface6); }

const std::uint8_t *stand_in_pixels(void *surface, int plane) {
    const std::lock_guard<std::mutex> lock(guard);
    const Held *held = found(surface);
    return held->pixels.data() + held->offsets[static_cast<std::size_t>(plane)];
}

int stand_in_alive() {
    const std::lock_guard<std::mutex> lock(guard);
    return static_cast<int>(surfaces.size());
}

int stand_in_mapped() {
    const std::lock_guard<std::mutex> lock(guard);
    return mapped;
}

void stand_in_fails(bool fails) { map_fails = fails; }

int NvBufSurfaceMap(void *surface, int index, int plane, int flags) {
    const std::lock_guard<std::mutex> lock(guard);
    Held *held = found(surface);
    if (held == nullptr || map_fails || index != 0 || plane != -1 || flags != 0 || !held->seen.empty()) return -1;
    for (std::uint32_t i = 0; i < held->planes().num_planes; ++i) {
        held->seen.emplace_back(std::size_t{held->planes().pitch[i]} * held->planes().height[i], 0xEE);
        held->addresses()[i] = held->seen.back().data();
    }
    ++mapped;
    return 0;
}

int NvBufSurfaceSyncForCpu(void *surface, int index, int plane) {
    const std::lock_guard<std::mutex> lock(guard);
    Held *held = found(surface);
    if (held == nullptr || index != 0 || plane != -1 || held->seen.empty()) return -1;
    for (std::size_t i = 0; i < held->seen.size(); ++i)
        std::copy_n(held->pixels.data() + held->offsets[i], held->seen[i].size(), held->seen[i].data());
    return 0;
}

int NvBufSurfaceUnMap(void *surface, int index, int plane) {
    const std::lock_guard<std::mutex> lock(guard);
    Held *held = found(surface);
    if (held == nullptr || index != 0 || plane != -1 || held->seen.empty()) return -1;
    held->seen.clear();
    std::fill_n(held->addresses(), 4, nullptr);
    --mapped;
    return 0;
}

int NvBufSurfaceAllocate() { return -1; }  // its name tells JetPack 5 and newer from 4
}
