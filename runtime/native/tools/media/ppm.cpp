// Binary PPM and PGM of 8 bits.
#include <cctype>
#include <cstring>
#include <string>

#include "errors.hpp"
#include "media/decoders.hpp"

namespace dgiqa {
namespace {

constexpr int kMostDigits = 9;

// The next number of the header; comments run from # to the end of their line.
std::uint64_t number_at(const FileBytes &content, std::size_t &at) {
    while (at < content.size() && (std::isspace(content[at]) || content[at] == '#')) {
        if (content[at] == '#')
            while (at < content.size() && content[at] != '\n') ++at;
        else
            ++at;
    }
    std::uint64_t value = 0;
    int digits = 0;
    for (; at < content.size() && std::isdigit(content[at]) && digits < kMostDigits; ++at, ++digits)
        value = value * 10 + static_cast<std::uint64_t>(content[at] - '0');
    if (digits == 0) throw Error(DGIQA_ERROR_SOURCE, "has a damaged header: copy the file again");
    return value;
}

}  // namespace

Picture decode_ppm(const FileBytes &content) {
    const bool grey = content[1] == '5';
    std::size_t at = 2;
    const std::uint64_t width = number_at(content, at);
    const std::uint64_t height = number_at(content, at);
    const std::uint64_t most = number_at(content, at);
    check_image_size(static_cast<std::int64_t>(width), static_cast<std::int64_t>(height));
    if (most != 255)
        throw Error(DGIQA_ERROR_SOURCE,
                    "has levels up to " + std::to_string(most) + ": give a PPM of 8 bits (up to 255)");
    const std::size_t bytes = static_cast<std::size_t>(width * height) * (grey ? 1 : 3);
    if (at + 1 + bytes > content.size())
        throw Error(DGIQA_ERROR_SOURCE, "is cut off: " + std::to_string(bytes) + " bytes of pixels are announced, " +
                                            std::to_string(content.size() - at) + " are there; copy the file again");
    const std::uint8_t *from = content.data() + at + 1;
    Picture picture(static_cast<int>(height), static_cast<int>(width), 3);
    for (std::size_t pixel = 0; pixel < width * height; ++pixel)
        for (std::size_t c = 0; c < 3; ++c)
            picture.pixels[pixel * 3 + c] = grey ? from[pixel] : from[pixel * 3 + 2 - c];
    return picture;
}

}  // namespace dgiqa
