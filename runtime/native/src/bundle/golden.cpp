#include "bundle/golden.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "errors.hpp"
#include "formats/npz.hpp"
#include "formats/quoting.hpp"

namespace dgiqa {
namespace {

using Shape = std::vector<std::size_t>;

std::size_t bytes_of(const Shape &shape, std::size_t item_bytes) {
    for (std::size_t side : shape) item_bytes *= side;  // the schema bounds every side
    return item_bytes;
}

std::vector<std::uint8_t> read(const NpzFile &file, const std::string &path, const std::string &name,
                               const std::string &dtype, const Shape &shape, const std::string &remedy) {
    if (!file.has(name)) throw Error(DGIQA_ERROR_BUNDLE, path + " lacks the array '" + name + "': " + remedy);
    NpyArray array = file.read(name, bytes_of(shape, dtype == "|u1" ? 1 : 4));
    if (array.dtype != dtype || array.shape != shape)
        throw Error(DGIQA_ERROR_BUNDLE, path + ": the array '" + name + "' is " + array.dtype + " " +
                                            bracketed(array.shape) + ", expected " + dtype + " " + bracketed(shape) +
                                            ": " + remedy);
    return std::move(array.bytes);
}

std::vector<float> floats(const std::vector<std::uint8_t> &bytes, const std::string &path, const std::string &name,
                          const std::string &remedy) {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
        throw Error(DGIQA_ERROR_BUNDLE, path + ": the array '" + name + "' holds a non-finite value: " + remedy);
    return values;
}

// Larger of both; a NaN stays.
double larger(double largest, double value) { return std::isnan(value) || value > largest ? value : largest; }

}  // namespace

bool Deviation::within(const Tolerance &tolerance) const {
    return score <= tolerance.score && depth_mean_levels <= tolerance.depth_levels;
}

Golden load_golden(const Bundle &bundle) {
    const Manifest &manifest = bundle.manifest;
    const std::string path = bundle.file(manifest.golden_file), remedy = bundle.remedy();
    const auto side = [](int pixels) { return static_cast<std::size_t>(pixels); };
    try {
        const NpzFile file(path);
        Golden golden;
        golden.frame =
            read(file, path, "frame", "|u1", {1, side(manifest.frame.height), side(manifest.frame.width), 3}, remedy);
        golden.score = floats(read(file, path, "score", "<f4", {1}, remedy), path, "score", remedy).front();
        golden.crop_scores = floats(read(file, path, "crop_scores", "<f4", {1, side(manifest.view_count)}, remedy),
                                    path, "crop_scores", remedy);
        golden.depth = read(file, path, "depth", "|u1",
                            {1, side(manifest.depth_output.height), side(manifest.depth_output.width)}, remedy);
        return golden;
    } catch (const NpzError &error) {
        throw Error(DGIQA_ERROR_BUNDLE, path + " is not a golden frame (" + error.what() + "): " + remedy);
    }
}

Deviation compare(const Golden &golden, float score, const std::vector<float> &crop_scores,
                  const std::vector<std::uint8_t> &depth) {
    Deviation deviation;
    deviation.score = std::abs(static_cast<double>(golden.score) - static_cast<double>(score));
    for (std::size_t i = 0; i < golden.crop_scores.size(); ++i)
        deviation.crop_score_max =
            larger(deviation.crop_score_max,
                   std::abs(static_cast<double>(golden.crop_scores[i]) - static_cast<double>(crop_scores[i])));
    double sum = 0;
    for (std::size_t i = 0; i < golden.depth.size(); ++i) {
        const double levels = std::abs(static_cast<int>(golden.depth[i]) - static_cast<int>(depth[i]));
        sum += levels;
        deviation.depth_max_levels = std::max(deviation.depth_max_levels, levels);
    }
    deviation.depth_mean_levels = sum / static_cast<double>(golden.depth.size());
    return deviation;
}

}  // namespace dgiqa
