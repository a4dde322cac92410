#include "formats/strict_json.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace dgiqa {
namespace {

constexpr int DEEPEST = 32;  // a manifest is six levels deep

std::string place(const std::string &text, std::size_t offset) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
    const auto line = 1 + std::count(text.begin(), end, '\n');
    const std::size_t line_start =
        text.rfind('\n', end == text.begin() ? 0 : static_cast<std::size_t>(end - text.begin()) - 1);
    const std::size_t column =
        static_cast<std::size_t>(end - text.begin()) - (line_start == std::string::npos ? 0 : line_start + 1);
    return "line " + std::to_string(line) + " column " + std::to_string(std::max<std::size_t>(column, 1));
}

std::string printable(const std::string &key) {
    std::string result;
    for (char letter : key.substr(0, 60)) result += letter >= 0x20 && letter < 0x7f ? letter : '?';
    return result;
}

}  // namespace

Json parse_strictly(const std::string &text) {
    // The library would take a NUL for the end of the text, and skip a byte-order mark.
    const std::size_t nul = text.find('\0');
    if (nul != std::string::npos) throw JsonError("a NUL byte at " + place(text, nul));
    if (text.compare(0, 3, "\xef\xbb\xbf") == 0) throw JsonError("a byte-order mark at its start");
    std::vector<std::set<std::string>> keys_of_open_objects;
    const auto watch = [&](int depth, Json::parse_event_t event, Json &parsed) {
        using Event = Json::parse_event_t;
        if (depth > DEEPEST) throw JsonError("nested more than " + std::to_string(DEEPEST) + " levels deep");
        if (event == Event::object_start) keys_of_open_objects.emplace_back();
        if (event == Event::object_end) keys_of_open_objects.pop_back();
        if (event == Event::key) {
            const auto &key = parsed.get_ref<const std::string &>();
            if (!keys_of_open_objects.back().insert(key).second)
                throw JsonError("the key '" + printable(key) + "' stands twice in one object: keep one");
        }
        return true;
    };
    try {
        return Json::parse(text, watch);
    } catch (const Json::parse_error &error) {
        throw JsonError("at " + place(text, error.byte));
    } catch (const Json::out_of_range &) {
        throw JsonError("a number is too large");
    }
}

}  // namespace dgiqa
