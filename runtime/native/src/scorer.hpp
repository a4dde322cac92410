// One frame in, one quality out: the bundle's engines behind a pure function of the frame. What a score means is the
// gate's work; pixel formats and sizes are those of frames/convert.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bundle/manifest.hpp"
#include "dgiqa_edge.h"
#include "errors.hpp"
#include "frames/picture.hpp"

namespace dgiqa {

struct ScorerOptions {
    std::string bundle;            // folder that export/build_engine.py wrote
    std::string backend = "auto";  // "auto", or the name of one
    int threads = 0;               // of the CPU backend; 0: the backend's choice
    bool strict_size = false;      // refuse frames of another size than the bundle's instead of fitting them
    dgiqa_verify verify = DGIQA_VERIFY_ONCE;
    dgiqa_fit fit = DGIQA_FIT_BUNDLE;
};

// The verdict's raw material for one frame.
struct Quality {
    float score = 0;                  // in [0, 1], 1 best
    std::vector<float> crop_scores;   // in the manifest's order
    std::vector<std::uint8_t> depth;  // [depth_height * depth_width], relative inverse depth, 255 nearest
    int depth_width = 0;
    int depth_height = 0;
    std::vector<float> faults;    // [K], probabilities, in the order of Scorer::faults(); empty where it reads none
    std::vector<float> coverage;  // [rows * columns * K], those of the cells of the frame
    double resize_ms = 0;  // the size here; score(frame) adds the conversion of pixels
    double engine_ms = 0;
    double total_ms = 0;
    dgiqa_box depth_box{};  // the part of depth that shows the frame's picture
    dgiqa_box frame_box{};  // the part of the frame that is seen there
};

// For one thread at a time.
class Scorer {
public:
    // Reads and verifies the bundle, loads its engines, replays the golden frame.
    // Throws Error: CONFIGURATION, BUNDLE, ENGINE_COMPATIBILITY, MACHINE, FIDELITY.
    explicit Scorer(const ScorerOptions &options);
    ~Scorer();
    Scorer(const Scorer &) = delete;
    Scorer &operator=(const Scorer &) = delete;

    // Scores a BGR picture of any size. Throws Error: SOURCE, FIDELITY, ENGINE_COMPATIBILITY, MACHINE.
    Quality score(const Picture &bgr);

    // Converts and scores a frame. Throws Error as score(Picture).
    Quality score(const dgiqa_frame &frame);

    int height() const;  // of the frames that the engines take
    int width() const;

    // Those that the bundle reads.
    const std::optional<Faults> &faults() const;

    // JSON object: bundle, preset, precision, frame size, faults, engines.
    const std::string &describe() const;

private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace dgiqa
