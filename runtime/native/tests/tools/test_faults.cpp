// What the tool says of the faults that a bundle reads.
#include "tool_runs.hpp"

TEST_CASE("score names the probable faults, and says where they are") {
    if (bundle().empty()) return;
    const Frames frames;
    frames.add("a.ppm", 51);
    const std::string faults = bundle("fused_faults") + " " + frames.path(), none = bundle() + " " + frames.path();
    const Json found = run("score --json " + faults).records.at(0), row = {0.8, 0.8, 0.8, 0.8};
    CHECK(found.at("faults") == Json({{"dark", 0.8}, {"over-exposed", 0.2}}));
    CHECK(found.at("coverage") == Json({{"dark", {row, row}}}));
    CHECK(says(run("score " + faults), "latency_ms  faults\n"));
    CHECK(says(run("score " + faults), "  dark\n"));
    CHECK(!says(run("score --json " + none), "faults"));
}

TEST_CASE("gate says which fault, where, and what is wrong too") {
    if (bundle().empty()) return;
    const Frames frames, settings;
    for (const char *name : {"a.ppm", "b.ppm"}) frames.add(name, 51);
    settings.write("policy.json", R"({"smoothing": {"method": "none"}, "start": {"readings": 1},
                                      "faults": {"dark": {"reject_above": 0.7, "accept_below": 0.5},
                                                 "over-exposed": {"accept_below": 0.1}}})");
    const Outcome outcome = run("gate --json " + bundle("fused_faults") + " --policy " + settings.file("policy.json") +
                                " " + frames.path());
    const Json found = outcome.records.at(0), row = {0.8, 0.8, 0.8, 0.8};
    CHECK(found.at("reason") == "too dark");
    CHECK(found.at("cue") == "faults.dark");
    CHECK(found.at("where") == Json({row, row}));
    CHECK(found.at("faults") == Json({{"dark", 0.8}, {"over-exposed", 0.2}}));
    CHECK(found.at("profile").is_null());
    CHECK(found.at("runner_up").at("reason") == "over-exposed");
    CHECK(found.at("runner_up").at("cue") == "faults.over-exposed");
    CHECK(found.at("runner_up").at("value").get<double>() == doctest::Approx(0.2));
    CHECK(found.at("runner_up").at("threshold") == 0.7);
}
