// Temporary: host BGR of the right size only, until frames/convert.cpp is there.
#include <cstring>

#include "errors.hpp"
#include "frames/convert.hpp"

namespace dgiqa {

Picture to_bgr(const dgiqa_frame &frame) {
    if (frame.planes[0] == nullptr || frame.width < 1 || frame.height < 1)
        throw Error(DGIQA_ERROR_SOURCE, "the frame has no pixels: give its planes, width and height");
    if (frame.format != DGIQA_BGR || frame.memory != DGIQA_HOST)
        throw Error(DGIQA_ERROR_SOURCE, "the frame is not BGR in host memory");
    Picture picture(frame.height, frame.width, 3);
    const std::size_t row_bytes = static_cast<std::size_t>(frame.width) * 3;
    const std::size_t stride = frame.strides[0] ? frame.strides[0] : row_bytes;
    for (int y = 0; y < frame.height; ++y)
        std::memcpy(picture.row(y), frame.planes[0] + static_cast<std::size_t>(y) * stride, row_bytes);
    return picture;
}

Picture fitted(const Picture &bgr, int height, int width) {
    if (bgr.height != height || bgr.width != width)
        throw Error(DGIQA_ERROR_SOURCE, "the frame has another size than the bundle's");
    return bgr;
}

}  // namespace dgiqa
