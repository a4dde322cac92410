// Policies and baselines as text: what is accepted, what is refused and in which words.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <clocale>
#include <utility>
#include <vector>

#include "errors.hpp"
#include "gate/baseline_json.hpp"
#include "gate/policy_json.hpp"
#include "settings/close_match.hpp"
#include "vector_files.hpp"

using nlohmann::json;

namespace {

std::string refusal(const std::string &text) {
    try {
        dgiqa::read_policy(text);
    } catch (const dgiqa::Error &error) {
        CHECK(error.status() == DGIQA_ERROR_CONFIGURATION);
        return error.what();
    }
    return "(accepted)";
}

}  // namespace

TEST_CASE("settings mean the whole policy that the Python package reads from them") {
    const json cases = json_file(vector_folder("gate_policy") / "accepted.json");
    REQUIRE(cases.size() > 0);
    for (const json &item : cases) {
        CAPTURE(item["settings"].dump());
        const std::string written = dgiqa::write_policy(dgiqa::read_policy(item["settings"].dump()));
        CHECK(json::parse(written) == item["policy"]);
        CHECK(dgiqa::write_policy(dgiqa::read_policy(written)) == written);
    }
}

TEST_CASE("the published policy is the one that the Python package publishes") {
    const json file = json_file(std::string(DGIQA_EDGE_SOURCE_DIR) + "/runtime/gate/defaults.json");
    CHECK(json::parse(dgiqa::write_policy(dgiqa::standard_policy())) == file["policy"]);
    CHECK(file["checks"].size() == dgiqa::CHECK_COUNT);
}

TEST_CASE("what breaks a rule is refused with key and rule") {
    const json cases = json_file(vector_folder("gate_policy") / "refused.json");
    REQUIRE(cases.size() > 50);
    for (const json &item : cases) {
        CAPTURE(item["settings"].dump());
        const std::string message = refusal(item["settings"].dump());
        CHECK(message.rfind("gate policy: " + item["key"].get<std::string>(), 0) == 0);
        CHECK(message.find(item["rule"].get<std::string>()) != std::string::npos);
        CHECK(message.find('\n') == std::string::npos);
    }
}

TEST_CASE("text that is no policy is refused in one short line") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "it is not JSON"},
        {"{", "it is not JSON"},
        {R"({"score": {"reject_below": 0.1}, "score": {"reject_below": 0.2}})", "the key 'score' stands twice"},
        {R"({"score": {"reject_below": 0.1, "reject_below": 0.2}})", "'reject_below' stands twice"},
        {R"({"sc\u006fre": {}, "score": {}})", "the key 'score' stands twice"},
        {"{\"score\": {\"reject_below\": NaN}}", "it is not JSON"},
        {"{\"score\": {\"reject_below\": 1e400}}", "it is not JSON"},
        {"{\"score\": \"\xff\"}", "it is not JSON"},
        {std::string(100000, '['), "nested more than 32 levels deep"},
        {std::string(500000, '[') + std::string(500000, ']'), "nested more than 32 levels deep"},
        {"\"" + std::string(std::size_t{1} << 20, 'x') + "\"", "it is larger than 1048576 bytes"},
        {"{\"a\\nb\": 1}", "a\\nb is not a setting"},
        {"{\"score\": \"" + std::string(1000, 'x') + "\"}", "...: give a section of named settings"},
        {"{\"" + std::string(1000, 'x') + "\": 1}", "... is not a setting"},
    };
    for (const auto &[text, problem] : cases) {
        CAPTURE(text.substr(0, 40));
        const std::string message = refusal(text);
        CHECK(message.find(problem) != std::string::npos);
        CHECK(message.find('\n') == std::string::npos);
        CHECK(message.size() < 300);
    }
}

TEST_CASE("numbers are read and shown with a point whatever the locale of the program") {
    const bool german = std::setlocale(LC_ALL, "de_DE.UTF-8") != nullptr;
    const std::string message = refusal("{\"score\": {\"reject_below\": 0.5}}");
    const std::string written = dgiqa::write_policy(dgiqa::read_policy("{\"score\": {\"reject_below\": 0.25}}"));
    std::setlocale(LC_ALL, "C");
    CHECK(message.find("accept_above is 0.3:") != std::string::npos);
    CHECK(json::parse(written)["score"]["reject_below"] == 0.25);
    if (!german) {
        MESSAGE("the locale de_DE.UTF-8 is not installed: tried with the default one only");
    }
}

TEST_CASE("the closest known word is found as Python's difflib finds it") {
    const std::vector<std::string> known = {"reject_above", "accept_below", "role", "score"};
    CHECK(dgiqa::close_match("reject_below", known) == "reject_above");
    CHECK(dgiqa::close_match("rolle", known) == "role");
    CHECK(dgiqa::close_match("scores", known) == "score");
    CHECK(dgiqa::close_match("zzz", known) == "");
    CHECK(dgiqa::close_match("", known) == "");
    CHECK(dgiqa::close_match(std::string(100000, 'a'), known) == "");
}

namespace {

const std::string KEPT =
    R"({"kind": "dgiqa-edge camera baseline", "version": 1, "scorer_id": "b", "samples": 3, "spreads": )";

}  // namespace

TEST_CASE("a baseline that cannot be used is refused, or learned anew where the policy says so") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "it is not JSON"},
        {R"({"kind": "dgiqa-edge camera baseline", "version": 1, "version": 1})", "the key 'version' stands twice"},
        {"[]", "it holds something else"},
        {R"({"kind": "recipe", "version": 1})", "it holds something else"},
        {R"({"kind": "dgiqa-edge camera baseline"})", "its version is null, this library reads 1"},
        {R"({"kind": "dgiqa-edge camera baseline", "version": 2})", "its version is 2"},
        {R"({"kind": "dgiqa-edge camera baseline", "version": 1})", "no samples or spreads"},
        {R"({"kind": "dgiqa-edge camera baseline", "version": 1, "samples": 0, "spreads": {}})",
         "no samples or spreads"},
        {R"({"kind": "dgiqa-edge camera baseline", "version": 1, "samples": true, "spreads": {}})", "no samples"},
        {R"({"kind": "dgiqa-edge camera baseline", "version": 1, "samples": 99999999999, "spreads": {}})",
         "no samples"},
        {R"({"kind": "dgiqa-edge camera baseline", "version": 1, "scorer_id": 4})", "scorer_id is no text"},
        {KEPT + R"({"colour": {"low": 1, "median": 2, "high": 3}}})", "no quantity is called 'colour'"},
        {KEPT + R"({"moved": {"low": 0, "median": 0, "high": 0}}})", "no quantity is called 'moved'"},
        {KEPT + R"({"score": {"low": 1, "median": 2}}})", "score has not the three quantiles"},
        {KEPT + R"({"score": [1, 2, 3]}})", "score has not the three quantiles"},
        {KEPT + R"({"score": {"low": 1, "median": "2", "high": 3}}})", "a quantile of score is no number"},
        {KEPT + R"({"score": {"low": 1, "median": true, "high": 3}}})", "a quantile of score is no number"},
        {KEPT + R"({"score": {"low": 3, "median": 2, "high": 3}}})", "the quantiles of score are not in order"},
    };
    for (const auto &[text, problem] : cases) {
        CAPTURE(text);
        CHECK_THROWS_WITH_AS(dgiqa::read_baseline(text, dgiqa::OnUnusable::REFUSE), doctest::Contains(problem.c_str()),
                             dgiqa::Error);
        CHECK(!dgiqa::read_baseline(text, dgiqa::OnUnusable::RELEARN));
    }
    const auto kept = dgiqa::read_baseline(KEPT + R"({"score": {"low": 0.1, "median": 0.1, "high": 0.3}}})",
                                           dgiqa::OnUnusable::REFUSE);
    REQUIRE(kept.has_value());
    CHECK(kept->baseline.samples == 3);
    CHECK(kept->baseline.spreads[dgiqa::SCORE_CHECK]->median == 0.1);
}
