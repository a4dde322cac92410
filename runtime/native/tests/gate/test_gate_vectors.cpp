// The gate answers as the vectors in tests/vectors/gate say: the same files that the Python gate is held to.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "gate/baseline_json.hpp"
#include "gate/gate.hpp"
#include "gate/policy_json.hpp"
#include "vector_files.hpp"

using nlohmann::json;

namespace {

std::optional<dgiqa::Baseline> baseline(json document) {
    if (document.is_null()) {
        return std::nullopt;
    }
    document["kind"] = "dgiqa-edge camera baseline";
    document["version"] = 1;
    return dgiqa::read_baseline(document.dump(), dgiqa::OnUnusable::REFUSE)->baseline;
}

const char *state_word(dgiqa_state state) {
    return state == DGIQA_PASS ? "pass" : state == DGIQA_REJECT ? "reject" : "unknown";
}

// Every reason there is, as the Python package reads them.
std::set<std::string> vocabulary() {
    const json document = json_file(vector_folder("gate") / "../../../runtime/gate/vocabulary.json");
    std::set<std::string> words;
    for (const json &fault : document["faults"]) words.insert(fault["name"].get<std::string>());
    for (const auto &condition : document["conditions"].items()) words.insert(condition.key());
    return words;
}

void check_number(const char *name, const std::optional<double> &answer, const json &expected) {
    CAPTURE(name);
    REQUIRE(answer.has_value() == !expected.is_null());
    if (answer) {
        CHECK(std::abs(*answer - expected.get<double>()) <= 1e-12);
    }
}

void check_verdict(const dgiqa::Verdict &verdict, const json &expected) {
    CHECK(state_word(verdict.state) == expected["state"].get<std::string>());
    CHECK(verdict.reason == expected["reason"].get<std::string>());
    CHECK((verdict.cue == nullptr ? json() : json(verdict.cue)) == expected["cue"]);
    check_number("value", verdict.value, expected["value"]);
    check_number("threshold", verdict.threshold, expected["threshold"]);
    if (expected.contains("smoothed")) {
        check_number("smoothed", verdict.smoothed, expected["smoothed"]);
        CHECK(verdict.changed == expected["changed"].get<bool>());
        CHECK(verdict.overdue == expected["overdue"].get<bool>());
        CHECK(verdict.announced == expected["announced"].get<bool>());
    }
    if (expected.contains("runner_up")) {
        const json &other = expected["runner_up"];
        REQUIRE(verdict.runner_up.has_value() == !other.is_null());
        if (verdict.runner_up) {
            CHECK(verdict.runner_up->reason == other["reason"].get<std::string>());
            CHECK(verdict.runner_up->cue == other["cue"].get<std::string>());
            check_number("runner-up's value", verdict.runner_up->value, other["value"]);
            check_number("runner-up's threshold", verdict.runner_up->threshold, other["threshold"]);
        }
    }
}

}  // namespace

TEST_CASE("every verdict of every vector is the expected one") {
    std::set<std::string> reasons;
    int raised = 0;
    const auto files = json_files("gate");
    CHECK(files.size() >= 22);
    for (const auto &file : files) {
        const json document = json_file(file);
        dgiqa::Gate gate(dgiqa::parse_policy(document["policy"]), baseline(document["baseline"]));
        CAPTURE(file.filename().string());
        REQUIRE(document["steps"].size() > 0);
        for (std::size_t index = 0; index < document["steps"].size(); ++index) {
            CAPTURE(index);
            const json &step = document["steps"][index];
            const double t = step["t"].get<double>();
            if (step["expect"].contains("raises")) {
                CHECK_THROWS_AS(gate.update(reading_of(step), t), dgiqa::WatchdogError);
                ++raised;
                continue;
            }
            const dgiqa::Verdict verdict = gate.update(reading_of(step), t);
            check_verdict(verdict, step["expect"]);
            CHECK(verdict.score == number_of(step["score"]));
            reasons.insert(verdict.reason);
        }
    }
    CHECK(raised > 0);
    CHECK(reasons == vocabulary());
}

TEST_CASE("a learned baseline written and read again gives the same verdicts as one that was kept") {
    const json document = json_file(vector_folder("gate") / "case_learning.json");
    const dgiqa::GatePolicy policy = dgiqa::parse_policy(document["policy"]);
    dgiqa::Gate gate(policy);
    double t = 0.0;
    for (const json &step : document["steps"]) {
        t = step["t"].get<double>();
        gate.update(reading_of(step), t);
    }
    REQUIRE(gate.baseline().has_value());
    const std::string text = dgiqa::write_baseline({*gate.baseline(), "bundle-1"});
    const auto kept = dgiqa::read_baseline(text, dgiqa::OnUnusable::REFUSE);
    REQUIRE(kept.has_value());
    CHECK(kept->scorer_id == "bundle-1");
    CHECK(dgiqa::write_baseline(*kept) == text);
    dgiqa::Gate again(policy, kept->baseline);
    dgiqa::Reading low;
    low.score = 0.5;  // below 0.75 of the median 0.8, above the absolute threshold
    CHECK(again.update(low, 0.0).state == DGIQA_REJECT);
}

TEST_CASE("a watchdog that raises has taken the frame in and gives its verdict") {
    const json policy = {{"smoothing", {{"method", "none"}}},
                         {"dwell", {{"pass_s", 0}, {"reject_s", 0}, {"cool_down_s", 0}}},
                         {"start", {{"readings", 1}}},
                         {"watchdog", {{"max_reject_s", 2}, {"action", "raise"}}}};
    dgiqa::Gate gate(dgiqa::parse_policy(policy));
    dgiqa::Reading bad, good;
    bad.score = 0.1;
    good.score = 0.9;
    CHECK(gate.update(bad, 0.0).state == DGIQA_REJECT);
    try {
        gate.update(bad, 2.5);
        FAIL("the watchdog did not raise");
    } catch (const dgiqa::WatchdogError &error) {
        CHECK(std::string(error.what()) ==
              "frames rejected for 2.5 s (low quality), the policy allows 2 s: look at the camera, or raise "
              "watchdog.max_reject_s");
        CHECK(error.status() == DGIQA_ERROR_GATE);
        CHECK(error.verdict().state == DGIQA_REJECT);
        CHECK(error.verdict().overdue);
        CHECK(error.verdict().score == 0.1);
    }
    CHECK_THROWS_AS(gate.update(good, 2.0), dgiqa::Error);  // the time of the frame that raised counts
    CHECK(gate.update(good, 2.5).state == DGIQA_PASS);
}

TEST_CASE("time and readings out of range are refused and change nothing") {
    dgiqa::Gate gate{dgiqa::standard_policy()};
    dgiqa::Reading good;
    good.score = 0.9;
    gate.update(good, 1.0);
    for (const double t : {0.5, std::nan(""), HUGE_VAL, -HUGE_VAL}) {
        CHECK_THROWS_WITH_AS(gate.update(good, t), doctest::Contains("give it a monotonic clock"), dgiqa::Error);
    }
    for (const double score : {-0.1, 1.1, std::nan(""), HUGE_VAL}) {
        dgiqa::Reading wrong;
        wrong.score = score;
        CHECK_THROWS_WITH_AS(gate.update(wrong, 2.0), doctest::Contains("it must be a number from 0 to 1"),
                             dgiqa::Error);
    }
    dgiqa::Reading wrong = good;
    wrong.cues.emplace();
    wrong.cues->haze = HUGE_VAL;
    CHECK_THROWS_WITH_AS(gate.update(wrong, 2.0), doctest::Contains("the cue haze is inf"), dgiqa::Error);
    CHECK(std::string(gate.update(good, 1.0).reason) == "starting");  // the second reading that counts
    CHECK(std::string(gate.update(good, 1.5).reason) == "starting");  // the third: cooling down from here
    CHECK(gate.update(good, 2.0).state == DGIQA_PASS);
}
