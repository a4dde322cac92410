// PNG through libpng: 8 bits, BGR, no alpha.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <string>

#include "errors.hpp"
#include "media/decoders.hpp"

namespace dgiqa {
namespace {

// What deflate can unpack at most from one byte.
constexpr std::uint64_t kMostBytesPerByte = 1032;
// libpng's number for "keep none": texts and palettes beside the picture, each of which may unpack to megabytes.
constexpr int kNothingBeside = 1;
// Of one piece of libpng's memory: a colour profile, EXIF, a row. It would believe whatever length a chunk claims.
constexpr png_alloc_size_t kMostBytesAtOnce = 8000000;

struct Source {
    const std::uint8_t *at;
    std::size_t left;
    char failure[128];
};

extern "C" void on_png_failure(png_structp png, png_const_charp text) {
    auto *source = static_cast<Source *>(png_get_error_ptr(png));
    std::strncpy(source->failure, text, sizeof source->failure - 1);
    png_longjmp(png, 1);
}

extern "C" void on_png_warning(png_structp, png_const_charp) {}

extern "C" png_voidp give_memory(png_structp, png_alloc_size_t size) {
    return size <= kMostBytesAtOnce ? std::malloc(size) : nullptr;
}

extern "C" void take_memory(png_structp, png_voidp memory) { std::free(memory); }

extern "C" void give_bytes(png_structp png, png_bytep to, png_size_t size) {
    auto *source = static_cast<Source *>(png_get_io_ptr(png));
    if (size > source->left) png_error(png, "the file is cut off");
    std::memcpy(to, source->at, size);
    source->at += size;
    source->left -= size;
}

// libpng's way out of an error is longjmp: no function below that sets a jump has an object to destroy.
class Reader {
public:
    explicit Reader(const FileBytes &content) : source_{content.data(), content.size(), {}} {
        png_ = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &source_, on_png_failure, on_png_warning, nullptr,
                                        give_memory, take_memory);
        info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
        if (info_ == nullptr) {
            png_destroy_read_struct(&png_, nullptr, nullptr);
            throw std::bad_alloc();
        }
    }
    ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;

    bool start() {
        if (setjmp(png_jmpbuf(png_)) != 0) return false;
        png_set_read_fn(png_, &source_, give_bytes);
        png_set_chunk_cache_max(png_, kNothingBeside);
        png_set_chunk_malloc_max(png_, kMostBytesAtOnce);
        png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // ours are told in words
        png_read_info(png_, info_);
        packed_row_bytes_ = png_get_rowbytes(png_, info_);
        return true;
    }
    // Once the size is one that is read: libpng takes memory for whole rows here.
    bool prepare() {
        if (setjmp(png_jmpbuf(png_)) != 0) return false;
        const int colour = png_get_color_type(png_, info_);
        png_set_strip_16(png_);
        png_set_packing(png_);
        if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
        if (!(colour & PNG_COLOR_MASK_COLOR)) {
            png_set_expand_gray_1_2_4_to_8(png_);
            png_set_gray_to_rgb(png_);
        }
        png_set_strip_alpha(png_);
        png_set_bgr(png_);
        passes_ = png_set_interlace_handling(png_);
        png_read_update_info(png_, info_);
        return true;
    }
    bool read(std::uint8_t *pixels, std::size_t stride) {
        if (setjmp(png_jmpbuf(png_)) != 0) return false;
        if (png_get_rowbytes(png_, info_) != stride) png_error(png_, "rows of an unknown kind");
        for (int pass = 0; pass < passes_; ++pass)
            for (png_uint_32 y = 0; y < height(); ++y) png_read_row(png_, pixels + y * stride, nullptr);
        png_read_end(png_, info_);
        return true;
    }
    png_uint_32 width() const { return png_get_image_width(png_, info_); }
    png_uint_32 height() const { return png_get_image_height(png_, info_); }
    // Of the rows as the file holds them, each behind its filter's byte.
    std::uint64_t unpacked_bytes() const { return (std::uint64_t{packed_row_bytes_} + 1) * height(); }
    const char *failure() const { return source_.failure; }
    int orientation() const {
#if defined(PNG_eXIf_SUPPORTED)
        png_bytep exif = nullptr;
        png_uint_32 size = 0;
        if (png_get_eXIf_1(png_, info_, &size, &exif) != 0) return exif_orientation(exif, size);
#endif
        return 1;
    }

private:
    Source source_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::size_t packed_row_bytes_ = 0;
    int passes_ = 1;
};

}  // namespace

Picture decode_png(const FileBytes &content) {
    Reader reader(content);
    if (!reader.start())
        throw Error(DGIQA_ERROR_SOURCE, std::string("is no PNG that can be decoded (") + reader.failure() + ")");
    check_image_size(reader.width(), reader.height());
    if (reader.unpacked_bytes() > kMostBytesPerByte * content.size())
        throw Error(DGIQA_ERROR_SOURCE, "is damaged: the PNG claims " + std::to_string(reader.width()) + "x" +
                                            std::to_string(reader.height()) + " pixels, more than its " +
                                            std::to_string(content.size()) + " bytes can hold; copy the file again");
    Picture picture(static_cast<int>(reader.height()), static_cast<int>(reader.width()), 3);
    if (!reader.prepare() || !reader.read(picture.pixels.data(), static_cast<std::size_t>(picture.width) * 3))
        throw Error(DGIQA_ERROR_SOURCE, std::string("is damaged (") + reader.failure() + "): copy the file again");
    return upright(std::move(picture), reader.orientation());
}

}  // namespace dgiqa
