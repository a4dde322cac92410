// What a dgiqa_gate of the C API is, for the other C functions that hold one.
#pragma once

#include <string>

#include "profiles/profiled_gate.hpp"
#include "regions/regions.hpp"

struct dgiqa_gate {
    // As dgiqa_gate_create. Throws Error (CONFIGURATION).
    dgiqa_gate(const char *policy_json, const char *baseline_json);

    dgiqa::ProfiledGate gate;
    double local_s = 0.0;       // since midnight, of the frames to come
    bool begun = false;         // it has been given a frame
    std::string scorer_id;      // of the baseline given; empty: not known
    std::string policy_text;    // what dgiqa_gate_policy gives
    std::string baseline_text;  // what dgiqa_gate_baseline gave last
};

namespace dgiqa {

// A verdict as before the first frame: unknown, no reason, no numbers.
dgiqa_verdict no_verdict();

// Takes in one reading and shows the verdict, also where the watchdog raises. Throws Error as Gate::update does.
void update_gate(dgiqa_gate &handle, const Reading &reading, double t, dgiqa_verdict &verdict);

// The whole picture where the text is NULL. Throws Error (CONFIGURATION).
Regions given_regions(const char *regions_json);

// NaN is no value in the C structures.
dgiqa_cues shown_cues(const Cues &cues);

}  // namespace dgiqa
