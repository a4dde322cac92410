// Image files through the native readers: OpenCV's pixels, and one-line errors for what is no whole image.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "errors.hpp"
#include "media/decoders.hpp"
#include "media/image_file.hpp"
#include "test_files.hpp"

namespace {

const fs::path kFolder = fs::path(DGIQA_EDGE_SOURCE_DIR) / "tests" / "vectors" / "images";

std::vector<std::uint8_t> bytes_of(const fs::path &path) {
    const std::string content = content_of(path);
    return {content.begin(), content.end()};
}

class Scratch {
public:
    const fs::path &folder() const { return folder_.path(); }
    std::string write(const std::string &name, const std::vector<std::uint8_t> &content) const {
        ::write(folder() / name, {content.begin(), content.end()});
        return (folder() / name).string();
    }

private:
    TemporaryFolder folder_;
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

// The most memory that this process has held, in MiB.
double peak_mib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

void put(std::vector<std::uint8_t> &to, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(number >> shift));
}

void add_chunk(std::vector<std::uint8_t> &png, const std::string &name, const std::vector<std::uint8_t> &data) {
    put(png, static_cast<std::uint32_t>(data.size()));
    std::vector<std::uint8_t> body(name.begin(), name.end());
    body.insert(body.end(), data.begin(), data.end());
    png.insert(png.end(), body.begin(), body.end());
    put(png, static_cast<std::uint32_t>(crc32(0, body.data(), static_cast<uInt>(body.size()))));
}

std::vector<std::uint8_t> packed(const std::vector<std::uint8_t> &bytes) {
    uLongf size = compressBound(bytes.size());
    std::vector<std::uint8_t> result(size);
    REQUIRE(compress2(result.data(), &size, bytes.data(), bytes.size(), 9) == Z_OK);
    result.resize(size);
    return result;
}

// An RGB picture whose header claims a size and whose data are those of 4x4 black pixels.
std::vector<std::uint8_t> png_that_claims(std::uint32_t width, std::uint32_t height,
                                          const std::vector<std::vector<std::uint8_t>> &texts = {}) {
    std::vector<std::uint8_t> png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, header;
    put(header, width);
    put(header, height);
    for (const int byte : {8, 2, 0, 0, 0}) header.push_back(static_cast<std::uint8_t>(byte));
    add_chunk(png, "IHDR", header);
    for (const auto &text : texts) add_chunk(png, "zTXt", text);
    add_chunk(png, "IDAT", packed(std::vector<std::uint8_t>(4 * 13)));
    add_chunk(png, "IEND", {});
    return png;
}

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every kind of file decodes to OpenCV's pixels") {
    const nlohmann::json cases = nlohmann::json::parse(content_of(kFolder / "cases.json"));
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
    CHECK(contains(failure_of(scratch.folder().string()), "is a directory without images"));
    CHECK(contains(failure_of(scratch.write("empty.jpg", {})), "is empty"));
    CHECK(contains(failure_of(scratch.write("text.png", {'h', 'e', 'l', 'l', 'o'})), "give a JPEG, PNG"));
    const std::string deep = "P6 2 1 65535\n";
    CHECK(contains(failure_of(scratch.write("deep.ppm", {deep.begin(), deep.end()})), "8 bits"));
    const std::string huge = "P5 99999999 99999999 255\n";
    CHECK(contains(failure_of(scratch.write("huge.pgm", {huge.begin(), huge.end()})), "65535 per side"));
    std::vector<std::uint8_t> claims = bytes_of(kFolder / "grey.jpg");
    for (std::size_t at = 0; at + 9 < claims.size(); ++at)
        if (claims[at] == 0xff && claims[at + 1] == 0xc0) claims[at + 5] = claims[at + 7] = 0x1f;
    CHECK(contains(failure_of(scratch.write("claims.jpg", claims)), "more than its"));
}

TEST_CASE("what a file claims costs no memory") {
    const Scratch scratch;
    [[maybe_unused]] const double before = peak_mib();
    CHECK(dgiqa::read_image(scratch.write("fair.png", png_that_claims(4, 4))).pixels.size() == 48);
    CHECK(contains(failure_of(scratch.write("huge.png", png_that_claims(30000, 30000))),
                   "claims 30000x30000 pixels, more than the 268435456"));
    CHECK(contains(failure_of(scratch.write("large.png", png_that_claims(16000, 16000))), "bytes can hold"));
    CHECK(contains(failure_of(scratch.write("wide.png", png_that_claims(0x7fffffff, 1))), "claims 2147483647x1"));
    CHECK(contains(failure_of(scratch.write("none.png", png_that_claims(0, 4))), "no PNG"));
    std::vector<std::uint8_t> text = {'k', 0, 0};
    const std::vector<std::uint8_t> bomb = packed(std::vector<std::uint8_t>(7 << 20));
    text.insert(text.end(), bomb.begin(), bomb.end());
    const auto bombs = png_that_claims(4, 4, std::vector<std::vector<std::uint8_t>>(60, text));
    CHECK(dgiqa::read_image(scratch.write("texts.png", bombs)).height == 4);
    std::vector<std::uint8_t> exif = png_that_claims(4, 4);
    const std::uint8_t two_gib[] = {0x7f, 0xff, 0xff, 0xf0, 'e', 'X', 'I', 'f'};
    exif.insert(exif.begin() + 33, std::begin(two_gib), std::end(two_gib));
    CHECK(contains(failure_of(scratch.write("exif.png", exif)), "PNG"));
    const std::string ppm = "P6 16000 16000 255\n";
    CHECK(contains(failure_of(scratch.write("claims.ppm", {ppm.begin(), ppm.end()})), "is cut off"));
    const std::string sparse = scratch.write("sparse.png", {});
    REQUIRE(truncate(sparse.c_str(), off_t{1} << 40) == 0);
    CHECK(contains(failure_of(sparse), "of a kind that is not read here"));  // by its first bytes
    std::ofstream(sparse, std::ios::binary | std::ios::in).write("\x89PNG\r\n\x1a\n", 8);
    CHECK(contains(failure_of(sparse), "at most 2147483648 are read"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(peak_mib() - before < 48);
#endif
}

TEST_CASE("a JPEG of endless scans ends") {
    const std::vector<std::uint8_t> whole = bytes_of(kFolder / "progressive.jpg");
    std::size_t scan = whole.size();
    while (scan > 0 && !(whole[scan - 1] == 0xda && whole[scan - 2] == 0xff)) --scan;
    REQUIRE(scan > 2);
    std::vector<std::uint8_t> endless(whole.begin(), whole.end() - 2);
    for (int i = 0; i < 600; ++i)
        endless.insert(endless.end(), whole.begin() + static_cast<long>(scan) - 2, whole.end() - 2);
    endless.insert(endless.end(), {0xff, 0xd9});
    const Scratch scratch;
    CHECK(contains(failure_of(scratch.write("endless.jpg", endless)), "is damaged"));
}

TEST_CASE("what cannot be read in a folder or beside it is told for itself") {
    const Scratch scratch;
    const std::string folder = scratch.folder().string() + "/";
    scratch.write("good.ppm", {'P', '5', ' ', '1', ' ', '1', ' ', '2', '5', '5', '\n', 9});
    REQUIRE(symlink((folder + "loop.png").c_str(), (folder + "loop.png").c_str()) == 0);
    REQUIRE(symlink("/nowhere/at/all", (folder + "dangling.png").c_str()) == 0);
    REQUIRE(mkfifo((folder + "pipe.png").c_str(), 0600) == 0);
    REQUIRE(symlink("/dev/zero", (folder + "endless.png").c_str()) == 0);
    fs::create_directory(folder + "folder.png");
    const std::vector<std::string> found = dgiqa::expand_images({scratch.folder().string(), folder + "loop.png"});
    CHECK(found == std::vector<std::string>{folder + "dangling.png", folder + "endless.png", folder + "good.ppm",
                                            folder + "loop.png", folder + "pipe.png", folder + "loop.png"});
    CHECK(dgiqa::read_image(folder + "good.ppm").pixels == std::vector<std::uint8_t>{9, 9, 9});
    CHECK(contains(failure_of(folder + "loop.png"), "Too many levels of symbolic links"));
    CHECK(contains(failure_of(folder + "dangling.png"), "does not exist"));
    CHECK(contains(failure_of(folder + "pipe.png"), "is no regular file"));
    CHECK(contains(failure_of(folder + "endless.png"), "is no regular file"));
}

TEST_CASE("a directory stands for its images in the order of their names") {
    const Scratch scratch;
    for (const char *name : {"b.png", "a.JPG", "notes.txt", "c.ppm"}) scratch.write(name, {1});
    const std::string folder = scratch.folder().string() + "/";
    CHECK(dgiqa::expand_images({scratch.folder().string(), "x.png"}) ==
          std::vector<std::string>{folder + "a.JPG", folder + "b.png", folder + "c.ppm", "x.png"});
    fs::create_directory(scratch.folder() / "empty");
    CHECK(dgiqa::expand_images({folder + "empty"}) == std::vector<std::string>{folder + "empty"});
}
