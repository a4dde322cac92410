// How long a start and a frame take on this machine, and how much memory it needs.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "commands.hpp"
#include "handles.hpp"
#include "media/image_file.hpp"
#include "output.hpp"
#include "stop_signals.hpp"
#include "system_facts.hpp"

namespace dgiqa_tool {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr int kMostFrames = 1000000;
constexpr double kFps = 25.0;

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Between the two nearest, as numpy.percentile does it.
double percentile(const std::vector<double> &sorted, double percent) {
    const double at = percent / 100.0 * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (at - std::floor(at));
}

Json percentiles(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return {{"p50", percentile(values, 50)}, {"p90", percentile(values, 90)}, {"p99", percentile(values, 99)}};
}

// Grey noise of a fixed seed: a frame that no codec or cache makes easier than a camera's.
dgiqa::Picture noise(int height, int width) {
    dgiqa::Picture picture(height, width, 3);
    std::uint32_t state = 1;
    for (std::uint8_t &value : picture.pixels) {
        state = state * 1664525u + 1013904223u;
        value = static_cast<std::uint8_t>(64 + (state >> 25));
    }
    return picture;
}

struct Stages {
    std::vector<double> total, resize, engine, gate;
};

// One frame: scorer, cues, gate. The gate's time is what the scorer's does not explain.
void judge(dgiqa_camera *camera, const dgiqa_frame &frame, double t_s, Stages *stages) {
    dgiqa_quality quality{};
    dgiqa_verdict verdict{};
    const Clock::time_point start = Clock::now();
    const dgiqa_status status = dgiqa_camera_judge(camera, &frame, t_s, &quality, &verdict);
    const double total = ms_since(start);
    if (status != DGIQA_ERROR_GATE) check(status);
    if (stages == nullptr) return;
    stages->total.push_back(total);
    stages->resize.push_back(quality.resize_ms);
    stages->engine.push_back(quality.engine_ms);
    stages->gate.push_back(std::max(0.0, total - quality.total_ms));
}

void print_text(const Json &report) {
    const Json &start = report.at("startup");
    print("start to first verdict  %.0f ms (load %.0f ms, first frame %.0f ms)\n",
                start.at("first_verdict_ms").get<double>(), start.at("load_ms").get<double>(),
                start.at("first_frame_ms").get<double>());
    print("%-16s  %8s  %8s  %8s\n", "ms per frame", "p50", "p90", "p99");
    for (const auto &[name, row] : report.at("latency_ms").items())
        print("%-16s  %8.2f  %8.2f  %8.2f\n", name.c_str(), row.at("p50").get<double>(),
                    row.at("p90").get<double>(), row.at("p99").get<double>());
    print("%d frames of %s after %d for warm-up; peak memory %.0f MiB\n", report.at("frames").get<int>(),
                report.at("frame").get<std::string>().c_str(), report.at("warmup").get<int>(),
                report.at("peak_rss_mib").get<double>());
    print("%s\n%s\n", report.at("scorer").dump().c_str(), report.at("system").dump().c_str());
}

}  // namespace

const Command &bench_command() {
    static const Command command = {
        "bench", nullptr, "time from start to first verdict, latency of frames, peak memory",
        "dgiqa-edge-native bench --bundle build/demo/bundle --frames 200 --json",
        with_scorer_options({{"--image", "FILE", "the frame to score (default: noise of the bundle's size)"},
                             {"--frames", "N", "frames that count (default: 100)"},
                             {"--warmup", "N", "frames before them (default: 10)"}})};
    return command;
}

int run_bench(const Arguments &arguments) {
    const int frames = arguments.whole("--frames", 100, 1, kMostFrames);
    const int warmup = arguments.whole("--warmup", 10, 0, kMostFrames);
    const auto image = arguments.text("--image");
    const Clock::time_point before_load = Clock::now();
    const Scorer scorer = scorer_of(arguments);
    const double load_ms = ms_since(before_load);
    int height = 0, width = 0;
    dgiqa_scorer_frame_size(scorer.get(), &height, &width);
    const dgiqa::Picture picture = image ? dgiqa::read_image(*image) : noise(height, width);
    const dgiqa_frame frame = frame_of(picture);
    dgiqa_camera *made = nullptr;
    check(dgiqa_camera_create(scorer.get(), nullptr, nullptr, &made));
    const Camera camera(made);

    const Clock::time_point before_first = Clock::now();
    judge(camera.get(), frame, 0.0, nullptr);
    const double first_frame_ms = ms_since(before_first);
    const double first_verdict_ms = seconds_since_process_start() * 1e3;
    Stages stages;
    const StopSignals stop;
    for (int i = 1; i <= warmup + frames && !stop.caught(); ++i)
        judge(camera.get(), frame, i / kFps, i <= warmup ? nullptr : &stages);

    const std::size_t measured = stages.total.size();
    if (stop.caught()) {
        std::fprintf(stderr, "interrupted: %zu of %d frames were measured\n", measured, frames);
        if (measured == 0) return stop.exit_code();
    }

    const Json report = {
        {"startup", {{"first_verdict_ms", first_verdict_ms}, {"load_ms", load_ms}, {"first_frame_ms", first_frame_ms}}},
        {"latency_ms",
         {{"total", percentiles(stages.total)},
          {"resize", percentiles(stages.resize)},
          {"engine", percentiles(stages.engine)},
          {"cues_and_gate", percentiles(stages.gate)}}},
        {"peak_rss_mib", peak_rss_mib()},
        {"frames", measured},
        {"warmup", warmup},
        {"frame", dgiqa::shown_name(image.value_or("noise " + std::to_string(width) + "x" + std::to_string(height)))},
        {"scorer", Json::parse(dgiqa_scorer_describe(scorer.get()))},
        {"library", Json::parse(dgiqa_build_info())},
        {"system", system_facts()}};
    if (arguments.has("--json"))
        print_json(report);
    else
        print_text(report);
    return stop.caught() ? stop.exit_code() : 0;
}

}  // namespace dgiqa_tool
