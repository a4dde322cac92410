// The command line as its users call it: exit codes, JSON Lines, counts.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Outcome {
    int code = -1;
    std::string output;  // with what it says of errors
    std::vector<Json> records;
};

Outcome run(const std::string &arguments) {
    const std::string command = std::string("'") + DGIQA_TOOL + "' " + arguments + " 2>&1";
    FILE *pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Outcome outcome;
    char part[4096];
    for (std::size_t got; (got = fread(part, 1, sizeof part, pipe)) > 0;) outcome.output.append(part, got);
    const int status = pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::istringstream lines(outcome.output);
    for (std::string line; std::getline(lines, line);)
        if (!line.empty() && line[0] == '{') outcome.records.push_back(Json::parse(line));
    return outcome;
}

bool says(const Outcome &outcome, const std::string &text) { return outcome.output.find(text) != std::string::npos; }

// Empty, with a message, where none were made.
std::string bundle() {
    const char *folder = std::getenv("DGIQA_TEST_BUNDLES");
    if (folder != nullptr && fs::exists(fs::path(folder) / "fused"))
        return "--bundle '" + std::string(folder) + "/fused'";
    MESSAGE("skipped: no test bundle (set DGIQA_TEST_BUNDLES to what make_bundles.py wrote)");
    return {};
}

// A folder of frames: grey PPM pictures, and what is no picture.
class Frames {
public:
    Frames() {
        std::string name = (fs::temp_directory_path() / "dgiqa-tool-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
    }
    ~Frames() { fs::remove_all(folder_); }
    Frames(const Frames &) = delete;
    Frames &operator=(const Frames &) = delete;
    void add(const std::string &name, int level) const {
        std::ofstream(folder_ / name, std::ios::binary) << "P6 64 48 255\n"
                                                        << std::string(64 * 48 * 3, static_cast<char>(level));
    }
    void spoil(const std::string &name) const { std::ofstream(folder_ / name) << "no picture"; }
    std::string path() const { return "'" + folder_.string() + "'"; }
    std::string file(const std::string &name) const { return "'" + (folder_ / name).string() + "'"; }

private:
    fs::path folder_;
};

}  // namespace

TEST_CASE("wrong usage ends with 2 and names what is wrong") {
    struct Wrong {
        const char *arguments;
        const char *message;
    };
    const Wrong table[] = {
        {"", "usage:"},
        {"paint", "no command 'paint'"},
        {"score --bundle x", "no images"},
        {"score photo.png", "--bundle is missing"},
        {"score --bundel x photo.png", "no option --bundel"},
        {"score --bundle", "needs a value"},
        {"score --json=yes x", "takes no value"},
        {"score --json --json x", "given twice"},
        {"score --threads many --bundle x p.png", "whole number"},
        {"gate --bundle x", "one video file or one directory"},
        {"gate --bundle x --fps 0 /tmp", "above 0"},
        {"gate --bundle x --policy /nowhere.json /tmp", "/nowhere.json cannot be read"},
        {"bench --bundle x --frames 0", "from 1 to"},
        {"info surplus", "takes no 'surplus'"},
    };
    for (const Wrong &one : table) {
        CAPTURE(one.arguments);
        const Outcome outcome = run(one.arguments);
        CHECK(outcome.code == 2);
        CHECK_MESSAGE(says(outcome, one.message), outcome.output);
    }
}

TEST_CASE("every command explains itself with an example") {
    for (const std::string command : {"score", "gate", "bench", "info"}) {
        const Outcome outcome = run(command + " --help");
        CHECK(outcome.code == 0);
        CHECK(says(outcome, "example:\n  dgiqa-edge-native " + command));
    }
    CHECK(run("--help").code == 0);
    CHECK(says(run("--version"), "dgiqa-edge-native 0."));
}

TEST_CASE("a bundle that is not there ends with 3") {
    const Frames frames;
    frames.add("a.ppm", 10);
    const Outcome outcome = run("score --bundle /nowhere/at/all " + frames.path());
    CHECK(outcome.code == 3);
    CHECK(says(outcome, "/nowhere/at/all"));
}

TEST_CASE("score gives one record an image, bad ones among them, and 3 where one was bad") {
    if (bundle().empty()) return;
    const Frames frames;
    frames.add("a.ppm", 51);
    frames.add("c.ppm", 102);
    const Outcome good = run("score --json " + bundle() + " " + frames.path());
    CHECK(good.code == 0);
    REQUIRE(good.records.size() == 2);
    CHECK(good.records[0].at("score").get<double>() == doctest::Approx(0.2));
    CHECK(good.records[1].at("score").get<double>() == doctest::Approx(0.4));
    CHECK(good.records[0].at("width") == 64);
    CHECK(good.records[0].at("latency_ms").get<double>() > 0);
    frames.spoil("b.png");
    const Outcome bad = run("score --json " + bundle() + " " + frames.path());
    CHECK(bad.code == 3);
    REQUIRE(bad.records.size() == 3);
    CHECK(bad.records[1].at("error").get<std::string>().find("b.png") != std::string::npos);
    CHECK(says(run("score " + bundle() + " " + frames.path()), "2 scored, 1 failed"));
    const Outcome strict =
        run("score --json --strict-size " + bundle() + " '" + DGIQA_EDGE_SOURCE_DIR + "/tests/vectors/images/rgb.png'");
    CHECK(strict.code == 3);
    CHECK(strict.records.at(0).contains("error"));
}

TEST_CASE("gate accounts for every frame; one that cannot be read is a camera without signal") {
    if (bundle().empty()) return;
    const Frames frames;
    for (const char *name : {"f0.ppm", "f1.ppm", "f3.ppm"}) frames.add(name, 120);
    frames.spoil("f2.ppm");
    const Outcome outcome = run("gate --json --fps 10 " + bundle() + " " + frames.path());
    CHECK(outcome.code == 3);
    REQUIRE(outcome.records.size() == 5);  // the last one is the summary
    std::vector<Json> judged;
    Json summary;
    for (const Json &record : outcome.records)
        (record.contains("frames") ? void(summary = record) : judged.push_back(record));
    REQUIRE(judged.size() == 4);
    for (std::size_t i = 0; i < judged.size(); ++i) {
        CHECK(judged[i].at("frame") == i);
        CHECK(judged[i].at("t_s").get<double>() == doctest::Approx(static_cast<double>(i) / 10));
        CHECK(judged[i].contains("error") == (i == 2));
        CHECK(judged[i].at("score").is_null() == (i == 2));
        CHECK(judged[i].at("cues").is_null() == (i == 2));
    }
    CHECK(judged[2].at("state") == "unknown");
    CHECK(judged[3].at("cues").at("change").is_null());  // nothing to compare with after the silence
    CHECK(summary.at("frames") == 4);
    CHECK(summary.at("not_readable") == 1);
    CHECK(summary.at("pass").get<int>() + summary.at("reject").get<int>() + summary.at("unknown").get<int>() == 4);
    CHECK(says(run("gate " + bundle() + " " + frames.path()), "4 frames:"));
}

TEST_CASE("a policy that breaks a rule ends with 2, a source that is none with 3") {
    if (bundle().empty()) return;
    const Frames frames;
    frames.add("a.ppm", 120);
    frames.spoil("policy.json");
    CHECK(run("gate " + bundle() + " --policy " + frames.file("policy.json") + " " + frames.path()).code == 2);
    CHECK(run("gate " + bundle() + " /nowhere/video.mp4").code == 3);
    const Outcome no_video = run("gate " + bundle() + " " + frames.file("policy.json"));
    CHECK((no_video.code == 3 || no_video.code == 4));  // 4: built without GStreamer
}

TEST_CASE("bench reports every stage, info the build and the bundle") {
    if (bundle().empty()) return;
    const Outcome bench = run("bench --json --frames 5 --warmup 1 " + bundle());
    CHECK(bench.code == 0);
    REQUIRE(bench.records.size() == 1);
    const Json &report = bench.records[0];
    for (const char *stage : {"total", "resize", "engine", "cues_and_gate"}) {
        const Json &row = report.at("latency_ms").at(stage);
        CHECK(row.at("p50").get<double>() <= row.at("p90").get<double>());
        CHECK(row.at("p90").get<double>() <= row.at("p99").get<double>());
    }
    CHECK(report.at("frames") == 5);
    CHECK(report.at("peak_rss_mib").get<double>() > 1);
    CHECK(report.at("startup").at("first_verdict_ms").get<double>() > 0);
    CHECK(says(run("bench --frames 2 --warmup 0 " + bundle()), "peak memory"));
    const Outcome info = run("info --json " + bundle());
    CHECK(info.code == 0);
    CHECK(info.records.at(0).at("library").contains("version"));
    CHECK(info.records.at(0).at("scorer").at("frame").at("width") == 64);
}
