// numpy's .npy format (numpy.lib.format, versions 1 to 3): a short Python literal, then the bytes of the array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace dgiqa {

// What is wrong with the file, in words that fit into brackets.
class NpzError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct NpyArray {
    std::string dtype;  // numpy's short form: "|u1", "<f4"
    std::vector<std::size_t> shape;
    std::vector<std::uint8_t> bytes;  // rows in C order
};

// The array of a whole .npy file; `name` is for messages. Types other than bytes and plain little-endian numbers, and
// Fortran order, are refused. Throws NpzError.
NpyArray array_of_npy(std::vector<std::uint8_t> &&file, const std::string &name);

}  // namespace dgiqa
