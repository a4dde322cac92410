#include "gate/reading.hpp"

#include <cmath>

#include "errors.hpp"
#include "settings/number_text.hpp"

namespace dgiqa {

const std::array<CueField, CUE_COUNT> CUE_FIELDS = {{
    {"luminance", &Cues::luminance},
    {"shadows", &Cues::shadows},
    {"clipped", &Cues::clipped},
    {"sharpness", &Cues::sharpness},
    {"noise", &Cues::noise},
    {"haze", &Cues::haze},
    {"contrast", &Cues::contrast},
    {"occlusion", &Cues::occlusion},
    {"change", &Cues::change},
    {"smear", &Cues::smear},
    {"moved", &Cues::moved},
    {"likeness", &Cues::likeness},
    {"cast", &Cues::cast},
}};

void check_reading(const Reading &reading) {
    if (reading.score && !(*reading.score >= 0.0 && *reading.score <= 1.0)) {
        throw Error(DGIQA_ERROR_CONFIGURATION,
                    "the score is " + number_text(*reading.score) + ": it must be a number from 0 to 1");
    }
    for (const FaultProbability &fault : reading.faults) {
        if (!(fault.value >= 0.0 && fault.value <= 1.0)) {
            throw Error(DGIQA_ERROR_CONFIGURATION, "the probability of '" + fault.name + "' is " +
                                                       number_text(fault.value) + ": it must be a number from 0 to 1");
        }
    }
    if (!reading.cues) {
        return;
    }
    for (const CueField &field : CUE_FIELDS) {
        const std::optional<double> &value = *reading.cues.*field.value;
        if (value && !std::isfinite(*value)) {
            throw Error(DGIQA_ERROR_CONFIGURATION, std::string("the cue ") + field.name + " is " + number_text(*value) +
                                                       ": a cue is a finite number or has no value");
        }
    }
}

}  // namespace dgiqa
