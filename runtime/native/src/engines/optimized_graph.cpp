#include "engines/optimized_graph.hpp"

#include <cstdint>
#include <filesystem>
#include <system_error>

#include "formats/sha256.hpp"
#include "formats/user_cache.hpp"

namespace dgiqa {
namespace {

namespace fs = std::filesystem;

// A larger graph computes so long that its start does not matter.
constexpr std::uintmax_t kMostBytes = 64 << 20;

std::string kept(const fs::path &folder, const std::string &key) {
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
        const std::string file = entry->path().string();
        if (entry->path().filename().string().rfind(key + ".", 0) != 0) continue;
        try {
            if (sha256_file(file) == content_sha256(file)) return file;
        } catch (const std::system_error &) {
        }
        fs::remove(file, failure);  // the entry is passed; a failure ends the search
    }
    return "";
}

}  // namespace

std::string content_sha256(const std::string &file) {
    return fs::path(file).stem().extension().string().substr(1);  // KEY.CONTENT.onnx
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
    return write_whole(folder, optimize, [&](const std::string &made) {
               return key + "." + sha256_file(made) + ".onnx";
           }).string();
}

}  // namespace dgiqa
