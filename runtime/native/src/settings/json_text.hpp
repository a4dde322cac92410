// JSON text from outside, read with limits: no text is too long or too deep to be refused politely. All throw Error
// (CONFIGURATION); its message is one line, without the name of what the text was to be.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace dgiqa {

// At most 1 MiB and 32 levels.
nlohmann::json read_json(const std::string &text);

// The object of a file that says what it is, by its kind and version.
nlohmann::json read_kept(const std::string &text, const char *kind, int version);

// Of such a file, whose content is not what it should be.
[[noreturn]] void damaged(const std::string &problem);

// A value in a message: JSON on one line, ASCII, cut after 60 characters.
std::string shown(const nlohmann::json &value);

// A text in a message: as `shown`, without the quotes around it.
std::string shown_plainly(const std::string &text);

}  // namespace dgiqa
