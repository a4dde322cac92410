// Scores of image files, as a table for people or JSON Lines for programs.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <new>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "faults.hpp"
#include "formats/quoting.hpp"
#include "formats/strict_json.hpp"
#include "handles.hpp"
#include "media/image_file.hpp"
#include "output.hpp"
#include "stop_signals.hpp"

namespace dgiqa_tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr float PROBABLE = 0.5f;  // least probability of a fault that is named to people, as in Python

// Probabilities of all faults, and of the probable ones those of each cell, rows from the top.
void add_faults(const dgiqa_quality &quality, Json &row) {
    if (quality.fault_count == 0) return;
    row["faults"] = fault_probabilities(quality);
    Json &coverage = row["coverage"] = Json::object();
    for (std::size_t i = 0; i < quality.fault_count; ++i) {
        if (quality.faults[i] < PROBABLE) continue;
        Json &cells = coverage[quality.fault_names[i]];
        const float *value = quality.coverage + i;
        for (int y = 0; y < quality.coverage_rows; ++y)
            for (int x = 0; x < quality.coverage_columns; ++x, value += quality.fault_count)
                cells[y].push_back(rounded(*value));
    }
}

std::string named(const Json &coverage) {
    std::vector<std::string> names;
    for (const auto &fault : coverage.items()) names.push_back(fault.key());
    return names.empty() ? "none" : dgiqa::joined(names);
}

Json scored(dgiqa_scorer *scorer, const std::string &image) {
    try {
        const dgiqa::Picture picture = dgiqa::read_image(image);
        const dgiqa_frame frame = frame_of(picture);
        dgiqa_quality quality{};
        check(dgiqa_scorer_score(scorer, &frame, &quality));
        Json row = {{"image", dgiqa::valid_name(image)},
                    {"score", quality.score},
                    {"latency_ms", quality.total_ms},
                    {"crop_scores", std::vector<float>(quality.crop_scores, quality.crop_scores + quality.crop_count)},
                    {"width", picture.width},
                    {"height", picture.height}};
        add_faults(quality, row);
        return row;
    } catch (const dgiqa::Error &error) {
        if (error.status() != DGIQA_ERROR_SOURCE) throw;
        return {{"image", dgiqa::valid_name(image)}, {"error", error.what()}};
    } catch (const std::bad_alloc &) {
        return {{"image", dgiqa::valid_name(image)},
                {"error", dgiqa::shown_name(image) + " needs more memory than there is: give a smaller picture"}};
    }
}

void print_row(const std::string &name, const Json &row, std::size_t width) {
    const std::string column = padded(name, width);
    if (row.contains("error"))
        print("%s  %7s  %10s  error: %s\n", column.c_str(), "-", "-", row.at("error").get<std::string>().c_str());
    else
        print("%s  %7.4f  %10.1f%s\n", column.c_str(), row.at("score").get<double>(), row.at("latency_ms").get<double>(),
              row.contains("coverage") ? ("  " + named(row.at("coverage"))).c_str() : "");
}

}  // namespace

const Command &score_command() {
    static const Command command = {
        "score", "IMAGES...", "score image files (JPEG, PNG, PPM) or the ones in directories",
        "dgiqa-edge-native score --bundle build/demo/bundle --json photos/", with_scorer_options({})};
    return command;
}

int run_score(const Arguments &arguments) {
    if (arguments.operands().empty())
        throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION, "no images are given; see dgiqa-edge-native score --help");
    const std::vector<std::string> images = dgiqa::expand_images(arguments.operands());
    const Scorer scorer = scorer_of(arguments);
    const bool json = arguments.has("--json");
    std::vector<std::string> names;
    for (const std::string &image : images) names.push_back(dgiqa::shown_name(image));
    std::size_t width = 5, scored_count = 0, failed = 0;
    for (const std::string &name : names) width = std::max(width, dgiqa::columns(name));
    const bool has_faults = dgiqa::parse_strictly(dgiqa_scorer_describe(scorer.get())).contains("faults");
    if (!json)
        print("%s  %7s  %10s%s\n", padded("image", width).c_str(), "score", "latency_ms", has_faults ? "  faults" : "");
    if (const std::string unread = dgiqa::left_out(arguments.operands()); !unread.empty())
        std::fprintf(stderr, "%s\n", unread.c_str());
    const StopSignals stop;
    for (std::size_t at = 0; at < images.size() && !stop.caught(); ++at) {
        const Json row = scored(scorer.get(), images[at]);
        ++(row.contains("error") ? failed : scored_count);
        json ? print_json(row) : print_row(names[at], row, width);
    }
    if (!json) print("%zu scored, %zu failed\n", scored_count, failed);
    if (stop.caught()) {
        std::fprintf(stderr, "interrupted: %zu of %zu images were scored\n", scored_count + failed, images.size());
        return stop.exit_code();
    }
    return failed != 0 ? kExitInput : 0;
}

}  // namespace dgiqa_tool
