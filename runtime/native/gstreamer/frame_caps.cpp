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

std::optional<std::string> buffer_flaw(const GstVideoInfo &caps, const GstVideoFrame &mapped) {
    const gint width = GST_VIDEO_FRAME_WIDTH(&mapped), height = GST_VIDEO_FRAME_HEIGHT(&mapped);
    if (GST_VIDEO_FRAME_FORMAT(&mapped) != GST_VIDEO_INFO_FORMAT(&caps) || width != GST_VIDEO_INFO_WIDTH(&caps) ||
        height != GST_VIDEO_INFO_HEIGHT(&caps))
        return "A buffer's metadata contradict its caps.";
    for (guint component = 0; component < GST_VIDEO_FRAME_N_COMPONENTS(&mapped); ++component) {
        const auto plane = static_cast<guint>(GST_VIDEO_FRAME_COMP_PLANE(&mapped, component));
        const gint64 stride = GST_VIDEO_FRAME_PLANE_STRIDE(&mapped, plane);
        const gint64 rows = GST_VIDEO_FRAME_COMP_HEIGHT(&mapped, component);
        const gint64 row_bytes = gint64{GST_VIDEO_FRAME_COMP_WIDTH(&mapped, component)} *
                                 GST_VIDEO_FRAME_COMP_PSTRIDE(&mapped, component);
        const GstMapInfo &memory = mapped.meta != nullptr ? mapped.map[plane] : mapped.map[0];
        const auto *start = static_cast<const guint8 *>(GST_VIDEO_FRAME_PLANE_DATA(&mapped, plane));
        const gint64 before = start - memory.data;
        if (stride < row_bytes || before < 0 ||
            before + stride * (rows - 1) + row_bytes > static_cast<gint64>(memory.size))
            return "A buffer is smaller than its caps and metadata say.";
    }
    return std::nullopt;
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
    if (GST_VIDEO_FRAME_IS_INTERLACED(&mapped) && frame.height >= 4) {
        frame.height = frame.height / 4 * 2;  // even, for the chroma of two rows
        for (std::size_t &stride : frame.strides) stride *= 2;
    }
    return frame;
}

}  // namespace dgiqa_gst
