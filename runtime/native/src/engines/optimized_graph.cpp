#include "engines/optimized_graph.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "formats/sha256.hpp"
#include "formats/user_cache.hpp"

namespace dgiqa {
namespace {

namespace fs = std::filesystem;

// A larger graph computes so long that its start does not matter.
constexpr std::uintmax_t kMostBytes = 64 << 20;

// Of the graphs used last.
constexpr std::size_t kMostKept = 16;

// After so long the process that was making a file is gone.
constexpr std::chrono::hours kAbandoned(24);

using FileClock = fs::file_time_type::clock;

bool starts_with(const fs::path &file, const std::string &start) {
    return file.filename().string().rfind(start, 0) == 0;
}

bool is_ours(const fs::path &file) {  // KEY.CONTENT.onnx
    return file.extension() == ".onnx" && content_sha256(file.string()).size() == 64 &&
           file.stem().stem().string().size() == 64;
}

bool is_whole(const fs::path &file) {
    std::error_code failure;
    if (!fs::is_regular_file(file, failure)) return false;
    try {
        return sha256_file(file.string()) == content_sha256(file.string());
    } catch (const std::system_error &) {
        return false;
    }
}

std::string kept(const fs::path &folder, const std::string &key) {
    std::error_code failure, unknown;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
        const fs::path file = entry->path();
        if (!starts_with(file, key + ".")) continue;
        if (is_whole(file)) {
            fs::last_write_time(file, FileClock::now(), unknown);  // those used last are kept
            return file.string();
        }
        fs::remove(file, unknown);
    }
    return "";
}

// Leaves the graphs used last, and nothing that a killed process was at; other files are somebody else's.
void tidy(const fs::path &folder, const fs::path &made) {
    std::vector<std::pair<fs::file_time_type, fs::path>> others;
    std::error_code failure, unknown;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
        const fs::path file = entry->path();
        std::error_code gone;  // another process tidies too
        const fs::file_time_type used = fs::last_write_time(file, gone);
        if (gone) continue;
        if (starts_with(file, kPartialPrefix) && used < FileClock::now() - kAbandoned) fs::remove(file, unknown);
        if (is_ours(file) && file != made) others.emplace_back(used, file);
    }
    std::sort(others.rbegin(), others.rend());
    for (std::size_t i = kMostKept - 1; i < others.size(); ++i) fs::remove(others[i].second, unknown);
}

}  // namespace

std::string content_sha256(const std::string &file) {
    const std::string content = fs::path(file).stem().extension().string();  // KEY.CONTENT.onnx
    return content.empty() ? "" : content.substr(1);
}

std::string optimized_graph(const std::string &graph, const Json &identity,
                            const std::function<void(const std::string &)> &optimize) {
    std::error_code failure;
    const fs::path cache = cache_folder(), folder = cache / "optimized-native";
    const std::uintmax_t bytes = fs::file_size(graph, failure);
    if (cache.empty() || failure || bytes > kMostBytes) return "";
    const std::string key = sha256_text(identity.dump(-1, ' ', false, Json::error_handler_t::replace));
    const std::string found = kept(folder, key);
    if (!found.empty()) return found;
    const auto name = [&](const std::string &made) { return key + "." + sha256_file(made) + ".onnx"; };
    const fs::path made = write_whole(folder, optimize, name);
    if (!made.empty()) tidy(folder, made);
    return made.string();
}

}  // namespace dgiqa
