// The command line as its users call it: exit codes, JSON Lines, counts.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <unistd.h>

#include <algorithm>

#include "tool_runs.hpp"

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
        {"gate --bundle x --fps 0 /tmp", "'0' is no number from 0.001 to 1000"},
        {"gate --bundle x --policy /nowhere.json /tmp", "/nowhere.json does not exist"},
        {"gate --bundle x --baseline /nowhere.json /tmp", "/nowhere.json does not exist"},
        {"gate --bundle x --fps nan /tmp", "'nan' is no number from"},
        {"gate --bundle x --fps -1 /tmp", "'-1' is no number from"},
        {"gate --bundle x --fps 1e300 /tmp", "'1e300' is no number from"},
        {"bench --bundle x --frames 0", "from 1 to"},
        {"bench --bundle x --frames 99999999999999999999", "from 1 to"},
        {"score --bundle x --threads 100000 p.png", "'100000' is no whole number from 1 to 256"},
        {"score --bundle x --threads 0x10 p.png", "'0x10' is no whole number from 1 to 256"},
        {"score --bundle x ''", "an empty argument is no path"},
        {"score --bundle '' p.png", "--bundle is empty"},
        {"gate --bundle x --policy /tmp /tmp", "/tmp is a folder"},
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
    for (int i : {0, 1}) CHECK(good.records[i].at("score").get<double>() == doctest::Approx(0.2 * (i + 1)));
    CHECK(good.records[0].at("width") == 64);
    CHECK(good.records[0].at("latency_ms").get<double>() > 0);
    frames.spoil("b.png");
    const Outcome bad = run("score --json " + bundle() + " " + frames.path());
    CHECK(bad.code == 3);
    REQUIRE(bad.records.size() == 3);
    CHECK(bad.records[1].at("error").get<std::string>().find("b.png") != std::string::npos);
    CHECK(says(run("score " + bundle() + " " + frames.path()), "2 scored, 1 failed"));
    const std::string photo = std::string(" '") + DGIQA_EDGE_SOURCE_DIR + "/tests/vectors/images/rgb.png'";
    CHECK(run("score --json --strict-size " + bundle() + photo).records.at(0).contains("error"));
    CHECK(says(run("score --fit letterbox " + bundle() + photo), "--fit: 'letterbox' is not one of stretch, pad, crop"));
    CHECK(run("score --json --fit pad " + bundle() + " " + frames.path()).records.at(0).at("score").get<double>() ==
          doctest::Approx(0.2));
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

TEST_CASE("what cannot be read is told for itself, the others are scored") {
    if (bundle().empty()) return;
    const Frames frames, empty;
    frames.add("a.ppm", 51);
    frames.add("z.ppm", 51);
    frames.link("loop.png", "loop.png");
    frames.link("nowhere.png", "/nowhere/at/all");
    frames.link("endless.png", "/dev/zero");
    const Outcome outcome = run("score --json " + bundle() + " " + empty.path() + " " + frames.file("loop.png") +
                                " /nowhere/at/all /dev/full " + frames.path());
    CHECK(outcome.code == 3);
    REQUIRE(outcome.records.size() == 9);
    int scored = 0;
    for (const Json &record : outcome.records) scored += record.contains("score") ? 1 : 0;
    CHECK(scored == 2);
    CHECK(says(outcome, "is a directory without images"));
    CHECK(says(outcome, "Too many levels of symbolic links"));
    CHECK(says(outcome, "endless.png is no regular file"));
    const Outcome gated = run("gate --json " + bundle() + " " + frames.path());
    CHECK(gated.code == 3);
    CHECK(gated.records.size() == 6);
}

TEST_CASE("names of any bytes: JSON that parses, one line a picture") {
    if (bundle().empty()) return;
    const Frames frames;
    for (const char *name : {"caf\xe9.ppm", "two\nlines.ppm", "esc\x1b[31m.ppm", "\xe2\x80\xaegpj.ppm"})
        frames.add(name, 51);
    const Outcome json = run("score --json " + bundle() + " " + frames.path() + " $'/none/caf\\xe9\\n.jpg'");
    CHECK(json.code == 3);
    REQUIRE(json.records.size() == 5);
    CHECK(json.records[0].at("image").get<std::string>().find("caf\\xe9.ppm") != std::string::npos);
    CHECK(json.records[2].at("image").get<std::string>().find("two\nlines.ppm") != std::string::npos);
    CHECK(json.records[4].at("error").get<std::string>().find("caf\\xe9\\n.jpg does not exist") != std::string::npos);
    const Outcome table = run("score " + bundle() + " " + frames.path());
    CHECK(table.code == 0);
    CHECK(std::count(table.output.begin(), table.output.end(), '\n') == 6);  // head, four pictures, sum
    CHECK(says(table, "two\\nlines.ppm"));
    CHECK(says(table, "esc\\x1b[31m.ppm"));
    CHECK(says(table, "\\u202egpj.ppm"));
    CHECK(run("gate --json " + bundle() + " " + frames.path()).records.size() == 5);
    const std::string image = " --image " + frames.file("caf\xe9.ppm") + " ";
    CHECK(run("bench --json --frames 1 --warmup 0" + image + bundle()).records.size() == 1);
    CHECK(says(run("score --bundle $'/none/b\\xff' x"), "/none/b\\xff does not exist"));
}

TEST_CASE("an output that cannot be written ends with 4 and its reason, one that nobody reads with 141") {
    if (bundle().empty()) return;
    const Frames frames;
    frames.add("a.ppm", 51);
    const std::string given = bundle() + " " + frames.path();
    const std::string commands[] = {"score " + given, "score --json " + given, "gate " + given,
                                    "bench --frames 2 --warmup 0 " + bundle(), "info --json", "--help",
                                    "score --help", "--version"};
    for (const std::string &command : commands) {
        CAPTURE(command);
        const Outcome full = run("2>&1 >/dev/full " + command);
        CHECK(full.code == 4);
        CHECK_MESSAGE(says(full, "the output cannot be written: No space left on device"), full.output);
        CHECK(run(">&- " + command).code == 0);  // as `dgiqa-edge` does: who closes it wants no output
        // The reader goes before the first line comes, but for the quickest commands.
        const Outcome gone = run(command + " | { exec <&-; }; exit ${PIPESTATUS[0]}");
        CHECK((gone.code == 141 || command.size() < 20));
        CHECK(!says(gone, "error"));
    }
}

TEST_CASE("SIGTERM and Ctrl-C end a long run after the frame at hand, and it says what was done") {
    if (bundle().empty()) return;
    const Frames frames;
    for (int i = 0; i < 20; ++i) frames.add("f" + std::to_string(i) + ".ppm", 51);
    std::string folders;
    for (int i = 0; i < 1500; ++i) folders += " " + frames.path();
    const std::string file = frames.file("rows");
    const std::vector<std::pair<std::string, int>> signals = {{"TERM", 143}, {"INT", 130}, {"HUP", 129}};
    for (const auto &[signal, code] : signals) {
        CAPTURE(signal);
        std::ofstream(fs::path(file.substr(1, file.size() - 2)).parent_path() / "rows") << "";
        const Outcome stopped =
            run("score --json " + bundle() + folders + " >" + file + " & p=$!; until [ -s " + file +
                " ] || ! kill -0 $p; do sleep 0.02; done; kill -" + signal + " $p; wait $p", "set -m; ");
        CHECK(stopped.code == code);
        CHECK_MESSAGE(says(stopped, "interrupted: "), stopped.output);
        CHECK(says(stopped, " of 30000 images were scored"));
    }
}

TEST_CASE("a video is judged at its own times, interlaced or not; what is lost is counted") {
    if (bundle().empty()) return;
    if (std::system("ffmpeg -version >/dev/null 2>&1") != 0) {
        MESSAGE("skipped: no program ffmpeg");
        return;
    }
    const Frames frames;
    const auto make = [&frames](const std::string &name, const std::string &arguments) {
        const std::string file = frames.file(name);
        const std::string command = "ffmpeg -v error -nostdin -f lavfi " + arguments + " " + file + " 2>/dev/null";
        REQUIRE(std::system(command.c_str()) == 0);
        return file;
    };
    const auto judged = [](const Outcome &outcome) {
        std::vector<Json> found;
        for (const Json &record : outcome.records)
            if (!record.contains("frames")) found.push_back(record);
        return found;
    };
    const std::string grey = "-i color=c=0x808080:s=64x48:r=10:d=2";
    const Outcome plain = run("gate --json " + bundle() + " " + make("plain.mkv", grey + " -c:v mpeg4 -q:v 2"));
    CHECK(plain.code == 0);
    REQUIRE(judged(plain).size() == 20);
    CHECK(judged(plain)[19].at("t_s").get<double>() == doctest::Approx(1.9));
    CHECK(judged(plain)[3].at("score").get<double>() == doctest::Approx(128.0 / 255).epsilon(0.02));
    CHECK(says(plain, "\"missing\":0"));
    CHECK(judged(run("gate --json --fps 5 " + bundle() + " " + frames.file("plain.mkv")))[19].at("t_s").get<double>() ==
          doctest::Approx(3.8));

    // Two moments woven together, white and black: neither field is what a comb of both would be.
    const Outcome woven = run("gate --json " + bundle() + " " +
                              make("woven.mpg", "-i color=c=0xc0c0c0:s=64x48:r=25:d=1 -flags +ildct+ilme -top 1 "
                                                "-vf setfield=tff -c:v mpeg2video -q:v 2"));
    REQUIRE(judged(woven).size() >= 24);
    CHECK(judged(woven)[3].at("score").get<double>() == doctest::Approx(192.0 / 255).epsilon(0.02));

    const std::string uneven =
        make("uneven.mkv", grey + " -vf \"setpts='if(lt(N,10),N/10,1+(N-10)/2)/TB'\" -vsync vfr -c:v mpeg4");
    const Outcome variable = run("gate --json " + bundle() + " " + uneven);
    CHECK(variable.code == 0);
    REQUIRE(judged(variable).size() == 20);
    CHECK(judged(variable)[9].at("t_s").get<double>() == doctest::Approx(0.9));
    CHECK(judged(variable)[19].at("t_s").get<double>() == doctest::Approx(5.5));

    const std::string moving = make("moving.mkv", "-i testsrc2=s=64x48:r=10:d=2 -c:v mpeg4 -q:v 2");
    const fs::path whole = moving.substr(1, moving.size() - 2);
    fs::resize_file(whole, fs::file_size(whole) / 2);
    const Outcome cut = run("gate --json " + bundle() + " '" + whole.string() + "'");
    CHECK(cut.code == 3);
    REQUIRE(judged(cut).size() < 20);
    REQUIRE(judged(cut).size() > 0);
    CHECK(says(cut, "holds 20 frames by its container, " + std::to_string(20 - judged(cut).size()) + " of them"));
    CHECK(says(cut, "\"missing\":" + std::to_string(20 - judged(cut).size())));
    CHECK(says(run("PATH=/none gate " + bundle() + " " + uneven), "apt-get install ffmpeg"));
}

TEST_CASE("the failing videos that are kept beside the project") {
    const fs::path faults = fs::path(DGIQA_EDGE_SOURCE_DIR).parent_path() / "shared" / "faults";
    if (bundle().empty()) return;
    if (!fs::exists(faults / "interlaced.mp4") || std::system("ffmpeg -version >/dev/null 2>&1") != 0) {
        MESSAGE("skipped: no ../shared/faults, or no program ffmpeg");
        return;
    }
    const auto outcome_of = [&faults](const char *name) {
        return run("gate --json " + bundle() + " '" + (faults / name).string() + "'");
    };
    const Outcome interlaced = outcome_of("interlaced.mp4");
    CHECK(interlaced.code == 0);
    REQUIRE(interlaced.records.size() == 51);
    CHECK(interlaced.records[0].at("score").get<double>() * 255 == doctest::Approx(114.7).epsilon(0.02));
    CHECK(outcome_of("good_i.mp4").records.size() == 51);
    CHECK(says(outcome_of("cut.mkv"), "holds 50 frames by its container, 45 of them"));
    CHECK(says(outcome_of("damaged_middle.mkv"), "holds 50 frames by its container, 48 of them"));
    CHECK(outcome_of("damaged_middle.mkv").code == 3);
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
