// What GStreamer's caps and buffers mean to the library: pixel format, colour matrix, planes.
#pragma once

#include <gst/video/video.h>

#include <optional>
#include <string>

#include "dgiqa_edge.h"

namespace dgiqa_gst {

// The formats of the pad templates, in the order of preference.
#define DGIQA_GST_FORMATS "{ BGR, RGB, BGRx, BGRA, RGBx, RGBA, GRAY8, NV12, I420, YUY2 }"

// False where the library has no such format.
bool pixel_format_of(GstVideoFormat format, dgiqa_pixel_format *result);

// BT.709 where the caps say so, else BT.601, which is what GStreamer assumes for small pictures.
dgiqa_colour_matrix colour_matrix_of(const GstVideoColorimetry &colorimetry);

// Why the element does not take caps of a format it knows, in one line; none where it does.
std::optional<std::string> caps_flaw(const GstVideoInfo &info);

// Why a buffer is not what its caps and its own metadata say; none where all planes lie inside its memory. GStreamer
// maps whatever offsets and strides the metadata state.
std::optional<std::string> buffer_flaw(const GstVideoInfo &caps, const GstVideoFrame &mapped);

// The mapped frame's planes as the library takes them; valid while it is mapped. Of an interlaced frame its upper
// field, at half the height: woven together, two moments look sharp and noisy where something moves.
dgiqa_frame frame_of(const GstVideoFrame &mapped);

}  // namespace dgiqa_gst
