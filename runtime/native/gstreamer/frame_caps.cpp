#include "frame_caps.hpp"

namespace dgiqa_gst {

bool pixel_format_of(GstVideoFormat format, dgiqa_pixel_format *result) {
    switch (format) {
        case GST_VIDEO_FORMAT_BGR:
            *result = DGIQA_BGR;
            return true;
        case GST_VIDEO_FORMAT_RGB:
            *result = DGIQA_RGB;
            return true;
        case GST_VIDEO_FORMAT_BGRx:
        case GST_VIDEO_FORMAT_BGRA:
            *result = DGIQA_BGRA;
            return true;
        case GST_VIDEO_FORMAT_RGBx:
        case GST_VIDEO_FORMAT_RGBA:
            *result = DGIQA_RGBA;
            return true;
        case GST_VIDEO_FORMAT_GRAY8:
            *result = DGIQA_GREY;
            return true;
        case GST_VIDEO_FORMAT_NV12:
            *result = DGIQA_NV12;
            return true;
        case GST_VIDEO_FORMAT_I420:
            *result = DGIQA_I420;
            return true;
        case GST_VIDEO_FORMAT_YUY2:
            *result = DGIQA_YUYV;
            return true;
        default:
            return false;
    }
}

dgiqa_colour_matrix colour_matrix_of(const GstVideoColorimetry &colorimetry) {
    const bool full = colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
    if (colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_BT709) return full ? DGIQA_BT709_FULL : DGIQA_BT709_LIMITED;
    return full ? DGIQA_BT601_FULL : DGIQA_BT601_LIMITED;
}

std::optional<std::string> caps_flaw(const GstVideoInfo &info) {
    const GstVideoInterlaceMode mode = GST_VIDEO_INFO_INTERLACE_MODE(&info);
    if (mode == GST_VIDEO_INTERLACE_MODE_PROGRESSIVE || mode == GST_VIDEO_INTERLACE_MODE_INTERLEAVED ||
        mode == GST_VIDEO_INTERLACE_MODE_MIXED)
        return std::nullopt;
    return std::string("The caps' interlace-mode ") + gst_video_interlace_mode_to_string(mode) +
           " gives no whole frames: put the element deinterlace before this one.";
}

}  // namespace dgiqa_gst
