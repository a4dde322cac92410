// What GStreamer's caps mean to the library: pixel format, colour matrix, memory.
#pragma once

#include <gst/video/video.h>

#include <optional>
#include <string>

#include "dgiqa_edge.h"

namespace dgiqa_gst {

// The formats of the pad templates, in the order of preference.
#define DGIQA_GST_FORMATS "{ BGR, RGB, BGRx, BGRA, RGBx, RGBA, GRAY8, NV12, I420, YUY2 }"
// In device memory NV12 comes last: nvvidconv gives it in tiles by default, the others in rows.
#define DGIQA_GST_NVMM_FORMATS "{ I420, RGBA, BGRx, RGBx, BGRA, RGB, BGR, GRAY8, YUY2, NV12 }"

// False where the library has no such format.
bool pixel_format_of(GstVideoFormat format, dgiqa_pixel_format *result);

// BT.709 where the caps say so, else BT.601, which is what GStreamer assumes for small pictures.
dgiqa_colour_matrix colour_matrix_of(const GstVideoColorimetry &colorimetry);

// Why the element does not take caps of a format it knows, in one line; none where it does.
std::optional<std::string> caps_flaw(const GstVideoInfo &info);

}  // namespace dgiqa_gst
