// libFuzzer target of the image readers: any bytes give a picture of the size it says, or are refused with
// DGIQA_ERROR_SOURCE.
//
//   make native-fuzz builds and runs it; its corpus is tests/vectors/images.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "errors.hpp"
#include "media/decoders.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const dgiqa::FileBytes content(data, data + size);
    try {
        const dgiqa::Picture picture = dgiqa::decode_image(content);
        if (picture.height < 1 || picture.width < 1 || picture.channels != 3) std::abort();
        if (picture.pixels.size() != static_cast<std::size_t>(picture.height) * picture.width * 3) std::abort();
    } catch (const dgiqa::Error &error) {
        if (error.status() != DGIQA_ERROR_SOURCE || std::strlen(error.what()) == 0) std::abort();
    }
    return 0;
}
