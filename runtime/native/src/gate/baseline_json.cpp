#include "gate/baseline_json.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "errors.hpp"
#include "settings/json_text.hpp"

namespace dgiqa {
namespace {

using nlohmann::json;

constexpr int VERSION = 1;
const char *const KIND = "dgiqa-edge camera baseline";

Spread read_spread(const std::string &name, const json &value) {
    if (!value.is_object() || value.size() != 3 || !value.contains("low") || !value.contains("median") ||
        !value.contains("high")) {
        damaged(name + " has not the three quantiles");
    }
    for (const json &number : value) {
        if (!number.is_number()) {
            damaged("a quantile of " + name + " is no number");
        }
    }
    const Spread spread = {value["low"].get<double>(), value["median"].get<double>(), value["high"].get<double>()};
    if (!(spread.low <= spread.median && spread.median <= spread.high)) {
        damaged("the quantiles of " + name + " are not in order");
    }
    return spread;
}

std::size_t check_with_normal(const std::string &name) {
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (has_normal(all_checks()[check]) && name == all_checks()[check].name) {
            return check;
        }
    }
    damaged("no quantity is called '" + shown_plainly(name) + "'");
}

KeptBaseline parse(const json &document) {
    const json none, id = document.value("scorer_id", none), samples = document.value("samples", none),
                     spreads = document.value("spreads", none);
    if (!id.is_null() && !id.is_string()) {
        damaged("scorer_id is no text");
    }
    if (!samples.is_number_integer() || samples < 1 || samples > std::numeric_limits<int>::max() ||
        !spreads.is_object()) {
        damaged("no samples or spreads");
    }
    KeptBaseline kept;
    kept.scorer_id = id.is_null() ? "" : id.get<std::string>();
    kept.baseline.samples = samples.get<int>();
    for (const auto &item : spreads.items()) {
        const std::size_t check = check_with_normal(item.key());
        kept.baseline.spreads[check] = read_spread(item.key(), item.value());
    }
    return kept;
}

}  // namespace

std::optional<KeptBaseline> read_baseline(const std::string &text, OnUnusable on_unusable) {
    try {
        return parse(read_kept(text, KIND, VERSION));
    } catch (const Error &error) {
        if (on_unusable == OnUnusable::RELEARN) {
            return std::nullopt;
        }
        complain(std::string("this camera's baseline cannot be used (") + error.what() +
                 "): give none to learn it anew, or set baseline.on_unusable to 'relearn'");
    }
}

std::string write_baseline(const KeptBaseline &kept) {
    nlohmann::ordered_json document = {{"kind", KIND}, {"version", VERSION}};
    if (!kept.scorer_id.empty()) {
        document["scorer_id"] = kept.scorer_id;
    }
    document["samples"] = kept.baseline.samples;
    document["spreads"] = nlohmann::ordered_json::object();
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (const std::optional<Spread> &spread = kept.baseline.spreads[check]) {
            document["spreads"][all_checks()[check].name] = {
                {"low", spread->low}, {"median", spread->median}, {"high", spread->high}};
        }
    }
    return document.dump(1);
}

}  // namespace dgiqa
