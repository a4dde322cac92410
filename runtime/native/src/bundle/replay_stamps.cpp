#include "bundle/replay_stamps.hpp"

#include <filesystem>
#include <fstream>

#include "formats/limits.hpp"
#include "formats/sha256.hpp"
#include "formats/user_cache.hpp"
#include "formats/whole_file.hpp"

namespace dgiqa {
namespace {

namespace fs = std::filesystem;

std::string text_of(const Json &value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
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
    const Tolerance &allowed = bundle.manifest.tolerance;
    Json tolerance = {{"score", allowed.score}, {"depth_levels", allowed.depth_levels}};
    if (allowed.faults) tolerance["faults"] = *allowed.faults;
    return {{"library", "native"},
            {"library_version", DGIQA_EDGE_VERSION},
            {"engines", engines},
            {"files", files},
            {"tolerance", tolerance}};
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
    const Json stamp = {{"identity", identity},
                        {"deviation",
                         {{"score", deviation.score},
                          {"crop_score_max", deviation.crop_score_max},
                          {"depth_mean_levels", deviation.depth_mean_levels},
                          {"depth_max_levels", deviation.depth_max_levels},
                          {"faults_max", deviation.faults_max},
                          {"coverage_mean", deviation.coverage_mean}}}};
    const auto write = [&](const std::string &partial) {
        std::ofstream stream;
        stream.exceptions(std::ios::failbit | std::ios::badbit);
        stream.open(partial, std::ios::binary);
        stream << text_of(stamp, 2) << '\n';
        stream.close();
    };
    write_whole(file.parent_path(), write, [&](const std::string &) { return file.filename().string(); });
}

}  // namespace dgiqa
