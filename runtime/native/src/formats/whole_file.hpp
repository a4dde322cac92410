// A file read into memory whole, never more than it may have: the only place that opens a file of the user's.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace dgiqa {

// Why a file was not read, as the words that follow its name: "does not exist", "is a folder" ...
class FileError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A pipe can be a setting's file ("--policy <(...)"), but never one picture of many: it may never end.
enum class Accepts { kRegularFiles, kPipesToo };

// Throws FileError: it is no such file, has more bytes than `most_bytes`, or cannot be read.
std::vector<std::uint8_t> whole_file(const std::string &path, std::uint64_t most_bytes,
                                     Accepts accepts = Accepts::kRegularFiles);

// The same as text.
std::string whole_text(const std::string &path, std::uint64_t most_bytes, Accepts accepts = Accepts::kRegularFiles);

// Its first bytes, at most so many, whatever its size. Throws FileError as whole_file does.
std::vector<std::uint8_t> file_head(const std::string &path, std::size_t bytes);

}  // namespace dgiqa
