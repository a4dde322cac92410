#include "formats/names.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>

namespace dgiqa {
namespace {

struct Letter {
    std::int32_t code;  // -1: a byte that is no UTF-8
    std::size_t bytes;
};

struct Range {
    std::int32_t first, last;
};

// What Python's str.isprintable says no to, but for letters that Unicode has yet to assign: controls (Cc), what turns
// or hides the text around it (Cf: directions, zero width), separators but the blank (Zl, Zp, Zs), private ones (Co).
constexpr Range kUnshown[] = {
    {0x00, 0x1f},       {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},     {0x1680, 0x1680},
    {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x2064},   {0x2066, 0x206f},
    {0x3000, 0x3000},   {0xe000, 0xf8ff},   {0xfeff, 0xfeff},   {0xf0000, 0xffffd}, {0x100000, 0x10fffd},
    {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
};

Letter letter_at(const std::string &text, std::size_t at) {
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned char first = byte(at);
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xf0 ? 4 : (first >= 0xe0 ? 3 : 2);
    if (first < 0xc2 || first > 0xf4 || length > text.size() - at) return {-1, 1};
    std::int32_t code = first & (0xff >> (length + 1));
    for (std::size_t index = at + 1; index < at + length; ++index) {
        if ((byte(index) & 0xc0) != 0x80) return {-1, 1};
        code = (code << 6) | (byte(index) & 0x3f);
    }
    const std::int32_t least = length == 4 ? 0x10000 : (length == 3 ? 0x800 : 0x80);
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {-1, 1};
    return {code, length};
}

std::string escape_of(std::int32_t code) {
    if (code == '\n') return "\\n";
    if (code == '\r') return "\\r";
    if (code == '\t') return "\\t";
    char text[16];
    const char *form = code < 0x100 ? "\\x%02x" : (code < 0x10000 ? "\\u%04x" : "\\U%08x");
    std::snprintf(text, sizeof text, form, static_cast<unsigned>(code));
    return text;
}

bool is_unshown(std::int32_t code) {
    return std::any_of(std::begin(kUnshown), std::end(kUnshown),
                       [code](const Range &range) { return code >= range.first && code <= range.last; });
}

std::string escaped(const std::string &name, bool controls_too) {
    std::string result;
    for (std::size_t at = 0; at < name.size();) {
        const Letter letter = letter_at(name, at);
        if (letter.code < 0)
            result += escape_of(static_cast<unsigned char>(name[at]));
        else if (controls_too && is_unshown(letter.code))
            result += escape_of(letter.code);
        else
            result.append(name, at, letter.bytes);
        at += letter.bytes;
    }
    return result;
}

}  // namespace

std::string valid_name(const std::string &name) { return escaped(name, false); }

std::string shown_name(const std::string &name) { return escaped(name, true); }

std::size_t columns(const std::string &shown) {
    return static_cast<std::size_t>(
        std::count_if(shown.begin(), shown.end(), [](unsigned char byte) { return (byte & 0xc0) != 0x80; }));
}

}  // namespace dgiqa
