// Recorded frames through scorer, cues and gate, one verdict each, as the Python package's runtime/watch/replay.py does it.
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

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
            {"cast", number(cues.cast)},           {"chroma", number(cues.chroma)}};
}

// Rows of the frame, as Python gives them; null where the bundle does not read the fault.
Json where(dgiqa_camera *camera, const char *fault) {
    int rows = 0, columns = 0;
    const double *row = dgiqa_camera_where(camera, fault, &rows, &columns);
    Json found;
    for (; row != nullptr && rows > 0; --rows, row += columns) found.push_back(std::vector<double>(row, row + columns));
    return found;
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

using GivenText = std::optional<std::string>;  // of a file that an option names

class Replay {
public:
    Replay(Scorer scorer, const GivenText &policy, const GivenText &baseline, const GivenText &reference,
           const GivenText &regions, const GivenText &profiles)
        : scorer_(std::move(scorer)) {
        const auto text_or_null = [](const GivenText &given) { return given ? given->c_str() : nullptr; };
        dgiqa_camera *camera = nullptr;
        check(dgiqa_camera_create(scorer_.get(), text_or_null(policy), text_or_null(baseline), &camera));
        camera_.reset(camera);
        if (profiles) check(dgiqa_gate_set_profiles(dgiqa_camera_gate(camera), profiles->c_str()));
        if (reference) check(dgiqa_camera_set_reference(camera, reference->c_str()));
        check(dgiqa_camera_set_regions(camera, text_or_null(regions)));
    }

    Judged judge(const RecordedFrame &recorded) {
        Judged judged;
        if (!recorded.error.empty()) {
            settle(dgiqa_camera_no_signal(camera_.get(), recorded.t_s, &judged.verdict), judged);
            return judged;
        }
        const dgiqa_frame frame = frame_of(recorded.picture);
        dgiqa_quality quality{};
        dgiqa_cues cues{};
        settle(dgiqa_camera_judge(camera_.get(), &frame, recorded.t_s, &quality, &judged.verdict), judged);
        check(dgiqa_camera_cues(camera_.get(), &cues));
        judged.cues = cues_json(cues);
        judged.faults = fault_probabilities(quality);
        judged.where = where(camera_.get(), judged.verdict.head);
        return judged;
    }

    void set_local_time(double seconds) { check(dgiqa_gate_set_local_time(dgiqa_camera_gate(camera_.get()), seconds)); }

private:
    void settle(dgiqa_status status, Judged &judged) {
        judged.watchdog = status == DGIQA_ERROR_GATE;
        if (!judged.watchdog) check(status);
    }

    Scorer scorer_;
    Camera camera_;
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
                   {"profile", text(verdict.profile)},
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
                             {"--baseline", "FILE", "what is normal for the camera, by the same command"},
                             {"--profiles", "FILE", "JSON profiles and switch of a camera, as in a watch file"},
                             {"--begin", "SECONDS", "since local midnight, of the first frame (default: 0)"},
                             {"--regions", "FILE", "JSON regions, what of the picture counts (default: all of it)"},
                             {"--fps", "N", "frames per second (default: the video's own, else 25)"}})};
    return command;
}

int run_gate(const Arguments &arguments) {
    if (arguments.operands().size() != 1)
        throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION,
                           "give one video file or one directory of images; see dgiqa-edge-native gate --help");
    const bool json = arguments.has("--json");
    const auto given = [&arguments](const char *option) {
        const auto file = arguments.text(option);
        return file ? GivenText(text_of_file(*file)) : std::nullopt;
    };
    const GivenText policy = given("--policy"), baseline = given("--baseline"), reference = given("--reference"),
                    profiles = given("--profiles"), regions = given("--regions");
    const double begin_s = arguments.number("--begin", 0.0, 86400.0).value_or(0.0);
    const auto frames = recorded_frames(arguments.operands()[0], arguments.number("--fps", kSlowestFps, kFastestFps));
    Replay replay(scorer_of(arguments), policy, baseline, reference, regions, profiles);
    Counts counts;
    bool watchdog = false;
    if (!json) print("%7s  %9s  %-7s  %s\n", "frame", "t_s", "state", "reason");
    const StopSignals stop;
    while (!watchdog && !stop.caught()) {
        const std::optional<RecordedFrame> frame = frames->next();
        if (!frame) break;
        replay.set_local_time(std::fmod(begin_s + frame->t_s, 86400.0));
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
              counts.states[DGIQA_PASS], counts.states[DGIQA_REJECT], counts.states[DGIQA_UNKNOWN], counts.unreadable,
              counts.missing);
    if (watchdog) throw dgiqa::Error(DGIQA_ERROR_GATE, dgiqa_last_error());
    if (stop.caught()) {
        std::fprintf(stderr, "interrupted after %zu frames\n", counts.frames);
        return stop.exit_code();
    }
    return counts.unreadable + counts.missing != 0 ? kExitInput : 0;
}

}  // namespace dgiqa_tool
