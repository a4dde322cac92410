// Image files through the native readers: OpenCV's pixels, and one-line errors for what is no whole image.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "errors.hpp"
#include "media/decoders.hpp"
#include "media/image_file.hpp"

namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(DGIQA_EDGE_SOURCE_DIR) / "tests" / "vectors" / "images";

std::vector<std::uint8_t> bytes_of(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A folder of its own, gone with the test.
class Scratch {
public:
    Scratch() {
        std::string name = (fs::temp_directory_path() / "dgiqa-media-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
    }
    ~Scratch() { fs::remove_all(folder_); }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    const fs::path &folder() const { return folder_; }
    std::string write(const std::string &name, const std::vector<std::uint8_t> &content) const {
        std::ofstream(folder_ / name, std::ios::binary)
            .write(reinterpret_cast<const char *>(content.data()), static_cast<std::streamsize>(content.size()));
        return (folder_ / name).string();
    }

private:
    fs::path folder_;
};

std::string failure_of(const std::string &path) {
    try {
        dgiqa::read_image(path);
    } catch (const dgiqa::Error &error) {
        CHECK(error.status() == DGIQA_ERROR_SOURCE);
        return error.what();
    }
    return "";
}

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every kind of file decodes to OpenCV's pixels") {
    nlohmann::json cases;
    std::ifstream(kFolder / "cases.json") >> cases;
    const std::vector<std::uint8_t> pixels = bytes_of(kFolder / "pixels.bin");
    CHECK(cases.size() >= 25);
    for (const auto &one : cases) {
        CAPTURE(one.at("file").get<std::string>());
        const dgiqa::Picture picture = dgiqa::read_image((kFolder / one.at("file").get<std::string>()).string());
        CHECK(picture.height == one.at("height").get<int>());
        CHECK(picture.width == one.at("width").get<int>());
        const auto start = pixels.begin() + one.at("bgr").at(0).get<std::ptrdiff_t>();
        CHECK(picture.pixels == std::vector<std::uint8_t>(start, start + one.at("bgr").at(1).get<std::ptrdiff_t>()));
    }
}

TEST_CASE("a file cut off anywhere is refused or read whole, never more") {
    const Scratch scratch;
    for (const char *name : {"420.jpg", "progressive.jpg", "orientation6.jpg", "rgb.png", "palette.png", "rgb.ppm"}) {
        const std::vector<std::uint8_t> whole = bytes_of(kFolder / name);
        CAPTURE(name);
        for (std::size_t size = 1; size + 2 < whole.size(); size += 1 + size / 16) {
            CAPTURE(size);
            const std::string path = scratch.write(name, {whole.begin(), whole.begin() + static_cast<long>(size)});
            const std::string failure = failure_of(path);
            const bool lacks_only_its_end = contains(name, ".png") && size + 12 >= whole.size();
            if (!lacks_only_its_end) CHECK(contains(failure, path));
        }
    }
}

TEST_CASE("damaged bytes never crash a reader") {
    const Scratch scratch;
    unsigned state = 12345;
    for (const char *name : {"420.jpg", "cmyk.jpg", "orientation8.jpg", "rgba.png", "deep.png", "comment.ppm"}) {
        const std::vector<std::uint8_t> whole = bytes_of(kFolder / name);
        for (int round = 0; round < 200; ++round) {
            std::vector<std::uint8_t> damaged = whole;
            for (int hit = 0; hit < 4; ++hit) {
                state = state * 1664525u + 1013904223u;
                damaged[(state >> 8) % damaged.size()] = static_cast<std::uint8_t>(state >> 24);
            }
            const std::string path = scratch.write(name, damaged);
            try {
                const dgiqa::Picture picture = dgiqa::read_image(path);
                CHECK(picture.pixels.size() == static_cast<std::size_t>(picture.height) * picture.width * 3);
            } catch (const dgiqa::Error &error) {
                CHECK(contains(error.what(), path));
            }
        }
    }
}

TEST_CASE("what is no image is refused with what to do") {
    const Scratch scratch;
    CHECK(contains(failure_of((scratch.folder() / "absent.png").string()), "does not exist"));
    CHECK(contains(failure_of(scratch.folder().string()), "no regular file"));
    CHECK(contains(failure_of(scratch.write("empty.jpg", {})), "is empty"));
    CHECK(contains(failure_of(scratch.write("text.png", {'h', 'e', 'l', 'l', 'o'})), "give a JPEG, PNG"));
    const std::string deep = "P6 2 1 65535\n";
    CHECK(contains(failure_of(scratch.write("deep.ppm", {deep.begin(), deep.end()})), "8 bits"));
    const std::string huge = "P5 99999999 99999999 255\n";
    CHECK(contains(failure_of(scratch.write("huge.pgm", {huge.begin(), huge.end()})), "32768"));
    std::vector<std::uint8_t> claims = bytes_of(kFolder / "grey.jpg");
    for (std::size_t at = 0; at + 9 < claims.size(); ++at)
        if (claims[at] == 0xff && claims[at + 1] == 0xc0) claims[at + 5] = claims[at + 7] = 0x7f;
    CHECK(contains(failure_of(scratch.write("claims.jpg", claims)), "more than its"));
}

TEST_CASE("a directory stands for its images in the order of their names") {
    const Scratch scratch;
    for (const char *name : {"b.png", "a.JPG", "notes.txt", "c.ppm"}) scratch.write(name, {1});
    const std::string folder = scratch.folder().string() + "/";
    CHECK(dgiqa::expand_images({scratch.folder().string(), "x.png"}) ==
          std::vector<std::string>{folder + "a.JPG", folder + "b.png", folder + "c.ppm", "x.png"});
    fs::create_directory(scratch.folder() / "empty");
    CHECK_THROWS_AS(dgiqa::expand_images({folder + "empty"}), dgiqa::Error);
}
