// The optimized graph that is kept: when it is made, when it is taken, when it is not trusted.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <sys/stat.h>

#include <chrono>
#include <set>

#include "bundle_files.hpp"
#include "engines/optimized_graph.hpp"

namespace {

// A user's cache and a graph, and how often it was optimized.
class Kept {
public:
    Kept() {
        setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
        write(graph(), "a graph");
    }
    fs::path graph() const { return folder_.path() / "graph.onnx"; }
    fs::path folder() const { return folder_.path() / "dgiqa-edge" / "optimized-native"; }
    std::string ask(const dgiqa::Json &identity = {{"files", "a"}}) {
        return dgiqa::optimized_graph(graph().string(), identity, [this](const std::string &path) {
            ++made;
            write(path, "optimized");
        });
    }
    int made = 0;

private:
    TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("it is made once, and its name says what it holds") {
    Kept kept;
    const std::string file = kept.ask();
    CHECK(content_of(file) == "optimized");
    CHECK(dgiqa::content_sha256(file) == dgiqa::sha256_text("optimized"));
    CHECK(kept.ask() == file);
    CHECK(kept.made == 1);
}

TEST_CASE("a file whose content has changed is made again") {
    for (const std::string content : {"", "optimizee"}) {
        Kept kept;
        const std::string file = kept.ask();
        write(file, content);
        CHECK(kept.ask() == file);
        CHECK(content_of(file) == "optimized");
        CHECK(kept.made == 2);
    }
}

TEST_CASE("names that are not whole, pipes and folders are passed by") {
    Kept kept;
    const fs::path file = kept.ask();
    const std::string key = file.stem().stem().string();
    CHECK(dgiqa::content_sha256(key + ".onnx").empty());
    fs::remove(file);
    write(kept.folder() / (key + ".onnx"), "optimized");
    CHECK(mkfifo((kept.folder() / (key + ".pipe.onnx")).c_str(), 0600) == 0);
    fs::create_directories(kept.folder() / (key + ".folder.onnx") / "inside");
    CHECK(kept.ask() == file);
    CHECK(kept.ask() == file);
    CHECK(kept.made == 2);
}

TEST_CASE("those used last are kept") {
    Kept kept;
    const auto aged = [](const fs::path &file, int hours) {
        fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(hours));
        return file;
    };
    const auto ask = [&](int number) { return fs::path(kept.ask({{"number", number}})); };
    std::vector<fs::path> files;
    for (int number = 0; number < 16; ++number) files.push_back(aged(ask(number), 100 + number));
    const fs::path others[] = {kept.folder() / "mine.onnx", kept.folder() / "graph.cache"};
    for (const fs::path &other : others) {
        write(other, "");
        aged(other, 1000);
    }
    CHECK(ask(15) == files[15]);  // the oldest until now
    std::set<fs::path> expected(files.begin(), files.begin() + 13);
    expected.insert({files[15], ask(16), ask(17), others[0], others[1]});
    CHECK(std::set<fs::path>(fs::directory_iterator(kept.folder()), fs::directory_iterator()) == expected);
}

TEST_CASE("what a killed process left behind goes a day later") {
    Kept kept;
    fs::create_directories(kept.folder());
    for (const char *name : {".partial-old", ".partial-new"}) write(kept.folder() / name, "half");
    fs::last_write_time(kept.folder() / ".partial-old", fs::file_time_type::clock::now() - std::chrono::hours(25));
    kept.ask();
    CHECK_FALSE(fs::exists(kept.folder() / ".partial-old"));
    CHECK(fs::exists(kept.folder() / ".partial-new"));
}

TEST_CASE("anything else that the result depends on makes another") {
    Kept kept;
    CHECK(kept.ask() != kept.ask({{"files", "b"}}));
    CHECK(kept.made == 2);
}

TEST_CASE("where it cannot be kept there is none, and nothing is left behind") {
    Kept kept;
    const auto fails = [](const std::string &path) {
        write(path, "half");
        throw std::runtime_error("no graph");
    };
    CHECK(dgiqa::optimized_graph(kept.graph().string(), {}, fails).empty());
    CHECK(fs::is_empty(kept.folder()));
    fs::remove_all(kept.folder());
    write(kept.folder(), "a file in the folder's place");
    CHECK(kept.ask().empty());
    setenv("XDG_CACHE_HOME", "relative", 1);
    unsetenv("HOME");
    CHECK(kept.ask().empty());
    CHECK(kept.made == 0);
}

TEST_CASE("a large graph is not copied") {
    Kept kept;
    fs::resize_file(kept.graph(), (64 << 20) + 1);
    CHECK(kept.ask().empty());
    CHECK(kept.made == 0);
}
