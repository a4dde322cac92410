// Scores of image files, as a table for people or JSON Lines for programs.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "handles.hpp"
#include "media/image_file.hpp"

namespace dgiqa_tool {
namespace {

using Json = nlohmann::ordered_json;

Json scored(dgiqa_scorer *scorer, const std::string &image) {
    try {
        const dgiqa::Picture picture = dgiqa::read_image(image);
        const dgiqa_frame frame = frame_of(picture);
        dgiqa_quality quality{};
        check(dgiqa_scorer_score(scorer, &frame, &quality));
        return {{"image", image},
                {"score", quality.score},
                {"latency_ms", quality.total_ms},
                {"crop_scores", std::vector<float>(quality.crop_scores, quality.crop_scores + quality.crop_count)},
                {"width", picture.width},
                {"height", picture.height}};
    } catch (const dgiqa::Error &error) {
        if (error.status() != DGIQA_ERROR_SOURCE) throw;
        return {{"image", image}, {"error", error.what()}};
    }
}

void print_row(const Json &row, int width) {
    const std::string image = row.at("image");
    if (row.contains("error"))
        std::printf("%-*s  %7s  %10s  error: %s\n", width, image.c_str(), "-", "-",
                    row.at("error").get<std::string>().c_str());
    else
        std::printf("%-*s  %7.4f  %10.1f\n", width, image.c_str(), row.at("score").get<double>(),
                    row.at("latency_ms").get<double>());
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
    std::size_t width = 5, failed = 0;
    for (const std::string &image : images) width = std::max(width, image.size());
    if (!json) std::printf("%-*s  %7s  %10s\n", static_cast<int>(width), "image", "score", "latency_ms");
    for (const std::string &image : images) {
        const Json row = scored(scorer.get(), image);
        failed += row.contains("error") ? 1 : 0;
        if (json)
            std::printf("%s\n", row.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
        else
            print_row(row, static_cast<int>(width));
        std::fflush(stdout);
    }
    if (!json) std::printf("%zu scored, %zu failed\n", images.size() - failed, failed);
    return failed != 0 ? kExitInput : 0;
}

}  // namespace dgiqa_tool
