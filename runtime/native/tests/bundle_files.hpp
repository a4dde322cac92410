// Small bundles that make_bundles.py wrote, and folders of a test's own that go when it ends.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "errors.hpp"
#include "formats/sha256.hpp"
#include "formats/strict_json.hpp"

namespace fs = std::filesystem;

// Folder of a small bundle; empty, with a message, where none were made (no Python with onnx at configure time).
inline fs::path bundle_folder(const std::string &name) {
    const char *folder = std::getenv("DGIQA_TEST_BUNDLES");
    if (folder != nullptr && fs::exists(fs::path(folder) / name)) return fs::path(folder) / name;
    MESSAGE("skipped: no test bundle '", name, "' (set DGIQA_TEST_BUNDLES to what make_bundles.py wrote)");
    return {};
}

inline std::string content_of(const fs::path &file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline void write(const fs::path &file, const std::string &content) {
    std::ofstream(file, std::ios::binary) << content;
}

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "dgiqa-test-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    const fs::path &path() const { return path_; }

private:
    fs::path path_;
};

// A copy of a bundle whose manifest and files a test may change.
class BundleCopy {
public:
    explicit BundleCopy(const fs::path &source) : path_(folder_.path() / "bundle") {
        fs::copy(source, path_, fs::copy_options::recursive);
    }
    fs::path file(const std::string &name) const { return path_ / name; }
    std::string path() const { return path_.string(); }

    void edit(const std::function<void(dgiqa::Json &)> &change) const {
        dgiqa::Json document = dgiqa::parse_strictly(content_of(file("bundle.json")));
        change(document);
        write(file("bundle.json"), document.dump(2));
    }

    // Puts another content behind a listed name, hash and size included.
    void replace(const std::string &name, const std::string &content) const {
        write(file(name), content);
        edit([&](dgiqa::Json &document) {
            document["files"][name] = {{"sha256", dgiqa::sha256_text(content)}, {"bytes", content.size()}};
        });
    }

private:
    TemporaryFolder folder_;
    fs::path path_;
};

// The error that the body throws; an empty message where it throws none.
inline dgiqa::Error error_of(const std::function<void()> &body) {
    try {
        body();
    } catch (const dgiqa::Error &error) {
        return error;
    }
    return {DGIQA_OK, ""};
}

#define CHECK_ERROR(expected_status, expected_text, ...)                                      \
    do {                                                                                      \
        const dgiqa::Error found = error_of([&] { __VA_ARGS__; });                            \
        CHECK(found.status() == (expected_status));                                           \
        CHECK_MESSAGE(std::string(found.what()).find(expected_text) != std::string::npos,     \
                      "the message is: ", found.what(), ", expected in it: ", expected_text); \
        CHECK(std::string(found.what()).find('\n') == std::string::npos);                     \
    } while (false)
