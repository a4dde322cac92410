// What a dgiqa_scorer of the C API is, for the other C functions that take one.
#pragma once

#include "scorer.hpp"

struct dgiqa_scorer {
    explicit dgiqa_scorer(const dgiqa::ScorerOptions &options) : scorer(options) {
        if (scorer.faults())
            for (const std::string &name : scorer.faults()->names) fault_names.push_back(name.c_str());
    }

    dgiqa::Scorer scorer;
    dgiqa::Quality last;  // what the pointers of the last dgiqa_quality lead to
    std::vector<const char *> fault_names;
};

namespace dgiqa {

// Keeps a quality in the handle and shows it as the C structure, whose pointers hold until the next call.
dgiqa_quality keep_quality(dgiqa_scorer &handle, Quality &&quality);

}  // namespace dgiqa
