#include "gate/json_text.hpp"

#include <cstddef>
#include <set>
#include <vector>

namespace dgiqa {
namespace {

constexpr std::size_t LARGEST_BYTES = std::size_t{1} << 20;
constexpr int DEEPEST = 32;
constexpr std::size_t LONGEST_SHOWN = 60;

std::string cut(const std::string &text, std::size_t longest) {
    return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

// The library's message without its own name and number in brackets before it.
std::string plain_reason(const std::string &message) {
    const std::size_t end = message.find("] ");
    return cut(end == std::string::npos ? message : message.substr(end + 2), 200);
}

}  // namespace

nlohmann::json read_json(const std::string &text) {
    if (text.size() > LARGEST_BYTES) {
        throw JsonTextError("it is larger than " + std::to_string(LARGEST_BYTES) + " bytes");
    }
    std::vector<std::set<std::string>> keys_of_open_objects;
    const auto strictly = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json &parsed) {
        using Event = nlohmann::json::parse_event_t;
        if (depth > DEEPEST) {
            throw JsonTextError("it is nested deeper than " + std::to_string(DEEPEST) + " levels");
        }
        if (event == Event::object_start) keys_of_open_objects.emplace_back();
        if (event == Event::object_end) keys_of_open_objects.pop_back();
        if (event == Event::key) {
            const auto &key = parsed.get_ref<const std::string &>();
            if (!keys_of_open_objects.back().insert(key).second) {
                throw JsonTextError("the key '" + shown_plainly(key) + "' stands twice in one object: keep one");
            }
        }
        return true;
    };
    try {
        return nlohmann::json::parse(text, strictly);
    } catch (const nlohmann::json::exception &error) {
        throw JsonTextError("it is not JSON: " + plain_reason(error.what()));
    }
}

std::string shown(const nlohmann::json &value) {
    return cut(value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace), LONGEST_SHOWN);
}

std::string shown_plainly(const std::string &text) {
    const std::string quoted = nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    return cut(quoted.substr(1, quoted.size() - 2), LONGEST_SHOWN);
}

}  // namespace dgiqa
