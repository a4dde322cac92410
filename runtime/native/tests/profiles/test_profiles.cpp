// Profiles answer as the vectors in tests/vectors/profiles say: the same files that the Python gate is held to.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "errors.hpp"
#include "gate/policy_json.hpp"
#include "profiles/profiles_json.hpp"
#include "vector_files.hpp"

using nlohmann::json;

namespace {

std::optional<double> number(const json &value) {
    return value.is_null() ? std::nullopt : std::optional<double>(value.get<double>());
}

dgiqa::Reading reading_of(const json &step) {
    dgiqa::Reading reading;
    reading.score = number(step["score"]);
    if (!step["cues"].is_null()) {
        reading.cues.emplace();
        for (const auto &field : dgiqa::CUE_FIELDS) {
            if (step["cues"].contains(field.name)) {
                *reading.cues.*field.value = step["cues"][field.name].get<double>();
            }
        }
    }
    return reading;
}

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
    for (const auto &entry : std::filesystem::directory_iterator(vector_folder("profiles"))) {
        if (entry.path().extension() != ".json" || entry.path().stem() == "refused") {
            continue;
        }
        ++files;
        const json document = json_file(entry.path());
        CAPTURE(entry.path().filename().string());
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
        try {
            dgiqa::parse_profiles(item["settings"], dgiqa::standard_policy());
            FAIL("it was accepted");
        } catch (const dgiqa::Error &error) {
            CHECK(std::string(error.what()).find(path) != std::string::npos);
        }
    }
}
