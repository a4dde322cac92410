#include "bundle/replay_stamps.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "formats/limits.hpp"
#include "formats/sha256.hpp"
#include "formats/whole_file.hpp"

namespace dgiqa {
namespace {

namespace fs = std::filesystem;

std::string text_of(const Json &value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// $XDG_CACHE_HOME/dgiqa-edge; the XDG rules say that a relative value counts as unset. Empty: there is no home.
fs::path cache_folder() {
    const char *configured = std::getenv("XDG_CACHE_HOME");
    if (configured != nullptr && fs::path(configured).is_absolute()) return fs::path(configured) / "dgiqa-edge";
    const char *home = std::getenv("HOME");
    if (home == nullptr || !fs::path(home).is_absolute()) return {};
    return fs::path(home) / ".cache" / "dgiqa-edge";
}

fs::path stamp_file(const Json &identity) {
    const fs::path folder = cache_folder();
    return folder.empty() ? folder : folder / "verified-native" / (sha256_text(text_of(identity, -1)) + ".json");
}

// An ONNX graph may keep its weights in files beside it; logs and reports decide nothing.
bool decides(const std::string &name) {
    for (const std::string ending : {".log", ".txt", ".md", ".json"})
        if (name.size() >= ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0)
            return false;
    return true;
}

}  // namespace

Json replay_identity(const Bundle &bundle, const Json &engines) {
    Json files = Json::object();
    for (const auto &[name, record] : bundle.manifest.files)
        if (decides(name)) files[name] = record.sha256;
    const Tolerance &tolerance = bundle.manifest.tolerance;
    return {{"library", "native"},
            {"library_version", DGIQA_EDGE_VERSION},
            {"engines", engines},
            {"files", files},
            {"tolerance", {{"score", tolerance.score}, {"depth_levels", tolerance.depth_levels}}}};
}

bool has_stamp(const Json &identity) {
    try {
        const Json stamp = parse_strictly(whole_text(stamp_file(identity).string(), limits::most_text_bytes));
        return stamp.is_object() && stamp.contains("identity") &&
               stamp.at("identity") == parse_strictly(text_of(identity, -1));
    } catch (const FileError &) {
        return false;
    } catch (const JsonError &) {
        return false;
    }
}

void write_stamp(const Json &identity, const Deviation &deviation) {
    const fs::path file = stamp_file(identity);
    if (file.empty()) return;
    std::error_code failure;
    fs::create_directories(file.parent_path(), failure);
    if (failure) return;
    // A sibling that is renamed: a stamp appears whole or not at all.
    std::string partial = (file.parent_path() / ".partial-XXXXXX").string();
    const int handle = mkstemp(partial.data());
    if (handle < 0) return;
    close(handle);
    const Json stamp = {{"identity", identity},
                        {"deviation",
                         {{"score", deviation.score},
                          {"crop_score_max", deviation.crop_score_max},
                          {"depth_mean_levels", deviation.depth_mean_levels},
                          {"depth_max_levels", deviation.depth_max_levels}}}};
    std::ofstream stream(partial, std::ios::binary);
    stream << text_of(stamp, 2) << '\n';
    stream.close();
    if (stream) fs::rename(partial, file, failure);
    if (!stream || failure) fs::remove(partial, failure);
}

}  // namespace dgiqa
