#include "settings/json_text.hpp"

#include <cstddef>

#include "errors.hpp"
#include "formats/strict_json.hpp"

namespace dgiqa {
namespace {

constexpr std::size_t LARGEST_BYTES = std::size_t{1} << 20;
constexpr std::size_t LONGEST_SHOWN = 60;

std::string cut(const std::string &text, std::size_t longest) {
    return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

}  // namespace

nlohmann::json read_json(const std::string &text) {
    if (text.size() > LARGEST_BYTES) {
        complain("it is larger than " + std::to_string(LARGEST_BYTES) + " bytes");
    }
    try {
        return parse_strictly(text);
    } catch (const JsonError &error) {
        complain(std::string("it is not JSON: ") + error.what());
    }
}

nlohmann::json read_kept(const std::string &text, const char *kind, int version) {
    const nlohmann::json document = read_json(text), none;
    if (!document.is_object() || document.value("kind", none) != kind) {
        complain("it holds something else");
    }
    if (const nlohmann::json found = document.value("version", none); found != version) {
        complain("its version is " + shown(found) + ", this library reads " + std::to_string(version));
    }
    return document;
}

void damaged(const std::string &problem) { complain("it is damaged: " + problem); }

std::string shown(const nlohmann::json &value) {
    return cut(value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace), LONGEST_SHOWN);
}

std::string shown_plainly(const std::string &text) {
    const std::string quoted = nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    return cut(quoted.substr(1, quoted.size() - 2), LONGEST_SHOWN);
}

}  // namespace dgiqa
