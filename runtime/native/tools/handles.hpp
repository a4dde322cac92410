// The C API's objects, freed once, with its failures as exceptions.
#pragma once

#include <memory>
#include <string>

#include "arguments.hpp"
#include "dgiqa_edge.h"
#include "errors.hpp"
#include "frames/picture.hpp"

namespace dgiqa_tool {

template <auto free_it>
struct Free {
    template <typename Object>
    void operator()(Object *object) const {
        free_it(object);
    }
};

using Scorer = std::unique_ptr<dgiqa_scorer, Free<dgiqa_scorer_free>>;
using Camera = std::unique_ptr<dgiqa_camera, Free<dgiqa_camera_free>>;

// Throws Error with the library's message.
inline void check(dgiqa_status status) {
    if (status != DGIQA_OK) throw dgiqa::Error(status, dgiqa_last_error());
}

inline dgiqa_frame frame_of(const dgiqa::Picture &picture) {
    dgiqa_frame frame = dgiqa_frame_default();
    frame.planes[0] = picture.pixels.data();
    frame.width = picture.width;
    frame.height = picture.height;
    return frame;
}

// By the options of with_scorer_options.
Scorer scorer_of(const Arguments &arguments);

// The file's text; throws Error(DGIQA_ERROR_CONFIGURATION) where it cannot be read.
std::string text_of_file(const std::string &path);

}  // namespace dgiqa_tool
