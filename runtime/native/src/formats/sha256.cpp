#include "formats/sha256.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__)
#define DGIQA_WITH_SHA_INSTRUCTIONS
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace dgiqa {
namespace {

constexpr std::uint32_t ROUND_CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr std::size_t CHUNK_BYTES = 1 << 20;

std::uint32_t rotated(std::uint32_t value, int bits) { return (value >> bits) | (value << (32 - bits)); }

std::uint32_t big_endian(const std::uint8_t *bytes) {
    return (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) | (std::uint32_t{bytes[2]} << 8) |
           std::uint32_t{bytes[3]};
}

#ifdef DGIQA_WITH_SHA_INSTRUCTIONS
bool has_sha_instructions() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_SSE4_1) == 0) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

// Four rounds at a time, the state as the instructions want it: a, b, e, f and c, d, g, h (Intel SDM, SHA256RNDS2).
__attribute__((target("sha,sse4.1"))) void take_blocks_by_instructions(std::array<std::uint32_t, 8> &state,
                                                                       const std::uint8_t *blocks, std::size_t count) {
    const auto load = [](const void *from) { return _mm_loadu_si128(static_cast<const __m128i *>(from)); };
    const __m128i big_endian_words = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const __m128i cdab = _mm_shuffle_epi32(load(&state[0]), 0xB1), efgh = _mm_shuffle_epi32(load(&state[4]), 0x1B);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
    for (; count > 0; --count, blocks += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i words[4];
        for (int i = 0; i < 4; ++i) words[i] = _mm_shuffle_epi8(load(blocks + 16 * i), big_endian_words);
        for (int i = 0; i < 16; ++i) {
            const __m128i &last = words[(i + 3) % 4];
            __m128i &next = words[i % 4];
            const __m128i sum = _mm_add_epi32(next, load(&ROUND_CONSTANTS[4 * i]));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
            const __m128i early = _mm_sha256msg1_epu32(next, words[(i + 1) % 4]);
            next = _mm_sha256msg2_epu32(_mm_add_epi32(early, _mm_alignr_epi8(last, words[(i + 2) % 4], 4)), last);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1B), dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128(reinterpret_cast<__m128i *>(&state[0]), _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(&state[4]), _mm_alignr_epi8(dchg, feba, 8));
}
#endif

}  // namespace

void take_blocks_portably(std::array<std::uint32_t, 8> &state, const std::uint8_t *blocks, std::size_t count) {
    for (; count > 0; --count, blocks += 64) {
        std::uint32_t schedule[64];
        for (int i = 0; i < 16; ++i) schedule[i] = big_endian(blocks + 4 * i);
        for (int i = 16; i < 64; ++i) {
            const std::uint32_t early = schedule[i - 15], late = schedule[i - 2];
            schedule[i] = schedule[i - 16] + schedule[i - 7] + (rotated(early, 7) ^ rotated(early, 18) ^ (early >> 3)) +
                          (rotated(late, 17) ^ rotated(late, 19) ^ (late >> 10));
        }
        auto [a, b, c, d, e, f, g, h] = state;
        for (int i = 0; i < 64; ++i) {
            const std::uint32_t first = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) +
                                        ROUND_CONSTANTS[i] + schedule[i];
            const std::uint32_t second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g;
            g = f;
            f = e;
            e = d + first;
            d = c;
            c = b;
            b = a;
            a = first + second;
        }
        const std::uint32_t words[8] = {a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < 8; ++i) state[i] += words[i];
    }
}

TakeBlocks take_blocks_here() {
#ifdef DGIQA_WITH_SHA_INSTRUCTIONS
    static const bool found = has_sha_instructions();
    if (found) return take_blocks_by_instructions;
#endif
    return take_blocks_portably;
}

void Sha256::update(const void *data, std::size_t size) {
    const auto *bytes = static_cast<const std::uint8_t *>(data);
    std::size_t held = static_cast<std::size_t>(size_bytes_ % 64);
    size_bytes_ += size;
    while (size > 0) {
        if (held == 0 && size >= 64) {
            take_blocks_here()(state_, bytes, size / 64);
            bytes += size / 64 * 64;
            size %= 64;
            continue;
        }
        const std::size_t taken = std::min(size, 64 - held);
        std::memcpy(pending_.data() + held, bytes, taken);
        bytes += taken;
        size -= taken;
        held = (held + taken) % 64;
        if (held == 0) take_blocks_here()(state_, pending_.data(), 1);
    }
}

std::string Sha256::hex() {
    const std::uint64_t size_bits = size_bytes_ * 8;
    const std::size_t held = static_cast<std::size_t>(size_bytes_ % 64);
    std::array<std::uint8_t, 72> tail = {0x80};
    const std::size_t padding = (held < 56 ? 56 : 120) - held;
    for (int i = 0; i < 8; ++i)
        tail[padding + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(size_bits >> (56 - 8 * i));
    update(tail.data(), padding + 8);
    std::string text;
    for (std::uint32_t word : state_) {
        char digits[9];
        std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(word));
        text += digits;
    }
    return text;
}

std::string sha256_text(const std::string &text) {
    Sha256 digest;
    digest.update(text.data(), text.size());
    return digest.hex();
}

std::string sha256_file(const std::string &path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    if (!file) throw std::system_error(errno, std::generic_category());
    std::vector<char> chunk(CHUNK_BYTES);
    Sha256 digest;
    while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get()))
        digest.update(chunk.data(), got);
    if (std::ferror(file.get())) throw std::system_error(errno, std::generic_category());
    return digest.hex();
}

}  // namespace dgiqa
