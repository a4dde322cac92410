// numpy's .npy format (numpy.lib.format, versions 1 to 3): a short Python literal, then the bytes of the array.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bundle/npz.hpp"

namespace dgiqa {

// The array of a whole .npy file; `name` is for messages. Types other than bytes and plain little-endian numbers, and
// Fortran order, are refused. Throws NpzError.
NpyArray array_of_npy(std::vector<std::uint8_t> &&file, const std::string &name);

}  // namespace dgiqa
