// Standard output and its end: the only place that writes there, so that no result is lost without a word.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace dgiqa_tool {

// Nobody reads the output any more: the program ends, and has nothing to say about it.
struct ReaderGone {};

// As printf, and flushed. Throws ReaderGone; Error(DGIQA_ERROR_MACHINE): it cannot be written.
[[gnu::format(printf, 1, 2)]] void print(const char *format, ...);

// One line of JSON that every parser takes. Throws as print.
void print_json(const nlohmann::ordered_json &value);

// The text, filled up with blanks to so many columns.
std::string padded(const std::string &text, std::size_t width);

// Before anything is opened: a file must not become the output of a program that was started without one, and a reader
// who leaves is an error of writing, not a signal that kills.
void prepare_streams();

}  // namespace dgiqa_tool
