// How names of files are shown: the vectors that the Python package keeps too, and names of random bytes.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "errors.hpp"
#include "formats/names.hpp"
#include "formats/quoting.hpp"
#include "formats/whole_file.hpp"

namespace {

namespace fs = std::filesystem;

std::string bytes_of(const std::string &hex) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
        bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
    return bytes;
}

std::string failure_of(const std::string &path, std::uint64_t most, dgiqa::Accepts accepts = {}) {
    try {
        dgiqa::whole_file(path, most, accepts);
    } catch (const dgiqa::FileError &error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("names are shown as Python shows them") {
    nlohmann::json cases;
    std::ifstream(std::string(DGIQA_EDGE_SOURCE_DIR) + "/tests/vectors/names/cases.json") >> cases;
    CHECK(cases.size() > 200);
    for (const auto &one : cases) {
        CAPTURE(one.at("bytes").get<std::string>());
        const std::string name = bytes_of(one.at("bytes"));
        CHECK(dgiqa::valid_name(name) == one.at("valid").get<std::string>());
        CHECK(dgiqa::shown_name(name) == one.at("shown").get<std::string>());
    }
}

TEST_CASE("10,000 names of random bytes are one line of UTF-8, in errors, quotes, command lines and JSON") {
    std::mt19937 random(7);
    for (int round = 0; round < 10000; ++round) {
        std::string name;
        for (std::size_t length = 1 + random() % 40; name.size() < length;)
            name += static_cast<char>(1 + random() % 255);
        const dgiqa::Error error(DGIQA_ERROR_SOURCE, name + " does not exist");
        for (const std::string &text : {dgiqa::shown_name(name), std::string(error.what()), dgiqa::quoted(name),
                                        dgiqa::shell_joined({name}), dgiqa::valid_name(name)}) {
            CHECK_NOTHROW(nlohmann::json(text).dump());  // throws where the text is not UTF-8
            if (text != dgiqa::valid_name(name))
                for (const char letter : text) REQUIRE(static_cast<unsigned char>(letter) >= 0x20);
        }
        CHECK(dgiqa::shown_name(dgiqa::shown_name(name)) == dgiqa::shown_name(name));
    }
}

TEST_CASE("a file is read whole or refused: by its kind, and by its size before a byte is read") {
    std::string folder = (fs::temp_directory_path() / "dgiqa-files-XXXXXX").string();
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    const std::string file = folder + "/file", pipe = folder + "/pipe", loop = folder + "/loop";
    const std::string huge = folder + "/huge";
    std::ofstream(file) << "content";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    REQUIRE(symlink(loop.c_str(), loop.c_str()) == 0);
    std::ofstream(huge) << "";
    REQUIRE(truncate(huge.c_str(), off_t{1} << 40) == 0);
    CHECK(dgiqa::whole_text(file, 7) == "content");
    CHECK(failure_of(file, 6) == "has 7 bytes: at most 6 are read");
    CHECK(failure_of(huge, 1000) == "has 1099511627776 bytes: at most 1000 are read");
    CHECK(failure_of(folder, 1000) == "is a folder");
    CHECK(failure_of(pipe, 1000) == "is no regular file");
    CHECK(failure_of("/dev/zero", 1000, dgiqa::Accepts::kPipesToo) == "is no regular file");
    CHECK(failure_of(loop, 1000) == "cannot be read: Too many levels of symbolic links");
    CHECK(failure_of(folder + "/none", 1000) == "does not exist");
    CHECK(dgiqa::whole_text("/proc/self/stat", 1 << 20).size() > 10);  // states no size
    fs::remove_all(folder);
}
