#include "gate/gate_policy.hpp"

namespace dgiqa {
namespace {

constexpr Limits below(Role role, double reject, double accept) { return {role, Side::BELOW, reject, accept, {}, {}}; }
constexpr Limits above(Role role, double reject, double accept) { return {role, Side::ABOVE, reject, accept, {}, {}}; }

}  // namespace

const std::array<CheckSpec, CHECK_COUNT> CHECKS = {{
    {"smear", "decode errors", &Cues::smear, 0.0, 1.0, 0.3, above(Role::REJECT, 0.15, 0.1), false, false, false},
    {"luminance", "too dark", &Cues::luminance, 0.0, 255.0, 16.0, below(Role::REJECT, 65.0, 85.0), false, false, true},
    {"shadows", "too dark", &Cues::shadows, 0.0, 1.0, 1.0, above(Role::REJECT, 0.85, 0.75), false, false, true},
    {"clipped", "over-exposed", &Cues::clipped, 0.0, 1.0, 0.6, above(Role::REJECT, 0.3, 0.25), false, false, true},
    {"occlusion", "occluded lens", &Cues::occlusion, 0.0, 1.0, 0.95, above(Role::REJECT, 0.85, 0.75), false, false, true},
    {"noise", "noisy", &Cues::noise, 0.0, 255.0, 20.0, above(Role::REJECT, 5.0, 4.0), true, true, true},
    {"haze", "hazy", &Cues::haze, 0.0, 1.0, 0.5, above(Role::EXPLAIN, 0.2, 0.16), true, true, true},
    {"sharpness", "blurred", &Cues::sharpness, 0.0, 100.0, 0.0, below(Role::EXPLAIN, 0.3, 0.34), true, true, true},
    {"contrast", "low contrast", &Cues::contrast, 0.0, 255.0, -100.0, below(Role::EXPLAIN, 45.0, 55.0), true, false, true},
    {"score", "low quality", nullptr, 0.0, 1.0, 0.0, below(Role::REJECT, 0.35, 0.42), true, false, true},
}};

AllLimits standard_limits() {
    AllLimits limits;
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        limits[check] = CHECKS[check].standard;
    }
    return limits;
}

LimitKeys limit_keys(const CheckSpec &spec) {
    return spec.standard.side == Side::BELOW ? LimitKeys{"reject_below", "accept_above"}
                                             : LimitKeys{"reject_above", "accept_below"};
}

}  // namespace dgiqa
