#include "bundle/golden.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "errors.hpp"
#include "formats/quoting.hpp"
#include "formats/tensor_file.hpp"

namespace dgiqa {
namespace {

struct Expected {
    const char *name;
    const char *dtype;
    std::vector<std::size_t> shape;

    std::size_t bytes() const {
        std::size_t bytes = std::string(dtype) == "F32" ? sizeof(float) : 1;
        for (std::size_t side : shape) bytes *= side;  // the schema bounds every side
        return bytes;
    }
};

std::vector<Expected> expected_of(const Manifest &manifest) {
    const auto side = [](int pixels) { return static_cast<std::size_t>(pixels); };
    const Size &frame = manifest.frame, &depth = manifest.depth_output;
    std::vector<Expected> expected = {{"frame", "U8", {1, side(frame.height), side(frame.width), 3}},
                                      {"score", "F32", {1}},
                                      {"crop_scores", "F32", {1, side(manifest.view_count)}},
                                      {"depth", "U8", {1, side(depth.height), side(depth.width)}}};
    if (manifest.faults) {
        const Faults &faults = *manifest.faults;
        expected.push_back({"faults", "F32", {1, faults.names.size()}});
        expected.push_back({"coverage", "F32", {1, side(faults.rows), side(faults.columns), faults.names.size()}});
    }
    return expected;
}

std::vector<float> floats(const std::vector<std::uint8_t> &bytes, const char *name) {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
        throw TensorFileError("the array '" + std::string(name) + "' holds a non-finite value");
    return values;
}

// Larger of both; a NaN stays.
double larger(double largest, double value) { return std::isnan(value) || value > largest ? value : largest; }

double difference(float golden, float found) {
    return std::abs(static_cast<double>(golden) - static_cast<double>(found));
}

double largest_difference(const std::vector<float> &golden, const std::vector<float> &found) {
    double largest = 0;
    for (std::size_t i = 0; i < golden.size(); ++i) largest = larger(largest, difference(golden[i], found[i]));
    return largest;
}

double mean_difference(const std::vector<float> &golden, const std::vector<float> &found) {
    double sum = 0;
    for (std::size_t i = 0; i < golden.size(); ++i) sum += difference(golden[i], found[i]);
    return golden.empty() ? 0 : sum / static_cast<double>(golden.size());
}

}  // namespace

bool Deviation::within(const Tolerance &tolerance) const {
    if (tolerance.faults && !(faults_max <= *tolerance.faults && coverage_mean <= *tolerance.faults)) return false;
    return score <= tolerance.score && depth_mean_levels <= tolerance.depth_levels;
}

Golden load_golden(const Bundle &bundle) {
    const std::string path = bundle.file(bundle.manifest.golden_file);
    const std::vector<Expected> expected = expected_of(bundle.manifest);
    std::size_t all_bytes = 0;
    for (const Expected &array : expected) all_bytes += array.bytes();
    try {
        std::map<std::string, Tensor> found = read_tensors(path, all_bytes);
        for (const Expected &array : expected) {
            const Tensor &own = found[array.name];
            if (own.dtype != array.dtype || own.shape != array.shape || own.bytes.size() != array.bytes())
                throw TensorFileError("the array '" + std::string(array.name) + "' is " +
                                      (own.dtype.empty() ? "missing" : own.dtype + " " + bracketed(own.shape)) +
                                      " of " + std::to_string(own.bytes.size()) + " bytes, expected " + array.dtype +
                                      " " + bracketed(array.shape));
        }
        Golden golden = {std::move(found["frame"].bytes),
                         floats(found["score"].bytes, "score").front(),
                         floats(found["crop_scores"].bytes, "crop_scores"),
                         std::move(found["depth"].bytes),
                         {},
                         {}};
        if (bundle.manifest.faults) {
            golden.faults = floats(found["faults"].bytes, "faults");
            golden.coverage = floats(found["coverage"].bytes, "coverage");
        }
        return golden;
    } catch (const TensorFileError &error) {
        throw Error(DGIQA_ERROR_BUNDLE, path + " is not a golden frame (" + error.what() + "): " + bundle.remedy());
    }
}

Deviation compare(const Golden &golden, float score, const std::vector<float> &crop_scores,
                  const std::vector<std::uint8_t> &depth, const std::vector<float> &faults,
                  const std::vector<float> &coverage) {
    Deviation deviation;
    deviation.score = difference(golden.score, score);
    deviation.crop_score_max = largest_difference(golden.crop_scores, crop_scores);
    deviation.faults_max = largest_difference(golden.faults, faults);
    deviation.coverage_mean = mean_difference(golden.coverage, coverage);
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
