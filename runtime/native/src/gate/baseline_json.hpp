// A camera's baseline as JSON text, in the form of the Python package's baseline files (runtime/gate/baseline_file.py).
//
// Kind, version, samples and quantiles are checked as there. What the scores came from (`scorer_id`, in Python the
// SHA-256 of the bundle's manifest) is carried along and may be absent: a gate in memory knows no bundle, so whoever
// keeps the text keeps it beside the camera and the bundle that it belongs to.
#pragma once

#include <optional>
#include <string>

#include "gate/baseline.hpp"

namespace dgiqa {

struct KeptBaseline {
    Baseline baseline;
    std::string scorer_id;  // empty: not known
};

// None where the text cannot be used and on_unusable says to learn anew.
// Throws Error (CONFIGURATION): the text cannot be used; the message says why and what to do.
std::optional<KeptBaseline> read_baseline(const std::string &text, OnUnusable on_unusable);

std::string write_baseline(const KeptBaseline &kept);

}  // namespace dgiqa
