// JSON text from outside, read with limits: no text is too long or too deep to be refused politely.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace dgiqa {

// Why a text is no JSON; one line, without the name of what it was to be.
class JsonTextError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// At most 1 MiB and 32 levels. Throws JsonTextError.
nlohmann::json read_json(const std::string &text);

// A value in a message: JSON on one line, ASCII, cut after 60 characters.
std::string shown(const nlohmann::json &value);

// A text in a message: as `shown`, without the quotes around it.
std::string shown_plainly(const std::string &text);

}  // namespace dgiqa
