// A stand-in for NVIDIA's libnvbufsurface. Its surfaces lie in a memory of their own: the processor sees them only once
// they are mapped and synchronised, and what was mapped is gone after UnMap.
#pragma once

#include <cstddef>
#include <cstdint>

struct StandInPlane {
    const std::uint8_t *pixels = nullptr;
    std::uint32_t row_bytes = 0, rows = 0;  // of the picture
    std::size_t stride = 0;                 // of `pixels`
};

// What is written into a surface and its descriptor; members below `planes` are there to be falsified.
struct StandInSurface {
    int jetpack = 6;  // 5, 6 or 7: the structures' layout
    std::uint32_t width = 0, height = 0;
    std::int32_t colour_format = 0;  // number in nvbufsurface.h
    std::uint32_t plane_count = 0;
    StandInPlane planes[3];
    std::int32_t layout = 0;  // 0: rows, 1: tiles
    std::int32_t memory = 4;  // 4: surface array
    std::uint32_t batch_size = 1, filled = 1;
    std::uint32_t pitch_alignment = 256;
    std::int32_t bytes_more = 0;  // of each plane's stated size
    bool has_pictures = true;
};

extern "C" {

// An NvBufSurface in the layout of its JetPack, to be given back with stand_in_free.
void *stand_in_surface(const StandInSurface *wanted);
void stand_in_free(void *surface);
std::size_t stand_in_bytes(int jetpack);

// The pixels of a plane where they lie, as a CUDA pointer would say.
const std::uint8_t *stand_in_pixels(void *surface, int plane);

int stand_in_alive();                 // surfaces that were not given back
int stand_in_mapped();                // of them, those that are mapped now
void stand_in_fails(bool map_fails);  // from now on
}
