#include "gate/reading.hpp"

#include <cmath>

#include "errors.hpp"
#include "settings/number_text.hpp"

namespace dgiqa {

const std::array<CueField, CUE_COUNT> CUE_FIELDS = {{
    {"luminance", &Cues::luminance, &dgiqa_cues::luminance},
    {"shadows", &Cues::shadows, &dgiqa_cues::shadows},
    {"clipped", &Cues::clipped, &dgiqa_cues::clipped},
    {"sharpness", &Cues::sharpness, &dgiqa_cues::sharpness},
    {"noise", &Cues::noise, &dgiqa_cues::noise},
    {"haze", &Cues::haze, &dgiqa_cues::haze},
    {"contrast", &Cues::contrast, &dgiqa_cues::contrast},
    {"occlusion", &Cues::occlusion, &dgiqa_cues::occlusion},
    {"change", &Cues::change, &dgiqa_cues::change},
    {"smear", &Cues::smear, &dgiqa_cues::smear},
    {"moved", &Cues::moved, &dgiqa_cues::moved},
    {"likeness", &Cues::likeness, &dgiqa_cues::likeness},
    {"cast", &Cues::cast, &dgiqa_cues::cast},
    {"chroma", &Cues::chroma, &dgiqa_cues::chroma},
}};

void check_reading(const Reading &reading) {
    if (reading.score && !(*reading.score >= 0.0 && *reading.score <= 1.0)) {
        complain("the score is " + number_text(*reading.score) + ": it must be a number from 0 to 1");
    }
    for (const FaultProbability &fault : reading.faults) {
        if (!(fault.value >= 0.0 && fault.value <= 1.0)) {
            complain("the probability of '" + fault.name + "' is " + number_text(fault.value) +
                     ": it must be a number from 0 to 1");
        }
    }
    if (!reading.cues) {
        return;
    }
    for (const CueField &field : CUE_FIELDS) {
        const std::optional<double> &value = *reading.cues.*field.value;
        if (value && !std::isfinite(*value)) {
            complain(std::string("the cue ") + field.name + " is " + number_text(*value) +
                     ": a cue is a finite number or has no value");
        }
    }
}

}  // namespace dgiqa
