/* dgiqa-edge native runtime for C++17: the C API of dgiqa_edge.h with objects that free themselves, exceptions instead
 * of statuses, and std::optional where the C structures have NaN. Header only: link what dgiqa_edge.h needs.
 *
 * A complete program:
 *
 *     #include <dgiqa_edge.hpp>
 *     #include <iostream>
 *     #include <vector>
 *
 *     int main(int argc, char **argv) {
 *         try {
 *             dgiqa_edge::ScorerOptions options;
 *             options.bundle = argc > 1 ? argv[1] : "build/demo/bundle";
 *             dgiqa_edge::Scorer scorer(options);
 *             dgiqa_edge::Camera camera(scorer);
 *             std::vector<unsigned char> pixels(480 * 640 * 3);  // your frame: BGR rows without gaps
 *             for (int i = 0; i < 10; ++i) {
 *                 const dgiqa_edge::Judged judged = camera.judge(dgiqa_edge::bgr(pixels.data(), 640, 480), i / 10.0);
 *                 std::cout << judged.quality.score << " " << dgiqa_state_name(judged.verdict.state) << " ("
 *                           << judged.verdict.reason << ")\n";
 *             }
 *         } catch (const dgiqa_edge::Error &error) {
 *             std::cerr << error.what() << "\n";
 *             return 1;
 *         }
 *         return 0;
 *     }
 *
 * Threads, memory and the meaning of everything are as dgiqa_edge.h says; the results here own what they hold.
 */
#ifndef DGIQA_EDGE_HPP
#define DGIQA_EDGE_HPP

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dgiqa_edge.h"

namespace dgiqa_edge {

// The next most severe fault beside the verdict's own.
struct RunnerUp {
    std::string reason, cue;
    std::optional<double> value, threshold;
};

// What the gate says about a frame.
struct Verdict {
    dgiqa_state state = DGIQA_UNKNOWN;
    std::string reason;
    std::optional<std::string> cue;  // the check that decided
    std::optional<double> value;     // of that check
    std::optional<double> threshold;
    std::optional<double> score;     // of this frame
    std::optional<double> smoothed;  // score after smoothing
    bool changed = false;
    bool overdue = false;
    bool announced = false;  // people are to be told on this frame
    std::optional<RunnerUp> runner_up;
    std::optional<std::string> head;  // what bundles call the reason's fault, for its coverage
    std::optional<std::string> profile;  // the one in force; none where there are no profiles
};

// Classical measurements of a frame.
struct Cues {
    std::optional<double> luminance, shadows, clipped, sharpness, noise, haze, contrast, occlusion, change, smear;
    std::optional<double> moved, likeness, cast, chroma;
};

// What a frame may be ("blurred", "dark" ...), and where.
struct Fault {
    std::string name;
    float probability = 0.0f;
    std::vector<float> coverage;  // [coverage_rows * coverage_columns], of the frame's cells
};

// What a gate is given of one frame; nothing at all: the camera gives no signal.
struct Reading {
    std::optional<double> score = std::nullopt;
    std::optional<Cues> cues = std::nullopt;
    std::vector<Fault> faults = {};  // coverage does not matter
};

// Raw material of a verdict.
struct Quality {
    float score = 0.0f;
    std::vector<float> crop_scores;
    std::vector<std::uint8_t> depth;  // [depth_height * depth_width], 255 nearest
    int depth_width = 0;
    int depth_height = 0;
    std::vector<Fault> faults;  // all that the bundle reads
    int coverage_rows = 0;
    int coverage_columns = 0;
    double resize_ms = 0.0;
    double engine_ms = 0.0;
    double total_ms = 0.0;
    dgiqa_box depth_box{};  // the part of depth that shows the frame's picture
    dgiqa_box frame_box{};  // the part of the frame that is seen there
};

struct Judged {
    Quality quality;
    Verdict verdict;
};

// A call that failed: its status and the library's one-line message.
class Error : public std::runtime_error {
public:
    Error(dgiqa_status status, const std::string &message) : std::runtime_error(message), status_(status) {}
    dgiqa_status status() const noexcept { return status_; }

private:
    dgiqa_status status_;
};

// The watchdog raised (DGIQA_ERROR_GATE); the frame has been taken in, with this verdict.
class GateError : public Error {
public:
    GateError(const std::string &message, const Verdict &verdict)
        : Error(DGIQA_ERROR_GATE, message), verdict_(verdict) {}
    const Verdict &verdict() const noexcept { return verdict_; }

private:
    Verdict verdict_;
};

// Not for callers: from the C structures and back.
namespace detail {

template <auto free_it>
struct Free {
    template <typename Object>
    void operator()(Object *object) const { free_it(object); }
};

inline void check(dgiqa_status status) {
    if (status != DGIQA_OK) throw Error(status, dgiqa_last_error());
}

inline std::optional<double> optional(double value) {
    return value != value ? std::nullopt : std::optional<double>(value);
}

inline double number(const std::optional<double> &value) {
    return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

inline Verdict verdict(const dgiqa_verdict &given) {
    Verdict verdict;
    verdict.state = given.state;
    verdict.reason = given.reason;
    if (given.cue != nullptr) verdict.cue = given.cue;
    verdict.value = optional(given.value);
    verdict.threshold = optional(given.threshold);
    verdict.score = optional(given.score);
    verdict.smoothed = optional(given.smoothed);
    verdict.changed = given.changed != 0;
    verdict.overdue = given.overdue != 0;
    verdict.announced = given.announced != 0;
    if (given.runner_up != nullptr)
        verdict.runner_up = RunnerUp{given.runner_up, given.runner_up_cue, optional(given.runner_up_value),
                                     optional(given.runner_up_threshold)};
    if (given.head != nullptr) verdict.head = given.head;
    if (given.profile != nullptr) verdict.profile = given.profile;
    return verdict;
}

inline Verdict checked_verdict(dgiqa_status status, const dgiqa_verdict &given) {
    if (status == DGIQA_ERROR_GATE) throw GateError(dgiqa_last_error(), verdict(given));
    check(status);
    return verdict(given);
}

inline Cues cues(const dgiqa_cues &given) {
    return {optional(given.luminance), optional(given.shadows), optional(given.clipped),  optional(given.sharpness),
            optional(given.noise),     optional(given.haze),    optional(given.contrast), optional(given.occlusion),
            optional(given.change),    optional(given.smear),   optional(given.moved),    optional(given.likeness),
            optional(given.cast),      optional(given.chroma)};
}

inline dgiqa_cues cues(const Cues &given) {
    return {number(given.luminance), number(given.shadows), number(given.clipped),  number(given.sharpness),
            number(given.noise),     number(given.haze),    number(given.contrast), number(given.occlusion),
            number(given.change),    number(given.smear),   number(given.moved),    number(given.likeness),
            number(given.cast),      number(given.chroma)};
}

inline Quality quality(const dgiqa_quality &given) {
    Quality quality;
    quality.score = given.score;
    if (given.crop_count > 0) quality.crop_scores.assign(given.crop_scores, given.crop_scores + given.crop_count);
    quality.depth_width = given.depth_width;
    quality.depth_height = given.depth_height;
    const std::size_t pixels =
        static_cast<std::size_t>(given.depth_width) * static_cast<std::size_t>(given.depth_height);
    if (pixels > 0) quality.depth.assign(given.depth, given.depth + pixels);
    quality.coverage_rows = given.coverage_rows;
    quality.coverage_columns = given.coverage_columns;
    const std::size_t cells =
        static_cast<std::size_t>(given.coverage_rows) * static_cast<std::size_t>(given.coverage_columns);
    for (std::size_t i = 0; i < given.fault_count; ++i) {
        Fault fault{given.fault_names[i], given.faults[i], std::vector<float>(cells)};
        for (std::size_t cell = 0; cell < cells; ++cell)
            fault.coverage[cell] = given.coverage[cell * given.fault_count + i];
        quality.faults.push_back(std::move(fault));
    }
    quality.resize_ms = given.resize_ms;
    quality.engine_ms = given.engine_ms;
    quality.total_ms = given.total_ms;
    quality.depth_box = given.depth_box;
    quality.frame_box = given.frame_box;
    return quality;
}

inline const char *text(const std::optional<std::string> &given) { return given ? given->c_str() : nullptr; }

inline std::optional<std::string> text(const char *given) {
    return given == nullptr ? std::nullopt : std::optional<std::string>(given);
}

}  // namespace detail

// A BGR frame in host memory; stride in bytes, 0: rows without gaps. Fill in a dgiqa_frame yourself for other formats.
inline dgiqa_frame bgr(const std::uint8_t *pixels, int width, int height, std::size_t stride = 0) {
    dgiqa_frame frame = dgiqa_frame_default();
    frame.planes[0] = pixels;
    frame.strides[0] = stride;
    frame.width = width;
    frame.height = height;
    frame.format = DGIQA_BGR;
    return frame;
}

struct ScorerOptions {
    std::string bundle;
    std::string backend = "auto";
    int threads = 0;
    bool strict_size = false;
    dgiqa_verify verify = DGIQA_VERIFY_ONCE;
    dgiqa_fit fit = DGIQA_FIT_BUNDLE;
};

// Scores frames by a bundle; every method throws Error as the C function of its name fails.
class Scorer {
public:
    explicit Scorer(const ScorerOptions &options) {
        dgiqa_scorer_params params = dgiqa_scorer_default_params();
        params.bundle = options.bundle.c_str();
        params.backend = options.backend.c_str();
        params.threads = options.threads;
        params.strict_size = options.strict_size ? 1 : 0;
        params.verify = options.verify;
        params.fit = options.fit;
        dgiqa_scorer *created = nullptr;
        detail::check(dgiqa_scorer_create(&params, &created));
        scorer_.reset(created);
    }

    Quality score(const dgiqa_frame &frame) {
        dgiqa_quality quality;
        detail::check(dgiqa_scorer_score(scorer_.get(), &frame, &quality));
        return detail::quality(quality);
    }

    // JSON object: bundle, preset, precision, frame size, engines, backend, device.
    std::string describe() const { return dgiqa_scorer_describe(scorer_.get()); }

    int height() const { return size().height; }
    int width() const { return size().width; }

    dgiqa_scorer *get() const noexcept { return scorer_.get(); }

private:
    struct Size {
        int height = 0;
        int width = 0;
    };
    Size size() const {
        Size size;
        dgiqa_scorer_frame_size(scorer_.get(), &size.height, &size.width);
        return size;
    }

    std::unique_ptr<dgiqa_scorer, detail::Free<dgiqa_scorer_free>> scorer_;
};

// One camera's gate, by the JSON text of a policy and of a learned baseline; neither: the defaults, no baseline.
class Gate {
public:
    explicit Gate(const std::optional<std::string> &policy_json = std::nullopt,
                  const std::optional<std::string> &baseline_json = std::nullopt) {
        dgiqa_gate *created = nullptr;
        detail::check(dgiqa_gate_create(detail::text(policy_json), detail::text(baseline_json), &created));
        gate_.reset(created);
    }

    // Throws GateError where the watchdog raises, else Error.
    Verdict update(const Reading &reading, double t) {
        const dgiqa_cues cues = detail::cues(reading.cues.value_or(Cues()));
        std::vector<const char *> names;
        std::vector<float> faults;
        for (const Fault &fault : reading.faults) names.push_back(fault.name.c_str());
        for (const Fault &fault : reading.faults) faults.push_back(fault.probability);
        const dgiqa_reading given = {detail::number(reading.score), reading.cues ? &cues : nullptr, names.size(),
                                     names.data(), faults.data()};
        dgiqa_verdict verdict;
        const dgiqa_status status = dgiqa_gate_update(gate_.get(), &given, t, &verdict);
        return detail::checked_verdict(status, verdict);
    }

    // The whole policy in force, as JSON text.
    std::string policy() const { return dgiqa_gate_policy(gate_.get()); }

    // The baseline given or learned by now, as JSON text.
    std::optional<std::string> baseline() { return detail::text(dgiqa_gate_baseline(gate_.get())); }

    dgiqa_gate *get() const noexcept { return gate_.get(); }

private:
    std::unique_ptr<dgiqa_gate, detail::Free<dgiqa_gate_free>> gate_;
};

// Measures one camera's frames in their order.
class CueMeter {
public:
    CueMeter() {
        dgiqa_cue_meter *created = nullptr;
        detail::check(dgiqa_cue_meter_create(&created));
        meter_.reset(created);
    }

    Cues measure(const dgiqa_frame &frame) {
        dgiqa_cues cues;
        detail::check(dgiqa_cue_meter_measure(meter_.get(), &frame, &cues));
        return detail::cues(cues);
    }

    // What of the frames counts, as JSON text; none: all of it.
    void set_regions(const std::optional<std::string> &json) {
        detail::check(dgiqa_cue_meter_set_regions(get(), detail::text(json)));
    }

    // Forget the last frame, after a reconnect.
    void restart() { dgiqa_cue_meter_restart(meter_.get()); }

    dgiqa_cue_meter *get() const noexcept { return meter_.get(); }

private:
    std::unique_ptr<dgiqa_cue_meter, detail::Free<dgiqa_cue_meter_free>> meter_;
};

// Scorer, cues and gate of one camera together; the scorer must outlive it.
class Camera {
public:
    explicit Camera(Scorer &scorer, const std::optional<std::string> &policy_json = std::nullopt,
                    const std::optional<std::string> &baseline_json = std::nullopt) {
        dgiqa_camera *created = nullptr;
        detail::check(
            dgiqa_camera_create(scorer.get(), detail::text(policy_json), detail::text(baseline_json), &created));
        camera_.reset(created);
    }

    // Throws GateError where the watchdog raises, else Error.
    Judged judge(const dgiqa_frame &frame, double t) {
        dgiqa_quality quality;
        dgiqa_verdict verdict;
        const dgiqa_status status = dgiqa_camera_judge(camera_.get(), &frame, t, &quality, &verdict);
        Verdict judged = detail::checked_verdict(status, verdict);
        return {detail::quality(quality), std::move(judged)};
    }

    // Tell the gate that the camera gives nothing.
    Verdict no_signal(double t) {
        dgiqa_verdict verdict;
        const dgiqa_status status = dgiqa_camera_no_signal(camera_.get(), t, &verdict);
        return detail::checked_verdict(status, verdict);
    }

    // What of the frames counts, as JSON text; none: all of it.
    void set_regions(const std::optional<std::string> &json) {
        detail::check(dgiqa_camera_set_regions(get(), detail::text(json)));
    }

    Cues cues() const {  // of the frame judged last
        dgiqa_cues cues;
        detail::check(dgiqa_camera_cues(get(), &cues));
        return detail::cues(cues);
    }

    // Rows of the frame judged last: where one of its faults is; empty where the bundle reads no such fault.
    std::vector<std::vector<double>> where(const std::string &fault) {
        int rows = 0, columns = 0;
        const double *row = dgiqa_camera_where(get(), fault.c_str(), &rows, &columns);
        std::vector<std::vector<double>> found;
        for (; row != nullptr && rows > 0; --rows, row += columns) found.emplace_back(row, row + columns);
        return found;
    }

    // Policy, baseline and reference view (given or learned) of the camera, as JSON text.
    std::string policy() const { return dgiqa_gate_policy(dgiqa_camera_gate(camera_.get())); }
    std::optional<std::string> baseline() {
        return detail::text(dgiqa_gate_baseline(dgiqa_camera_gate(camera_.get())));
    }

    void set_reference(const std::string &json) { detail::check(dgiqa_camera_set_reference(get(), json.c_str())); }
    std::optional<std::string> reference() { return detail::text(dgiqa_camera_reference(get())); }
    dgiqa_camera *get() const noexcept { return camera_.get(); }

private:
    std::unique_ptr<dgiqa_camera, detail::Free<dgiqa_camera_free>> camera_;
};

}  // namespace dgiqa_edge

#endif  // DGIQA_EDGE_HPP
