#include "media/image_file.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "errors.hpp"
#include "media/decoders.hpp"

namespace dgiqa {
namespace {

namespace fs = std::filesystem;

bool starts_with(const FileBytes &content, const char *magic, std::size_t length) {
    return content.size() >= length && std::memcmp(content.data(), magic, length) == 0;
}

FileBytes read_bytes(const std::string &path) {
    std::error_code code;
    if (!fs::exists(path, code)) throw Error(DGIQA_ERROR_SOURCE, path + " does not exist: check the name");
    if (!fs::is_regular_file(path, code))
        throw Error(DGIQA_ERROR_SOURCE, path + " is no regular file: give an image file");
    std::ifstream file(path, std::ios::binary);
    FileBytes content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) throw Error(DGIQA_ERROR_SOURCE, path + " cannot be read: check its permissions");
    if (content.empty()) throw Error(DGIQA_ERROR_SOURCE, path + " is empty: copy the file again");
    return content;
}

Picture decode(const FileBytes &content) {
    if (starts_with(content, "\xff\xd8\xff", 3)) return decode_jpeg(content);
    if (starts_with(content, "\x89PNG\r\n\x1a\n", 8)) return decode_png(content);
    if (starts_with(content, "P6", 2) || starts_with(content, "P5", 2)) return decode_ppm(content);
    throw Error(DGIQA_ERROR_SOURCE, "is damaged or of a kind that is not read here: give a JPEG, PNG, or binary PPM");
}

}  // namespace

Picture read_image(const std::string &path) {
    const FileBytes content = read_bytes(path);
    try {
        return decode(content);
    } catch (const Error &error) {
        throw Error(error.status(), path + " " + error.what());
    }
}

bool is_image_name(const std::string &path) {
    std::string suffix = fs::path(path).extension().string();
    std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    static const char *const known[] = {".jpg", ".jpeg", ".jpe", ".png", ".ppm", ".pgm"};
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
        std::vector<std::string> inside;
        for (const auto &entry : fs::directory_iterator(argument, code))
            if (entry.is_regular_file(code) && is_image_name(entry.path().string()))
                inside.push_back(entry.path().string());
        if (code) throw Error(DGIQA_ERROR_SOURCE, argument + " cannot be listed: " + code.message());
        if (inside.empty())
            throw Error(DGIQA_ERROR_SOURCE, argument + " holds no .jpg, .png or .ppm files: give another directory");
        std::sort(inside.begin(), inside.end());
        found.insert(found.end(), inside.begin(), inside.end());
    }
    return found;
}

}  // namespace dgiqa
