// Profiles answer as the vectors in tests/vectors/profiles say: the same files that the Python gate is held to.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>

#include "errors.hpp"
#include "gate/policy_json.hpp"
#include "profiles/profiles_json.hpp"
#include "vector_files.hpp"

using nlohmann::json;

namespace {

json text(const char *words) { return words == nullptr ? json() : json(words); }

json answer(const dgiqa::Verdict &verdict) {
    const char *states[] = {"unknown", "pass", "reject"};
    return {{"state", states[verdict.state]}, {"reason", verdict.reason},       {"cue", text(verdict.cue)},
            {"changed", verdict.changed},     {"announced", verdict.announced}, {"profile", text(verdict.profile)}};
}

}  // namespace

TEST_CASE("every verdict of every vector is the expected one") {
    int files = 0;
    std::set<std::string> profiles;
    for (const fs::path &file : json_files("profiles")) {
        if (file.stem() == "refused") {
            continue;
        }
        ++files;
        const json document = json_file(file);
        CAPTURE(file.filename().string());
        const dgiqa::GatePolicy own = dgiqa::parse_policy(document["policy"]);
        dgiqa::ProfiledGate gate(own);
        gate.set_profiles(dgiqa::parse_profiles(document["settings"], own));
        REQUIRE(document["steps"].size() > 0);
        for (std::size_t index = 0; index < document["steps"].size(); ++index) {
            CAPTURE(index);
            const json &step = document["steps"][index];
            if (step.contains("tell")) {
                gate.tell(step["tell"][0].get<std::string>(), step["tell"][1].get<std::string>());
            }
            const dgiqa::Verdict verdict =
                gate.update(reading_of(step), step["t"].get<double>(), step["local_s"].get<double>());
            CHECK(answer(verdict) == step["expect"]);
            profiles.insert(verdict.profile == nullptr ? "" : verdict.profile);
        }
    }
    CHECK(files >= 7);
    CHECK(profiles.size() >= 5);
}

TEST_CASE("settings that break a rule are refused by their path") {
    for (const json &item : json_file(vector_folder("profiles") / "refused.json")) {
        const std::string path = item["path"].get<std::string>();
        CAPTURE(item.dump());
        CHECK_THROWS_WITH_AS(dgiqa::parse_profiles(item["settings"], dgiqa::standard_policy()),
                             doctest::Contains(path.c_str()), dgiqa::Error);
    }
}

TEST_CASE("a frame that is refused switches no profile") {
    const dgiqa::GatePolicy own = dgiqa::parse_policy({{"smoothing", {{"method", "none"}}},
                                                       {"start", {{"readings", 1}}},
                                                       {"dwell", {{"pass_s", 0}, {"cool_down_s", 0}}}});
    dgiqa::ProfiledGate gate(own);
    gate.set_profiles(dgiqa::read_profiles(R"({"profiles": [{"name": "late", "when": "22:00-06:00"}]})", own));
    dgiqa::Reading good, bad, wrong;
    good.cues.emplace();
    bad.cues.emplace();
    good.score = 0.9, bad.score = 0.1, wrong.score = 2.0;
    const double noon = 12 * 3600.0, late = 23 * 3600.0;
    CHECK(gate.update(good, 1.0, noon).state == DGIQA_PASS);
    for (const double t : {std::nan(""), HUGE_VAL, 0.5}) {
        CHECK_THROWS_AS(gate.update(good, t, late), dgiqa::Error);
    }
    CHECK_THROWS_AS(gate.update(wrong, 2.0, late), dgiqa::Error);
    const dgiqa::Verdict verdict = gate.update(bad, 2.0, noon);  // at once: no quiet time of a switch
    CHECK(verdict.state == DGIQA_REJECT);
    CHECK(std::string(verdict.profile) == "day");
}
