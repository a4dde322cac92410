// Arrays in one file as safetensors has them: the length of a JSON header (8 bytes, little-endian), the header, which
// gives each array's type, shape and place, and then the plain numbers, little-endian, rows in C order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace dgiqa {

// What is wrong with the file, in words that fit into brackets.
class TensorFileError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Tensor {
    std::string dtype;  // "U8", "F32"
    std::vector<std::size_t> shape;
    std::vector<std::uint8_t> bytes;  // as many as the header says; whether the shape needs so many is not checked
};

// All arrays by name, of a file with at most so many bytes of them. Throws TensorFileError.
std::map<std::string, Tensor> read_tensors(const std::string &path, std::size_t most_bytes);

}  // namespace dgiqa
