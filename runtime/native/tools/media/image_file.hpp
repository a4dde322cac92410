// Image files as BGR pictures, as the Python package's runtime/frames/images.py reads them: JPEG, PNG and binary PPM or PGM.
// For the tools; the library itself takes pixels only.
#pragma once

#include <string>
#include <vector>

#include "frames/picture.hpp"

namespace dgiqa {

// The file's picture, alpha dropped, grey repeated over the channels, turned as its EXIF orientation says.
// Throws Error(DGIQA_ERROR_SOURCE): the file is missing, empty, cut off, damaged, or of another kind.
Picture read_image(const std::string &path);

// Whether the name's suffix is one of those that read_image takes.
bool is_image_name(const std::string &path);

// The image files that arguments mean: a directory stands for the image files directly in it, in the order of their
// names; any other argument, and a directory that holds none or cannot be listed, is kept, so that reading it says what
// is wrong while the others are still read.
std::vector<std::string> expand_images(const std::vector<std::string> &arguments);

// A sentence on pictures that the directories among the arguments hold and that are not read; empty without any.
std::string left_out(const std::vector<std::string> &arguments);

}  // namespace dgiqa
