// What the gate is given per frame: the learned score and the classical cues, as in the Python package's
// runtime/gate/reading.py. Data only.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

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
};

using CueValue = std::optional<double> Cues::*;

struct CueField {
    const char *name;
    CueValue value;
};

// All of them, by name.
constexpr std::size_t CUE_COUNT = 13;
extern const std::array<CueField, CUE_COUNT> CUE_FIELDS;

// One frame for the gate. No score: not scored; no cues: not measured; neither: the camera gives no signal.
struct Reading {
    std::optional<double> score;
    std::optional<Cues> cues;
};

// Throws Error (CONFIGURATION): a score outside [0, 1], or a cue that is not finite.
void check_reading(const Reading &reading);

}  // namespace dgiqa
