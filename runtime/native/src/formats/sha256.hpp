// SHA-256 (FIPS 180-4) of bytes and files: what a bundle's files are recognised by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace dgiqa {

class Sha256 {
public:
    void update(const void *data, std::size_t size);
    std::string hex();  // of all that was given; call it once, last

private:
    std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> pending_ = {};
    std::uint64_t size_bytes_ = 0;
};

// Takes blocks of 64 bytes into the state, with portable code or the processor's own instructions: both give the same.
using TakeBlocks = void (*)(std::array<std::uint32_t, 8> &state, const std::uint8_t *blocks, std::size_t count);
void take_blocks_portably(std::array<std::uint32_t, 8> &state, const std::uint8_t *blocks, std::size_t count);
TakeBlocks take_blocks_here();  // the fastest that this processor has

std::string sha256_text(const std::string &text);

// Reads in chunks. Throws std::system_error: the file cannot be read.
std::string sha256_file(const std::string &path);

}  // namespace dgiqa
