// What a dgiqa_scorer of the C API is, for the other C functions that take one.
#pragma once

#include "scorer.hpp"

struct dgiqa_scorer {
    explicit dgiqa_scorer(const dgiqa::ScorerOptions &options) : scorer(options) {}

    dgiqa::Scorer scorer;
    dgiqa::Quality last;  // what the pointers of the last dgiqa_quality lead to
};

namespace dgiqa {

// Keeps a quality in the handle and shows it as the C structure, whose pointers hold until the next call.
dgiqa_quality keep_quality(dgiqa_scorer &handle, Quality &&quality);

}  // namespace dgiqa
