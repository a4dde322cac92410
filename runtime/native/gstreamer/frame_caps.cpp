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

dgiqa_frame frame_of(const GstVideoFrame &mapped) {
    dgiqa_frame frame = dgiqa_frame_default();
    pixel_format_of(GST_VIDEO_FRAME_FORMAT(&mapped), &frame.format);
    frame.matrix = colour_matrix_of(mapped.info.colorimetry);
    frame.width = GST_VIDEO_FRAME_WIDTH(&mapped);
    frame.height = GST_VIDEO_FRAME_HEIGHT(&mapped);
    for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&mapped) && plane < 3; ++plane) {
        frame.planes[plane] = static_cast<const guint8 *>(GST_VIDEO_FRAME_PLANE_DATA(&mapped, plane));
        frame.strides[plane] = static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&mapped, plane));
    }
    return frame;
}

}  // namespace dgiqa_gst
