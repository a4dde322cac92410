// What the gate is given per frame: the learned score and faults, and the classical cues, as in the Python package's
// runtime/gate/reading.py. Data only.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dgiqa_edge.h"

namespace dgiqa {

// Classical measurements of one frame; runtime/gate/reading.py says what each is. No value: nothing measured.
struct Cues {
    std::optional<double> luminance;
    std::optional<double> shadows;
    std::optional<double> clipped;
    std::optional<double> sharpness;
    std::optional<double> noise;
    std::optional<double> haze;
    std::optional<double> contrast;
    std::optional<double> occlusion;
    std::optional<double> change;
    std::optional<double> smear;
    std::optional<double> moved;  // this and the next two: against a reference view
    std::optional<double> likeness;
    std::optional<double> cast;
    std::optional<double> chroma;
};

using CueValue = std::optional<double> Cues::*;

// By its name, here and in the C API.
struct CueField {
    const char *name;
    CueValue value;
    double dgiqa_cues::*in_c;
};

// All of them.
constexpr std::size_t CUE_COUNT = 14;
extern const std::array<CueField, CUE_COUNT> CUE_FIELDS;

// A fault by the bundle's name for it.
struct FaultProbability {
    std::string name;
    double value;
};

// One frame for the gate. No score: not scored; no cues: not measured; no faults: none read; nothing: no signal.
struct Reading {
    std::optional<double> score;
    std::optional<Cues> cues;
    std::vector<FaultProbability> faults;

    bool empty() const { return !score && !cues && faults.empty(); }
};

// Throws Error (CONFIGURATION): a score or a probability outside [0, 1], or a cue that is not finite.
void check_reading(const Reading &reading);

}  // namespace dgiqa
