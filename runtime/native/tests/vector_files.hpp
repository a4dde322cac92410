// The files under tests/vectors that both languages replay.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>

inline std::filesystem::path vector_folder(const std::string &name) {
    return std::filesystem::path(DGIQA_EDGE_SOURCE_DIR) / "tests" / "vectors" / name;
}

inline std::string file_bytes(const std::filesystem::path &file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        throw std::runtime_error("cannot read " + file.string());
    }
    std::ostringstream content;
    content << stream.rdbuf();
    return content.str();
}

inline nlohmann::json json_file(const std::filesystem::path &file) { return nlohmann::json::parse(file_bytes(file)); }
