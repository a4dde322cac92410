#include "buffer_frame.hpp"

#include <optional>

#include "frame_caps.hpp"

namespace dgiqa_gst {
namespace {

// Why a buffer is not what its caps and its own metadata say; none where all planes lie inside its memory. GStreamer
// maps whatever offsets and strides the metadata state.
std::optional<std::string> mapping_flaw(const GstVideoInfo &caps, const GstVideoFrame &mapped) {
    const gint width = GST_VIDEO_FRAME_WIDTH(&mapped), height = GST_VIDEO_FRAME_HEIGHT(&mapped);
    if (GST_VIDEO_FRAME_FORMAT(&mapped) != GST_VIDEO_INFO_FORMAT(&caps) || width != GST_VIDEO_INFO_WIDTH(&caps) ||
        height != GST_VIDEO_INFO_HEIGHT(&caps))
        return "A buffer's metadata contradict its caps.";
    for (guint component = 0; component < GST_VIDEO_FRAME_N_COMPONENTS(&mapped); ++component) {
        const auto plane = static_cast<guint>(GST_VIDEO_FRAME_COMP_PLANE(&mapped, component));
        const gint64 stride = GST_VIDEO_FRAME_PLANE_STRIDE(&mapped, plane);
        const gint64 rows = GST_VIDEO_FRAME_COMP_HEIGHT(&mapped, component);
        const gint64 row_bytes =
            gint64{GST_VIDEO_FRAME_COMP_WIDTH(&mapped, component)} * GST_VIDEO_FRAME_COMP_PSTRIDE(&mapped, component);
        const GstMapInfo &memory = mapped.meta != nullptr ? mapped.map[plane] : mapped.map[0];
        const auto *start = static_cast<const guint8 *>(GST_VIDEO_FRAME_PLANE_DATA(&mapped, plane));
        const gint64 before = start - memory.data;
        if (stride < row_bytes || before < 0 ||
            before + stride * (rows - 1) + row_bytes > static_cast<gint64>(memory.size))
            return "A buffer is smaller than its caps and metadata say.";
    }
    return std::nullopt;
}

bool is_interlaced(GstBuffer *buffer, const GstVideoInfo &caps) {
    if (GST_VIDEO_INFO_INTERLACE_MODE(&caps) == GST_VIDEO_INTERLACE_MODE_MIXED)
        return GST_BUFFER_FLAG_IS_SET(buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED);
    return GST_VIDEO_INFO_IS_INTERLACED(&caps);
}

void keep_the_upper_field(dgiqa_frame *frame) {
    if (frame->height < 4) return;
    frame->height = frame->height / 4 * 2;  // even, for the chroma of two rows
    for (std::size_t &stride : frame->strides) stride *= 2;
}

}  // namespace

BufferFrame::BufferFrame(GstBuffer *buffer, const GstVideoInfo &caps, bool in_device) {
    if (in_device)
        map_device_memory(buffer, caps);
    else
        map_main_memory(buffer, caps);
    if (flaw_.empty() && is_interlaced(buffer, caps)) keep_the_upper_field(&frame_);
}

BufferFrame::~BufferFrame() {
    if (mapped_.buffer != nullptr) gst_video_frame_unmap(&mapped_);
    device_.reset();
    if (memory_ != nullptr) gst_memory_unmap(memory_, &descriptor_);
}

void BufferFrame::map_main_memory(GstBuffer *buffer, const GstVideoInfo &caps) {
    if (!gst_video_frame_map(&mapped_, &caps, buffer, GST_MAP_READ)) {
        mapped_.buffer = nullptr;
        flaw_ = "A buffer is smaller than its caps say.";
        return;
    }
    flaw_ = mapping_flaw(caps, mapped_).value_or("");
    pixel_format_of(GST_VIDEO_FRAME_FORMAT(&mapped_), &frame_.format);
    frame_.matrix = colour_matrix_of(mapped_.info.colorimetry);
    frame_.width = GST_VIDEO_FRAME_WIDTH(&mapped_);
    frame_.height = GST_VIDEO_FRAME_HEIGHT(&mapped_);
    for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&mapped_) && plane < 3; ++plane) {
        frame_.planes[plane] = static_cast<const guint8 *>(GST_VIDEO_FRAME_PLANE_DATA(&mapped_, plane));
        frame_.strides[plane] = static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&mapped_, plane));
    }
}

void BufferFrame::map_device_memory(GstBuffer *buffer, const GstVideoInfo &caps) {
    GstMemory *memory = gst_buffer_n_memory(buffer) == 1 ? gst_buffer_peek_memory(buffer, 0) : nullptr;
    if (memory != nullptr && gst_memory_map(memory, &descriptor_, GST_MAP_READ)) memory_ = memory;
    device_ = std::make_unique<NvmmFrame>(memory_ != nullptr ? descriptor_.data : nullptr, descriptor_.size, caps);
    flaw_ = device_->flaw();
    frame_ = device_->frame();
}

}  // namespace dgiqa_gst
