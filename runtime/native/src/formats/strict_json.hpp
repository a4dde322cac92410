// JSON text as RFC 8259 has it and nothing more: no duplicate keys, NaN, comments, byte-order mark or deep nesting.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace dgiqa {

using Json = nlohmann::json;

class JsonError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Throws JsonError: says what is wrong and where ("line 3 column 7"); its text is plain ASCII.
Json parse_strictly(const std::string &text);

}  // namespace dgiqa
