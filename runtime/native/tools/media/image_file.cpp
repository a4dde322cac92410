#include "media/image_file.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>

#include "errors.hpp"
#include "formats/limits.hpp"
#include "formats/whole_file.hpp"
#include "media/decoders.hpp"

namespace dgiqa {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeadBytes = 16;

bool starts_with(const FileBytes &content, const char *magic, std::size_t length) {
    return content.size() >= length && std::memcmp(content.data(), magic, length) == 0;
}

// Pictures that a folder may hold beside those that are read, and that are counted.
const std::set<std::string> &unread_suffixes() {
    static const std::set<std::string> suffixes = {".arw", ".avif", ".bmp", ".cr2", ".cr3",  ".dib",  ".dng",
                                                   ".exr", ".gif",  ".hdr", ".heic", ".heif", ".hif",  ".ico",
                                                   ".jp2", ".jxl",  ".nef", ".orf", ".pbm",  ".pfm",  ".psd",
                                                   ".raf", ".raw",  ".rw2", ".svg", ".tif",  ".tiff", ".webp"};
    return suffixes;
}

std::string suffix_of(const std::string &path) {
    std::string suffix = fs::path(path).extension().string();
    std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return suffix;
}

struct Listing {
    std::vector<std::string> images;    // in the order of their names
    std::map<std::string, int> unread;  // by suffix
    std::error_code failure;
};

// What has an image's name and is no folder: a link into nowhere or a pipe is told when it is read, not left out.
Listing images_in(const std::string &folder) {
    Listing listing;
    fs::directory_iterator at(folder, listing.failure);
    for (const fs::directory_iterator end; !listing.failure && at != end; at.increment(listing.failure)) {
        std::error_code unknown;  // of one entry: it speaks for no other
        const std::string suffix = suffix_of(at->path().string());
        if (unread_suffixes().count(suffix) != 0) ++listing.unread[suffix];
        if (is_image_name(at->path().string()) && !at->is_directory(unknown))
            listing.images.push_back(at->path().string());
    }
    std::sort(listing.images.begin(), listing.images.end());
    return listing;
}

using Decoder = Picture (*)(const FileBytes &content);

// By the first bytes. Throws Error(DGIQA_ERROR_SOURCE): of another kind.
Decoder decoder_of(const FileBytes &content) {
    if (starts_with(content, "\xff\xd8\xff", 3)) return decode_jpeg;
    if (starts_with(content, "\x89PNG\r\n\x1a\n", 8)) return decode_png;
    if (starts_with(content, "P6", 2) || starts_with(content, "P5", 2)) return decode_ppm;
    throw Error(DGIQA_ERROR_SOURCE, "is damaged or of a kind that is not read here: give a JPEG, PNG, or binary PPM");
}

// Throws Error(DGIQA_ERROR_SOURCE), in words that follow the file's name.
FileBytes read_bytes(const std::string &path) {
    std::error_code code;
    if (fs::is_directory(path, code)) {
        const std::error_code failure = images_in(path).failure;
        throw Error(DGIQA_ERROR_SOURCE, failure ? "cannot be listed: " + failure.message()
                                                : "is a directory without images: give image files or their folder");
    }
    try {
        const FileBytes head = file_head(path, kHeadBytes);
        if (head.empty()) throw FileError("is empty (0 bytes): copy the file again");
        decoder_of(head);  // of another kind it is not read whole
        return whole_file(path, limits::most_image_bytes);
    } catch (const FileError &error) {
        const std::string reason = error.what();
        throw Error(DGIQA_ERROR_SOURCE, reason + (reason == "does not exist" ? ": check the name" : ""));
    }
}

}  // namespace

Picture decode_image(const FileBytes &content) { return decoder_of(content)(content); }

Picture read_image(const std::string &path) {
    try {
        return decode_image(read_bytes(path));
    } catch (const Error &error) {
        throw Error(error.status(), path + " " + error.what());
    }
}

bool is_image_name(const std::string &path) {
    const std::string suffix = suffix_of(path);
    static const char *const known[] = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".ppm", ".pgm"};
    return std::find(std::begin(known), std::end(known), suffix) != std::end(known);
}

std::vector<std::string> expand_images(const std::vector<std::string> &arguments) {
    std::vector<std::string> found;
    for (const std::string &argument : arguments) {
        std::error_code code;
        if (!fs::is_directory(argument, code)) {
            found.push_back(argument);
            continue;
        }
        const Listing inside = images_in(argument);
        if (inside.failure || inside.images.empty()) found.push_back(argument);
        found.insert(found.end(), inside.images.begin(), inside.images.end());
    }
    return found;
}

std::string left_out(const std::vector<std::string> &arguments) {
    std::map<std::string, int> counts;
    for (const std::string &argument : arguments)
        for (const auto &[suffix, count] : images_in(argument).unread) counts[suffix] += count;
    int sum = 0;
    std::string kinds;
    for (const auto &[suffix, count] : counts) {
        sum += count;
        kinds += (kinds.empty() ? "" : ", ") + suffix + " " + std::to_string(count);
    }
    if (sum == 0) return "";
    return "not read: " + std::to_string(sum) + " files of a kind that is not decoded here (" + kinds +
           "): convert them to JPEG";
}

}  // namespace dgiqa
