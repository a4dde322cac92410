// Files that tests read, and folders of their own that go when they end. Nothing else of the project is seen here.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace fs = std::filesystem;

// Folder of a small bundle of make_bundles.py; empty, with a message, where none were made: no Python with onnx at configure
// time.
inline fs::path bundle_folder(const std::string &name) {
    const char *folder = std::getenv("DGIQA_TEST_BUNDLES");
    if (folder != nullptr && fs::exists(fs::path(folder) / name)) return fs::path(folder) / name;
    MESSAGE("skipped: no test bundle '", name, "' (set DGIQA_TEST_BUNDLES to what make_bundles.py wrote)");
    return {};
}

inline std::string content_of(const fs::path &file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) throw std::runtime_error("cannot read " + file.string());
    std::ostringstream content;
    content << stream.rdbuf();
    return content.str();
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
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    const fs::path &path() const { return path_; }

private:
    fs::path path_;
};
