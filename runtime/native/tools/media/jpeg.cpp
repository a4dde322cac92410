// JPEG as OpenCV decodes it: libjpeg-turbo with its slow integer transform and smooth chroma.

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>

#include "errors.hpp"
#include "media/decoders.hpp"
// Last, because it needs <cstdio> but does not include it.
#include <jerror.h>
#include <jpeglib.h>

namespace dgiqa {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr std::size_t kExifHead = 6;  // "Exif", two zeros
// A block of 8x8 pixels takes one bit at the very least (progressive, one component): 64 pixels to the bit.
constexpr std::uint64_t kMostPixelsPerByte = 512;
constexpr int kMostScans = 500;  // each passes over the whole picture; encoders write about ten

struct Failure {
    jpeg_error_mgr manager;  // first, because libjpeg hands back a pointer to it
    std::jmp_buf back;
    char text[JMSG_LENGTH_MAX];
    char damage[JMSG_LENGTH_MAX];  // the first warning that means wrong pixels
    bool padded;                   // bytes before the end of the image that belong to nothing
    int padding;
};

extern "C" void on_failure(j_common_ptr info) {
    auto *failure = reinterpret_cast<Failure *>(info->err);
    info->err->format_message(info, failure->text);
    std::longjmp(failure->back, 1);
}

extern "C" void on_message(j_common_ptr) {}

constexpr int kEndOfImage = 0xd9;

// The decoder goes on after these, with grey or garbage for the rest.
extern "C" void on_warning(j_common_ptr info, int level) {
    auto *failure = reinterpret_cast<Failure *>(info->err);
    if (level >= 0 || failure->damage[0] != '\0') return;
    if (info->err->msg_code == JWRN_EXTRANEOUS_DATA && info->err->msg_parm.i[1] == kEndOfImage) {
        failure->padded = true;
        failure->padding = info->err->msg_parm.i[0];
        return;
    }
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    const char *corrupt = "Corrupt JPEG data: ";
    if (std::strncmp(text, corrupt, std::strlen(corrupt)) == 0)
        std::strcpy(failure->damage, text + std::strlen(corrupt));
    else if (std::strncmp(text, "Premature end of JPEG", 21) == 0)
        std::strcpy(failure->damage, text);
}

extern "C" void on_progress(j_common_ptr info) {
    if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMostScans) return;
    auto *failure = reinterpret_cast<Failure *>(info->err);
    std::strncpy(failure->text, "more scans than any encoder writes", sizeof failure->text - 1);
    std::longjmp(failure->back, 1);
}

std::size_t last_of(const FileBytes &content, std::uint8_t marker) {
    for (std::size_t at = content.size(); at >= 2; --at)
        if (content[at - 2] == 0xff && content[at - 1] == marker) return at;
    return 0;
}

// libjpeg's way out of an error is longjmp: no function below that sets a jump has an object to destroy.
class Decoder {
public:
    explicit Decoder(const FileBytes &content) {
        info_.err = jpeg_std_error(&failure_.manager);
        failure_.manager.error_exit = on_failure;
        failure_.manager.output_message = on_message;
        failure_.manager.emit_message = on_warning;
        started_ = start(content.data(), content.size());
    }
    ~Decoder() { jpeg_destroy_decompress(&info_); }
    Decoder(const Decoder &) = delete;
    Decoder &operator=(const Decoder &) = delete;

    bool started() const { return started_; }
    const char *failure() const { return failure_.text; }
    // After reading: why pixels are wrong; empty where they are not. Some cameras pad their files with one byte.
    std::string damage(const FileBytes &content) const {
        if (failure_.damage[0] != '\0' || !failure_.padded) return failure_.damage;
        const std::size_t end = last_of(content, kEndOfImage), count = static_cast<std::size_t>(failure_.padding);
        const auto same = [&](std::uint8_t byte) { return byte == content[end - 3]; };
        const bool one_byte = end >= count + 3 && std::all_of(&content[end - 2 - count], &content[end - 2], same);
        return one_byte ? "" : std::to_string(count) + " extraneous bytes before marker 0xd9";
    }
    const jpeg_decompress_struct &info() const { return info_; }

    bool read(std::uint8_t *pixels, std::size_t stride) {
        if (setjmp(failure_.back) != 0) return false;
        progress_.progress_monitor = on_progress;
        info_.progress = &progress_;
        jpeg_start_decompress(&info_);
        while (info_.output_scanline < info_.output_height) {
            JSAMPROW row = pixels + info_.output_scanline * stride;
            jpeg_read_scanlines(&info_, &row, 1);
        }
        jpeg_finish_decompress(&info_);
        return true;
    }

    int orientation() const {
        for (jpeg_saved_marker_ptr marker = info_.marker_list; marker != nullptr; marker = marker->next)
            if (marker->marker == kExifMarker && marker->data_length > kExifHead &&
                std::memcmp(marker->data, "Exif\0\0", kExifHead) == 0)
                return exif_orientation(marker->data + kExifHead, marker->data_length - kExifHead);
        return 1;
    }

private:
    bool start(const std::uint8_t *content, std::size_t size) {
        if (setjmp(failure_.back) != 0) return false;
        jpeg_create_decompress(&info_);
        jpeg_mem_src(&info_, content, static_cast<unsigned long>(size));
        jpeg_save_markers(&info_, kExifMarker, 0xffff);
        jpeg_read_header(&info_, TRUE);
        info_.out_color_space = info_.num_components == 4 ? JCS_CMYK : JCS_EXT_BGR;
        info_.dct_method = JDCT_ISLOW;
        info_.do_fancy_upsampling = TRUE;
        return true;
    }

    jpeg_decompress_struct info_{};
    Failure failure_{};
    jpeg_progress_mgr progress_{};
    bool started_ = false;
};

void blue_green_red_of_ink(const std::uint8_t *cmyk, std::uint8_t *bgr) {
    const int black = cmyk[3];
    for (int c = 0; c < 3; ++c) bgr[c] = static_cast<std::uint8_t>(black - ((255 - cmyk[2 - c]) * black >> 8));
}

}  // namespace

Picture decode_jpeg(const FileBytes &content) {
    // The decoder fills what is missing with grey and reports success. Inside a scan no byte pair is a marker, so the
    // last start of a scan must be followed by an end of the image.
    if (last_of(content, 0xd9) < last_of(content, 0xda))
        throw Error(DGIQA_ERROR_SOURCE, "is cut off: the JPEG ends in the middle of its picture; copy the file again");
    Decoder decoder(content);
    if (!decoder.started())
        throw Error(DGIQA_ERROR_SOURCE, std::string("is no JPEG that can be decoded (") + decoder.failure() + ")");
    const std::uint64_t width = decoder.info().image_width, height = decoder.info().image_height;
    check_image_size(static_cast<std::int64_t>(width), static_cast<std::int64_t>(height));
    if (width * height > kMostPixelsPerByte * content.size())
        throw Error(DGIQA_ERROR_SOURCE, "is damaged: the JPEG claims " + std::to_string(width) + "x" +
                                            std::to_string(height) + " pixels, more than its " +
                                            std::to_string(content.size()) + " bytes can hold; copy the file again");
    const int orientation = decoder.orientation();  // now, because reading to the end forgets the markers
    const bool ink = decoder.info().out_color_space == JCS_CMYK;
    Picture raw(static_cast<int>(height), static_cast<int>(width), ink ? 4 : 3);
    if (!decoder.read(raw.pixels.data(), width * static_cast<std::size_t>(raw.channels)))
        throw Error(DGIQA_ERROR_SOURCE, std::string("is damaged (") + decoder.failure() + "): copy the file again");
    if (const std::string damage = decoder.damage(content); !damage.empty())
        throw Error(DGIQA_ERROR_SOURCE, "is damaged (" + damage + "): copy the file again");
    if (!ink) return upright(std::move(raw), orientation);
    Picture picture(raw.height, raw.width, 3);
    for (std::size_t pixel = 0; pixel < width * height; ++pixel)
        blue_green_red_of_ink(&raw.pixels[pixel * 4], &picture.pixels[pixel * 3]);
    return upright(std::move(picture), orientation);
}

}  // namespace dgiqa
