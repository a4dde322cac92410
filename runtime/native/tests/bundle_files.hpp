// Small bundles that make_bundles.py wrote, copied to be changed, and the errors that they give.
#pragma once

#include <functional>

#include "errors.hpp"
#include "formats/sha256.hpp"
#include "formats/strict_json.hpp"
#include "test_files.hpp"

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
