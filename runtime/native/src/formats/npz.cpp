#include "formats/npz.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "formats/limits.hpp"
#include "formats/npy.hpp"
#include "formats/whole_file.hpp"

namespace dgiqa {
namespace {

// PKWARE's APPNOTE.TXT: records are found from the end of the file, all numbers are little-endian.
constexpr std::size_t END_RECORD_BYTES = 22, DIRECTORY_ENTRY_BYTES = 46, LOCAL_HEADER_BYTES = 30;
constexpr std::size_t LONGEST_COMMENT = 65535;
constexpr std::uint32_t END_SIGNATURE = 0x06054b50, ENTRY_SIGNATURE = 0x02014b50, LOCAL_SIGNATURE = 0x04034b50;
constexpr std::uint32_t IN_ZIP64_EXTRA = 0xffffffff;
constexpr int STORED = 0, DEFLATED = 8;
constexpr std::uint64_t LARGEST_FILE_BYTES = 5 * limits::most_pixels;  // the largest frame and its depth, stored
constexpr std::size_t LONGEST_NPY_HEADER = 4096;

std::size_t number(const std::vector<std::uint8_t> &bytes, std::size_t offset, int width) {
    if (offset > bytes.size() || bytes.size() - offset < static_cast<std::size_t>(width))
        throw NpzError("it is cut off");
    std::size_t value = 0;
    for (int i = width - 1; i >= 0; --i) value = (value << 8) | bytes[offset + static_cast<std::size_t>(i)];
    return value;
}

std::vector<std::uint8_t> content_of(const std::string &path) {
    try {
        return whole_file(path, LARGEST_FILE_BYTES);
    } catch (const FileError &error) {
        throw NpzError(std::string("it ") + error.what());
    }
}

std::size_t end_record(const std::vector<std::uint8_t> &content) {
    if (content.size() < END_RECORD_BYTES) throw NpzError("it is not a zip file");
    const std::size_t last = content.size() - END_RECORD_BYTES;
    const std::size_t first = last > LONGEST_COMMENT ? last - LONGEST_COMMENT : 0;
    for (std::size_t at = last + 1; at-- > first;)
        if (number(content, at, 4) == END_SIGNATURE) return at;
    throw NpzError("it is not a zip file");
}

}  // namespace

NpzFile::NpzFile(const std::string &path) : content_(content_of(path)) { read_directory(); }

void NpzFile::read_directory() {
    const std::size_t end = end_record(content_);
    const std::size_t count = number(content_, end + 10, 2);
    std::size_t at = number(content_, end + 16, 4);
    for (std::size_t index = 0; index < count; ++index) {
        if (number(content_, at, 4) != ENTRY_SIGNATURE) throw NpzError("its directory is damaged");
        const std::size_t flags = number(content_, at + 8, 2);
        Member member;
        member.method = static_cast<int>(number(content_, at + 10, 2));
        member.crc = static_cast<std::uint32_t>(number(content_, at + 16, 4));
        member.packed_bytes = number(content_, at + 20, 4);
        member.unpacked_bytes = number(content_, at + 24, 4);
        const std::size_t name_bytes = number(content_, at + 28, 2);
        const std::size_t beside = number(content_, at + 30, 2) + number(content_, at + 32, 2);
        member.header_offset = number(content_, at + 42, 4);
        const std::size_t name_at = at + DIRECTORY_ENTRY_BYTES;
        if (name_at + name_bytes > content_.size()) throw NpzError("it is cut off");
        std::string name(content_.begin() + static_cast<std::ptrdiff_t>(name_at),
                         content_.begin() + static_cast<std::ptrdiff_t>(name_at + name_bytes));
        if (flags & 1) throw NpzError("it is encrypted");
        if (member.packed_bytes == IN_ZIP64_EXTRA || member.unpacked_bytes == IN_ZIP64_EXTRA ||
            member.header_offset == IN_ZIP64_EXTRA)
            throw NpzError("it holds an array of 4 GiB or more");
        if (name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0) {
            name.resize(name.size() - 4);
            if (!members_.emplace(name, member).second) throw NpzError("it holds an array twice");
        }
        at = name_at + name_bytes + beside;
    }
}

NpyArray NpzFile::read(const std::string &name, std::size_t most_bytes) const {
    const Member &member = members_.at(name);
    if (member.unpacked_bytes > most_bytes + LONGEST_NPY_HEADER)
        throw NpzError("the array '" + name + "' has " + std::to_string(member.unpacked_bytes) + " bytes, at most " +
                       std::to_string(most_bytes) + " were expected");
    return array_of_npy(unpacked(member), name);
}

std::vector<std::uint8_t> NpzFile::unpacked(const Member &member) const {
    if (number(content_, member.header_offset, 4) != LOCAL_SIGNATURE) throw NpzError("a member's header is damaged");
    const std::size_t start = member.header_offset + LOCAL_HEADER_BYTES +
                              number(content_, member.header_offset + 26, 2) +
                              number(content_, member.header_offset + 28, 2);
    if (start > content_.size() || content_.size() - start < member.packed_bytes) throw NpzError("it is cut off");
    const std::uint8_t *packed = content_.data() + start;
    std::vector<std::uint8_t> bytes;
    if (member.method == STORED) {
        if (member.packed_bytes != member.unpacked_bytes) throw NpzError("its directory is damaged");
        bytes.assign(packed, packed + member.packed_bytes);
    } else if (member.method == DEFLATED) {
        bytes.resize(member.unpacked_bytes + 1);  // one more: a member that gives more than it says is noticed
        z_stream stream = {};
        if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
        stream.next_in = const_cast<Bytef *>(packed);
        stream.avail_in = static_cast<uInt>(member.packed_bytes);
        stream.next_out = bytes.data();
        stream.avail_out = static_cast<uInt>(std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max()));
        const int outcome = inflate(&stream, Z_FINISH);
        const std::size_t given = stream.total_out;
        inflateEnd(&stream);
        if (outcome != Z_STREAM_END || given != member.unpacked_bytes) throw NpzError("a member cannot be unpacked");
        bytes.resize(given);
    } else {
        throw NpzError("a member is packed by the unknown method " + std::to_string(member.method));
    }
    std::uint32_t crc = 0;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t part = std::min<std::size_t>(bytes.size() - at, 1u << 30);
        crc = static_cast<std::uint32_t>(crc32(crc, bytes.data() + at, static_cast<uInt>(part)));
        at += part;
    }
    if (crc != member.crc) throw NpzError("a member's checksum is wrong");
    return bytes;
}

}  // namespace dgiqa
