#include <limits>
#include <utility>

#include "api/gate_handle.hpp"
#include "api/guarded.hpp"
#include "cues/cues.hpp"
#include "frames/convert.hpp"
#include "gate/baseline_json.hpp"
#include "gate/policy_json.hpp"
#include "profiles/profiles_json.hpp"
#include "reference/reference_json.hpp"

namespace {

constexpr double NO_VALUE = std::numeric_limits<double>::quiet_NaN();

std::optional<double> given(double value) { return value != value ? std::nullopt : std::optional<double>(value); }

double shown(const std::optional<double> &value) { return value.value_or(NO_VALUE); }

dgiqa::Cues given_cues(const dgiqa_cues &cues) {
    dgiqa::Cues found;
    for (const dgiqa::CueField &field : dgiqa::CUE_FIELDS) {
        found.*field.value = given(cues.*field.in_c);
    }
    return found;
}

dgiqa::Reading given_reading(const dgiqa_reading &reading) {
    dgiqa::Reading found;
    found.score = given(reading.score);
    if (reading.cues != nullptr) {
        found.cues = given_cues(*reading.cues);
    }
    dgiqa::demand(reading.fault_count == 0 || (reading.fault_names && reading.faults),
                  "dgiqa_gate_update: fault_names and faults must not be NULL where fault_count is above 0");
    for (std::size_t i = 0; i < reading.fault_count; ++i) {
        dgiqa::demand(reading.fault_names[i], "dgiqa_gate_update: none of fault_names must be NULL");
        found.faults.push_back({reading.fault_names[i], reading.faults[i]});
    }
    return found;
}

dgiqa_verdict shown_verdict(const dgiqa::Verdict &verdict) {
    const dgiqa::RunnerUp other = verdict.runner_up.value_or(dgiqa::RunnerUp{});
    return {verdict.state,
            verdict.reason,
            verdict.cue,
            shown(verdict.value),
            shown(verdict.threshold),
            shown(verdict.score),
            shown(verdict.smoothed),
            verdict.changed ? 1 : 0,
            verdict.overdue ? 1 : 0,
            verdict.announced ? 1 : 0,
            other.reason,
            other.cue,
            shown(other.value),
            shown(other.threshold),
            verdict.head,
            verdict.profile};
}

dgiqa::GatePolicy given_policy(const char *text) {
    return text == nullptr ? dgiqa::standard_policy() : dgiqa::read_policy(text);
}

}  // namespace

struct dgiqa_cue_meter {
    dgiqa::CueMeter meter;
};

dgiqa_gate::dgiqa_gate(const char *policy_json, const char *baseline_json) : gate(given_policy(policy_json)) {
    if (baseline_json != nullptr) {
        const dgiqa::GatePolicy policy = gate.policy();
        if (auto kept = dgiqa::read_baseline(baseline_json, policy.baseline.on_unusable)) {
            gate = dgiqa::ProfiledGate(policy, kept->baseline);
            scorer_id = std::move(kept->scorer_id);
        }
    }
    policy_text = dgiqa::write_policy(gate.policy());
}

namespace dgiqa {

dgiqa_verdict no_verdict() { return shown_verdict({}); }

void update_gate(dgiqa_gate &handle, const Reading &reading, double t, dgiqa_verdict &verdict) {
    handle.begun = true;
    try {
        verdict = shown_verdict(handle.gate.update(reading, t, handle.local_s));
    } catch (const WatchdogError &error) {
        verdict = shown_verdict(error.verdict());
        throw;
    }
}

Regions given_regions(const char *regions_json) {
    return regions_json == nullptr ? Regions() : read_regions(regions_json);
}

dgiqa_cues shown_cues(const Cues &cues) {
    dgiqa_cues found = {};
    for (const CueField &field : CUE_FIELDS) {
        found.*field.in_c = shown(cues.*field.value);
    }
    return found;
}

}  // namespace dgiqa

const char *dgiqa_state_name(dgiqa_state state) {
    return state == DGIQA_PASS ? "pass" : state == DGIQA_REJECT ? "reject" : "unknown";
}

dgiqa_status dgiqa_gate_create(const char *policy_json, const char *baseline_json, dgiqa_gate **gate) {
    if (gate != nullptr) {
        *gate = nullptr;
    }
    return dgiqa::guarded([&] {
        dgiqa::demand(gate, "dgiqa_gate_create: gate must not be NULL: give the place for the new gate");
        *gate = new dgiqa_gate(policy_json, baseline_json);
    });
}

dgiqa_status dgiqa_gate_update(dgiqa_gate *gate, const dgiqa_reading *reading, double t, dgiqa_verdict *verdict) {
    if (verdict != nullptr) {
        *verdict = dgiqa::no_verdict();
    }
    return dgiqa::guarded([&] {
        dgiqa::demand(gate && verdict, "dgiqa_gate_update: gate and verdict must not be NULL");
        dgiqa::update_gate(*gate, reading == nullptr ? dgiqa::Reading() : given_reading(*reading), t, *verdict);
    });
}

dgiqa_status dgiqa_gate_set_profiles(dgiqa_gate *gate, const char *profiles_json) {
    return dgiqa::guarded([&] {
        dgiqa::demand(gate && profiles_json, "dgiqa_gate_set_profiles: gate and profiles must not be NULL");
        dgiqa::demand(!gate->begun, "dgiqa_gate_set_profiles: the gate has judged a frame: give its profiles before");
        gate->gate.set_profiles(dgiqa::read_profiles(profiles_json, gate->gate.policy()));
    });
}

dgiqa_status dgiqa_gate_set_local_time(dgiqa_gate *gate, double seconds) {
    return dgiqa::guarded([&] {
        dgiqa::demand(gate, "dgiqa_gate_set_local_time: gate must not be NULL");
        dgiqa::demand(seconds >= 0.0 && seconds <= 86401.0,
                      "dgiqa_gate_set_local_time: give the seconds since local midnight, from 0 to 86401");
        gate->local_s = seconds;
    });
}

dgiqa_status dgiqa_gate_tell(dgiqa_gate *gate, const char *topic, const char *payload) {
    return dgiqa::guarded([&] {
        dgiqa::demand(gate && topic && payload, "dgiqa_gate_tell: gate, topic and payload must not be NULL");
        gate->gate.tell(topic, payload);
    });
}

const char *dgiqa_gate_policy(const dgiqa_gate *gate) { return gate == nullptr ? "{}" : gate->policy_text.c_str(); }

const char *dgiqa_gate_baseline(dgiqa_gate *gate) {
    if (gate == nullptr || !gate->gate.baseline()) {
        return nullptr;
    }
    const dgiqa_status status = dgiqa::guarded([&] {
        gate->baseline_text = dgiqa::write_baseline({*gate->gate.baseline(), gate->scorer_id});
    });
    return status == DGIQA_OK ? gate->baseline_text.c_str() : nullptr;
}

void dgiqa_gate_free(dgiqa_gate *gate) { delete gate; }

dgiqa_status dgiqa_cue_meter_create(dgiqa_cue_meter **meter) {
    if (meter != nullptr) {
        *meter = nullptr;
    }
    return dgiqa::guarded([&] {
        dgiqa::demand(meter, "dgiqa_cue_meter_create: meter must not be NULL: give the place for the new meter");
        *meter = new dgiqa_cue_meter;
    });
}

dgiqa_status dgiqa_cue_meter_measure(dgiqa_cue_meter *meter, const dgiqa_frame *frame, dgiqa_cues *cues) {
    if (cues != nullptr) {
        *cues = dgiqa::shown_cues(dgiqa::Cues());
    }
    return dgiqa::guarded([&] {
        dgiqa::demand(meter && frame && cues, "dgiqa_cue_meter_measure: meter, frame and cues must not be NULL");
        *cues = dgiqa::shown_cues(meter->meter.measure(dgiqa::to_bgr(*frame)));
    });
}

dgiqa_status dgiqa_cue_meter_set_regions(dgiqa_cue_meter *meter, const char *regions_json) {
    return dgiqa::guarded([&] {
        dgiqa::demand(meter, "dgiqa_cue_meter_set_regions: meter must not be NULL");
        meter->meter.set_regions(dgiqa::given_regions(regions_json));
    });
}

void dgiqa_cue_meter_restart(dgiqa_cue_meter *meter) {
    if (meter != nullptr) {
        meter->meter.restart();
    }
}

dgiqa_status dgiqa_cue_meter_set_reference(dgiqa_cue_meter *meter, const char *reference_json) {
    return dgiqa::guarded([&] {
        dgiqa::demand(meter && reference_json,
                      "dgiqa_cue_meter_set_reference: meter and reference_json must not be NULL");
        meter->meter.follow(dgiqa::read_reference(reference_json));
    });
}

void dgiqa_cue_meter_free(dgiqa_cue_meter *meter) { delete meter; }
