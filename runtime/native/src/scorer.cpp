#include "scorer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "bundle/bundle.hpp"
#include "bundle/golden.hpp"
#include "bundle/replay_stamps.hpp"
#include "engines/device_feed.hpp"
#include "engines/registry.hpp"
#include "formats/limits.hpp"
#include "formats/quoting.hpp"
#include "frames/convert.hpp"
#include "frames/framing.hpp"

namespace dgiqa {
namespace {

using Clock = std::chrono::steady_clock;

double ms_between(Clock::time_point start, Clock::time_point end) {
    return std::chrono::duration<double, std::milli>(end - start).count();
}

const ScorerOptions &checked(const ScorerOptions &options) {
    if (options.threads < 0 || static_cast<std::uint64_t>(options.threads) > limits::most_threads)
        throw Error(DGIQA_ERROR_CONFIGURATION, "threads is " + std::to_string(options.threads) + ": give 1 to " +
                                                   std::to_string(limits::most_threads) +
                                                   ", or 0 for the backend's choice");
    return options;
}

}  // namespace

class Scorer::Implementation {
public:
    explicit Implementation(const ScorerOptions &options)
        : strict_size_(options.strict_size), bundle_(load_bundle(checked(options).bundle)),
          fit_(options.fit == DGIQA_FIT_BUNDLE ? fit_named(bundle_.manifest.fit).value() : options.fit) {
        for (const std::string &role : bundle_.manifest.roles()) {
            engines_.push_back(load_engine(bundle_, role, {options.backend, options.threads}));
            facts_.push_back(engines_.back()->describe());
        }
        const Size depth = bundle_.manifest.depth_output;
        depth_.resize(static_cast<std::size_t>(depth.height) * static_cast<std::size_t>(depth.width));
        crop_scores_.resize(static_cast<std::size_t>(bundle_.manifest.view_count));
        if (faults()) {
            faults_.resize(faults()->names.size());
            coverage_.resize(faults()->cell_values());
        }
        device_feed_ = std::make_unique<DeviceFeed>(engines_);
        if (options.verify != DGIQA_VERIFY_NEVER) verify(options.verify == DGIQA_VERIFY_ONCE);
        description_ = describe();
    }

    const Size &frame() const { return bundle_.manifest.frame; }
    const std::optional<Faults> &faults() const { return bundle_.manifest.faults; }
    const std::string &description() const { return description_; }

    void check_size(int height, int width) const {
        const Size own = frame();
        if (!strict_size_ || (height == own.height && width == own.width)) return;
        throw Error(DGIQA_ERROR_SOURCE, "the frame is " + std::to_string(width) + "x" + std::to_string(height) +
                                            ", the bundle takes " + std::to_string(own.width) + "x" +
                                            std::to_string(own.height) +
                                            ": clear strict_size to have it fitted, or build a bundle for this size");
    }

    Quality score(const Picture &bgr) {
        const Clock::time_point started = Clock::now();
        if (bgr.channels != 3 || bgr.height < 1 || bgr.width < 1)
            throw Error(DGIQA_ERROR_SOURCE, "a picture must be BGR and not empty, not " + std::to_string(bgr.width) +
                                                "x" + std::to_string(bgr.height) + " with " +
                                                std::to_string(bgr.channels) + " channels");
        check_size(bgr.height, bgr.width);
        const bool fits = bgr.height == frame().height && bgr.width == frame().width;
        Picture resized;
        if (!fits) resized = fitted(bgr, frame().height, frame().width, fit_);
        const Clock::time_point ready = Clock::now();
        run({{"frame", (fits ? bgr : resized).pixels.data()}});
        return result(started, ready, bgr.height, bgr.width);
    }

    Quality score(const dgiqa_frame &given) {
        const Clock::time_point started = Clock::now();
        check_size(given.height, given.width);
        if (device_feed_->takes(given)) {
            device_feed_->feed(given, frame().height, frame().width, fit_);
            const Clock::time_point ready = Clock::now();
            run({});
            return result(started, ready, given.height, given.width);
        }
        const Picture bgr = to_bgr(given);
        const double conversion_ms = ms_between(started, Clock::now());
        Quality quality = score(bgr);
        quality.resize_ms += conversion_ms;
        quality.total_ms += conversion_ms;
        return quality;
    }

private:
    // What the engines left behind for a frame of that size. Throws Error(DGIQA_ERROR_FIDELITY): it is not a score.
    Quality result(Clock::time_point started, Clock::time_point ready, int height, int width) {
        const Clock::time_point finished = Clock::now();
        if (!std::isfinite(score_) || !finite(crop_scores_)) refuse("a score");
        if (!finite(faults_) || !finite(coverage_)) refuse("a probability of a fault");
        Quality quality;
        quality.score = score_;
        quality.crop_scores = crop_scores_;
        quality.depth = depth_;
        quality.depth_width = bundle_.manifest.depth_output.width;
        quality.depth_height = bundle_.manifest.depth_output.height;
        quality.faults = faults_;
        quality.coverage = coverage_;
        const Framing placed = framing(height, width, frame().height, frame().width, fit_);
        quality.depth_box =
            scaled_box(placed.at, frame().height, frame().width, quality.depth_height, quality.depth_width);
        quality.frame_box = placed.shown;
        quality.resize_ms = ms_between(started, ready);
        quality.engine_ms = ms_between(ready, finished);
        quality.total_ms = ms_between(started, Clock::now());
        return quality;
    }

    static bool finite(const std::vector<float> &values) {
        return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    }

    [[noreturn]] void refuse(const std::string &what) const {
        throw Error(DGIQA_ERROR_FIDELITY, bundle_.path + ": the engine gave " + what +
                                              " that is not a number on this machine; " + bundle_.remedy() +
                                              bundle_.layer_hint());
    }

    // The frame through every engine; each takes what it needs from those before it. Without "frame" they have it.
    void run(Inputs given) {
        given["depth"] = depth_.data();
        const Outputs wanted = {{"score", &score_},
                                {"crop_scores", crop_scores_.data()},
                                {"depth", depth_.data()},
                                {"faults", faults_.data()},
                                {"coverage", coverage_.data()}};
        for (const auto &engine : engines_) engine->run(given, wanted);
    }

    // Replays the golden frame, unless a stamp says that this very replay has passed before.
    void verify(bool use_stamp) {
        const Json identity = replay_identity(bundle_, facts_);
        if (use_stamp && has_stamp(identity)) return;
        const Golden golden = load_golden(bundle_);
        run({{"frame", golden.frame.data()}});
        const Deviation deviation = compare(golden, score_, crop_scores_, depth_, faults_, coverage_);
        const Tolerance &tolerance = bundle_.manifest.tolerance;
        const std::string faults =
            tolerance.faults ? ", its faults " + brief(deviation.faults_max) + " and their cells on average " +
                                   brief(deviation.coverage_mean) + " (allowed " + brief(*tolerance.faults) + ")"
                             : "";
        if (!deviation.within(tolerance))
            throw Error(DGIQA_ERROR_FIDELITY,
                        bundle_.path + ": on this machine the golden frame's score is " + brief(deviation.score) +
                            " off FP32 (allowed " + brief(tolerance.score) + ") and its depth " +
                            brief(deviation.depth_mean_levels) + " grey levels (allowed " +
                            brief(tolerance.depth_levels) + ")" + faults +
                            ": rebuild the bundle here with: " + bundle_.rebuild_command() +
                            bundle_.layer_hint());
        deviation_ = {{"score", deviation.score}, {"depth_mean_levels", deviation.depth_mean_levels}};
        if (tolerance.faults) {
            deviation_["faults_max"] = deviation.faults_max;
            deviation_["coverage_mean"] = deviation.coverage_mean;
        }
        write_stamp(identity, deviation);
    }

    std::string describe() const {
        const Manifest &manifest = bundle_.manifest;
        Json document = {
            {"bundle", valid_name(bundle_.path)},
            {"preset", manifest.preset},
            {"precision", manifest.precision},
            {"layout", manifest.layout},
            {"frame", {{"height", manifest.frame.height}, {"width", manifest.frame.width}}},
            {"fit", fit_name(fit_)},
            {"depth", {{"height", manifest.depth_output.height}, {"width", manifest.depth_output.width}}},
            {"engines", facts_},
            {"golden_deviation", deviation_}};  // null: the replay was not needed, or not wanted
        if (faults()) document["faults"] = {{"names", faults()->names}, {"grid", {faults()->rows, faults()->columns}}};
        return document.dump(-1, ' ', false, Json::error_handler_t::replace);
    }

    bool strict_size_;
    Bundle bundle_;
    dgiqa_fit fit_;
    std::vector<std::unique_ptr<Engine>> engines_;
    std::unique_ptr<DeviceFeed> device_feed_;
    Json facts_ = Json::array();
    Json deviation_;
    std::string description_;
    float score_ = 0;
    std::vector<float> crop_scores_;
    std::vector<std::uint8_t> depth_;
    std::vector<float> faults_, coverage_;
};

Scorer::Scorer(const ScorerOptions &options) : implementation_(std::make_unique<Implementation>(options)) {}

Scorer::~Scorer() = default;

Quality Scorer::score(const Picture &bgr) { return implementation_->score(bgr); }

Quality Scorer::score(const dgiqa_frame &frame) { return implementation_->score(frame); }

int Scorer::height() const { return implementation_->frame().height; }

int Scorer::width() const { return implementation_->frame().width; }

const std::optional<Faults> &Scorer::faults() const { return implementation_->faults(); }

const std::string &Scorer::describe() const { return implementation_->description(); }

}  // namespace dgiqa
