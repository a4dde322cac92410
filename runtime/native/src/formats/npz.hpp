// Arrays of a numpy .npz file: a zip archive, stored or deflated, of .npy members. Pickled objects are never read, and
// nothing is unpacked beyond what the reader expects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "formats/npy.hpp"

namespace dgiqa {

class NpzFile {
public:
    // Reads the archive's directory. Throws NpzError.
    explicit NpzFile(const std::string &path);

    bool has(const std::string &name) const { return members_.count(name) > 0; }

    // An array of at most so many bytes; its checksum is verified. Throws NpzError.
    NpyArray read(const std::string &name, std::size_t most_bytes) const;

private:
    struct Member {
        int method = 0;
        std::uint32_t crc = 0;
        std::size_t packed_bytes = 0;
        std::size_t unpacked_bytes = 0;
        std::size_t header_offset = 0;
    };

    void read_directory();
    std::vector<std::uint8_t> unpacked(const Member &member) const;

    std::vector<std::uint8_t> content_;
    std::map<std::string, Member> members_;  // without the suffix .npy
};

}  // namespace dgiqa
