#include <utility>

#include "api/guarded.hpp"
#include "api/scorer_handle.hpp"
#include "frames/layout.hpp"

namespace dgiqa {

dgiqa_quality keep_quality(dgiqa_scorer &handle, Quality &&quality) {
    handle.last = std::move(quality);
    const Quality &kept = handle.last;
    dgiqa_quality shown = {};
    shown.score = kept.score;
    shown.crop_scores = kept.crop_scores.data();
    shown.crop_count = kept.crop_scores.size();
    shown.depth = kept.depth.data();
    shown.depth_width = kept.depth_width;
    shown.depth_height = kept.depth_height;
    shown.resize_ms = kept.resize_ms;
    shown.engine_ms = kept.engine_ms;
    shown.total_ms = kept.total_ms;
    if (const auto &faults = handle.scorer.faults()) {
        shown.fault_count = kept.faults.size();
        shown.fault_names = handle.fault_names.data();
        shown.faults = kept.faults.data();
        shown.coverage = kept.coverage.data();
        shown.coverage_rows = faults->rows;
        shown.coverage_columns = faults->columns;
    }
    shown.depth_box = kept.depth_box;
    shown.frame_box = kept.frame_box;
    return shown;
}

}  // namespace dgiqa

dgiqa_frame dgiqa_frame_default(void) { return {}; }

dgiqa_scorer_params dgiqa_scorer_default_params(void) {
    dgiqa_scorer_params params = {};
    params.backend = "auto";
    params.verify = DGIQA_VERIFY_ONCE;
    return params;
}

dgiqa_status dgiqa_scorer_create(const dgiqa_scorer_params *params, dgiqa_scorer **scorer) {
    if (scorer != nullptr) *scorer = nullptr;
    return dgiqa::guarded([&] {
        dgiqa::demand(params && scorer && params->bundle,
                      "dgiqa_scorer_create: params, its bundle and scorer must not be NULL: start from "
                      "dgiqa_scorer_default_params() and set the bundle");
        if (params->verify < DGIQA_VERIFY_ONCE || params->verify > DGIQA_VERIFY_NEVER)
            dgiqa::complain("dgiqa_scorer_create: verify is " + std::to_string(static_cast<int>(params->verify)) +
                            ": give a DGIQA_VERIFY_ value");
        if (dgiqa::number_of(params->fit) > DGIQA_FIT_CROP)
            dgiqa::complain("dgiqa_scorer_create: fit is " + std::to_string(dgiqa::number_of(params->fit)) +
                            ": give a DGIQA_FIT_ value");
        dgiqa::ScorerOptions options;
        options.bundle = params->bundle;
        if (params->backend != nullptr) options.backend = params->backend;
        options.threads = params->threads;
        options.strict_size = params->strict_size != 0;
        options.verify = params->verify;
        options.fit = params->fit;
        *scorer = new dgiqa_scorer(options);
    });
}

dgiqa_status dgiqa_scorer_score(dgiqa_scorer *scorer, const dgiqa_frame *frame, dgiqa_quality *quality) {
    if (quality != nullptr) *quality = {};
    return dgiqa::guarded([&] {
        dgiqa::demand(scorer && frame && quality, "dgiqa_scorer_score: scorer, frame and quality must not be NULL");
        *quality = dgiqa::keep_quality(*scorer, scorer->scorer.score(*frame));
    });
}

const char *dgiqa_scorer_describe(const dgiqa_scorer *scorer) {
    return scorer == nullptr ? "{}" : scorer->scorer.describe().c_str();
}

void dgiqa_scorer_frame_size(const dgiqa_scorer *scorer, int *height, int *width) {
    if (height != nullptr) *height = scorer == nullptr ? 0 : scorer->scorer.height();
    if (width != nullptr) *width = scorer == nullptr ? 0 : scorer->scorer.width();
}

void dgiqa_scorer_free(dgiqa_scorer *scorer) { delete scorer; }
