// Recorded frames through scorer, cues and gate, one verdict each, as the Python package's runtime/watch/replay.py does it.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "faults.hpp"
#include "handles.hpp"
#include "output.hpp"
#include "recorded_frames.hpp"
#include "stop_signals.hpp"

namespace dgiqa_tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kSlowestFps = 0.001, kFastestFps = 1000.0;

Json number(double value) { return std::isnan(value) ? Json() : Json(value); }

Json text(const char *value) { return value == nullptr ? Json() : Json(value); }

Json cues_json(const dgiqa_cues &cues) {
    return {{"luminance", number(cues.luminance)}, {"shadows", number(cues.shadows)},
            {"clipped", number(cues.clipped)},     {"sharpness", number(cues.sharpness)},
            {"noise", number(cues.noise)},         {"haze", number(cues.haze)},
            {"contrast", number(cues.contrast)},   {"occlusion", number(cues.occlusion)},
            {"change", number(cues.change)},       {"smear", number(cues.smear)},
            {"moved", number(cues.moved)},         {"likeness", number(cues.likeness)},
            {"cast", number(cues.cast)}};
}

struct Judged {
    dgiqa_verdict verdict{};
    Json cues, faults, where;
    bool watchdog = false;
};

// Every frame is in exactly one of pass, reject, unknown; unreadable ones are among them.
struct Counts {
    std::size_t frames = 0, unreadable = 0, missing = 0;
    std::size_t states[3] = {0, 0, 0};

    Json as_json() const {
        return {{"frames", frames},
                {"pass", states[DGIQA_PASS]},
                {"reject", states[DGIQA_REJECT]},
                {"unknown", states[DGIQA_UNKNOWN]},
                {"not_readable", unreadable},
                {"missing", missing}};
    }
};

class Replay {
public:
    Replay(Scorer scorer, const std::string *policy, const std::string *reference) : scorer_(std::move(scorer)) {
        dgiqa_gate *gate = nullptr;
        check(dgiqa_gate_create(policy != nullptr ? policy->c_str() : nullptr, nullptr, &gate));
        gate_.reset(gate);
        dgiqa_cue_meter *meter = nullptr;
        check(dgiqa_cue_meter_create(&meter));
        meter_.reset(meter);
        if (reference != nullptr) check(dgiqa_cue_meter_set_reference(meter_.get(), reference->c_str()));
    }

    Judged judge(const RecordedFrame &recorded) {
        Judged judged;
        if (!recorded.error.empty()) {
            dgiqa_cue_meter_restart(meter_.get());
            update(judged, nullptr, recorded.t_s);
            return judged;
        }
        const dgiqa_frame frame = frame_of(recorded.picture);
        dgiqa_cues cues{};
        dgiqa_quality quality{};
        check(dgiqa_cue_meter_measure(meter_.get(), &frame, &cues));
        check(dgiqa_scorer_score(scorer_.get(), &frame, &quality));
        judged.cues = cues_json(cues);
        judged.faults = fault_probabilities(quality);
        const dgiqa_reading reading = {static_cast<double>(quality.score), &cues, quality.fault_count,
                                       quality.fault_names, quality.faults};
        update(judged, &reading, recorded.t_s);
        for (std::size_t i = 0; i < quality.fault_count && judged.verdict.head != nullptr; ++i)
            if (std::strcmp(quality.fault_names[i], judged.verdict.head) == 0) judged.where = fault_cells(quality, i);
        return judged;
    }

private:
    void update(Judged &judged, const dgiqa_reading *reading, double t_s) {
        const dgiqa_status status = dgiqa_gate_update(gate_.get(), reading, t_s, &judged.verdict);
        judged.watchdog = status == DGIQA_ERROR_GATE;
        if (!judged.watchdog) check(status);
    }

    Scorer scorer_;
    Gate gate_;
    CueMeter meter_;
};

Json runner_up(const dgiqa_verdict &verdict) {
    if (verdict.runner_up == nullptr) return {};
    return {{"reason", verdict.runner_up},
            {"cue", verdict.runner_up_cue},
            {"value", number(verdict.runner_up_value)},
            {"threshold", number(verdict.runner_up_threshold)}};
}

Json record_of(const RecordedFrame &frame, const Judged &judged) {
    const dgiqa_verdict &verdict = judged.verdict;
    Json record = {{"frame", frame.index},
                   {"t_s", std::round(frame.t_s * 1e6) / 1e6},
                   {"file", dgiqa::valid_name(frame.file)},
                   {"state", dgiqa_state_name(verdict.state)},
                   {"reason", text(verdict.reason)},
                   {"cue", text(verdict.cue)},
                   {"value", number(verdict.value)},
                   {"threshold", number(verdict.threshold)},
                   {"score", number(verdict.score)},
                   {"smoothed", number(verdict.smoothed)},
                   {"changed", verdict.changed != 0},
                   {"overdue", verdict.overdue != 0},
                   {"announced", verdict.announced != 0},
                   {"runner_up", runner_up(verdict)},
                   {"where", judged.where},
                   {"profile", nullptr},
                   {"cues", judged.cues}};
    if (!judged.faults.empty()) record["faults"] = judged.faults;
    if (!frame.error.empty()) record["error"] = frame.error;
    return record;
}

void print_line(const RecordedFrame &frame, const dgiqa_verdict &verdict) {
    print("%7zu  %9.3f  %-7s  %s", frame.index, frame.t_s, dgiqa_state_name(verdict.state), verdict.reason);
    if (verdict.cue != nullptr && !std::isnan(verdict.value) && !std::isnan(verdict.threshold))
        print(" (%s %.4g, threshold %.4g)", verdict.cue, verdict.value, verdict.threshold);
    print("%s\n", verdict.overdue != 0 ? "  overdue" : "");
}

}  // namespace

const Command &gate_command() {
    static const Command command = {
        "gate", "FRAMES_OR_VIDEO", "judge every frame of a video file or of a directory of images, in name order",
        "dgiqa-edge-native gate --bundle build/demo/bundle --policy policy.json --fps 10 frames/",
        with_scorer_options({{"--policy", "FILE", "JSON policy (default: the published one)"},
                             {"--reference", "FILE", "the view it is meant to have, by dgiqa-edge gate reference"},
                             {"--fps", "N", "frames per second (default: the video's own, else 25)"}})};
    return command;
}

int run_gate(const Arguments &arguments) {
    if (arguments.operands().size() != 1)
        throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION,
                           "give one video file or one directory of images; see dgiqa-edge-native gate --help");
    const bool json = arguments.has("--json");
    const auto policy_file = arguments.text("--policy");
    const std::string policy = policy_file ? text_of_file(*policy_file) : "";
    const auto reference_file = arguments.text("--reference");
    const std::string reference = reference_file ? text_of_file(*reference_file) : "";
    const auto frames = recorded_frames(arguments.operands()[0], arguments.number("--fps", kSlowestFps, kFastestFps));
    Replay replay(scorer_of(arguments), policy_file ? &policy : nullptr,
                  reference_file ? &reference : nullptr);
    Counts counts;
    bool watchdog = false;
    if (!json) print("%7s  %9s  %-7s  %s\n", "frame", "t_s", "state", "reason");
    const StopSignals stop;
    while (!watchdog && !stop.caught()) {
        const std::optional<RecordedFrame> frame = frames->next();
        if (!frame) break;
        const Judged judged = replay.judge(*frame);
        ++counts.frames;
        ++counts.states[judged.verdict.state];
        if (!frame->error.empty()) {
            ++counts.unreadable;
            std::fprintf(stderr, "frame %zu: %s\n", frame->index, frame->error.c_str());
        }
        json ? print_json(record_of(*frame, judged)) : print_line(*frame, judged.verdict);
        watchdog = judged.watchdog;
    }
    if (const std::string note = frames->note(); !note.empty())
        std::fprintf(stderr, "%s\n", dgiqa::shown_name(note).c_str());
    if (!watchdog && !stop.caught()) {
        counts.missing = frames->missing();
        if (const auto shortfall = frames->shortfall())
            std::fprintf(stderr, "%s\n", dgiqa::shown_name(*shortfall).c_str());
    }
    if (json)  // beside the records, so that every line of the output is a frame
        std::fprintf(stderr, "%s\n", counts.as_json().dump().c_str());
    else
        print("%zu frames: %zu pass, %zu reject, %zu unknown; %zu not readable, %zu missing\n", counts.frames,
                    counts.states[DGIQA_PASS], counts.states[DGIQA_REJECT], counts.states[DGIQA_UNKNOWN],
                    counts.unreadable, counts.missing);
    if (watchdog) throw dgiqa::Error(DGIQA_ERROR_GATE, dgiqa_last_error());
    if (stop.caught()) {
        std::fprintf(stderr, "interrupted after %zu frames\n", counts.frames);
        return stop.exit_code();
    }
    return counts.unreadable + counts.missing != 0 ? kExitInput : 0;
}

}  // namespace dgiqa_tool
