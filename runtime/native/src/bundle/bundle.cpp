#include "bundle/bundle.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "bundle/manifest_checks.hpp"
#include "errors.hpp"
#include "formats/limits.hpp"
#include "formats/quoting.hpp"
#include "formats/sha256.hpp"
#include "formats/whole_file.hpp"

namespace dgiqa {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string &message) { throw Error(DGIQA_ERROR_BUNDLE, message); }

std::string read_manifest(const std::string &path) {
    std::error_code failure;
    if (!fs::is_directory(path, failure)) {
        const char *kind = fs::exists(path, failure) ? " is a file, not a bundle directory" : " does not exist";
        refuse(path + kind + ": give the folder that build_engine.py wrote");
    }
    const std::string file = path + "/" + MANIFEST_NAME;
    if (!fs::exists(file, failure))
        refuse(path + " is not a bundle (no " + MANIFEST_NAME + "): give the folder that build_engine.py wrote");
    const std::string remedy = ": copy the bundle again, or rebuild it";
    try {
        return whole_text(file, limits::most_text_bytes);
    } catch (const FileError &error) {
        refuse(file + " " + error.what() + remedy);
    }
}

bool leaves(const fs::path &folder, const fs::path &file) {
    std::error_code failure;
    const fs::path root = fs::weakly_canonical(folder, failure);
    if (failure) return true;
    const fs::path target = fs::weakly_canonical(file, failure);
    if (failure) return true;  // links in a circle
    return std::mismatch(root.begin(), root.end(), target.begin(), target.end()).first != root.end();
}

void check_presence(const Bundle &bundle, const std::string &name, const FileRecord &record,
                    const std::string &remedy) {
    const std::string file = bundle.file(name);
    if (leaves(bundle.path, file)) refuse(file + " is a link that leaves the bundle directory: " + remedy);
    std::error_code failure;
    if (!fs::is_regular_file(file, failure)) refuse(file + " is missing: " + remedy);
    const std::uintmax_t size_bytes = fs::file_size(file, failure);
    if (failure) refuse(file + " cannot be read (" + failure.message() + "): " + remedy);
    if (size_bytes != record.size_bytes)
        refuse(file + " has " + std::to_string(size_bytes) + " bytes, expected " + std::to_string(record.size_bytes) +
               ": " + remedy);
}

void check_content(const Bundle &bundle, const std::string &name, const FileRecord &record, const std::string &remedy) {
    const std::string file = bundle.file(name);
    std::string found;
    try {
        found = sha256_file(file);
    } catch (const std::system_error &error) {
        refuse(file + " cannot be read (" + error.code().message() + "): " + remedy);
    }
    if (found != record.sha256)
        refuse(file + " has other content than when the bundle was built (SHA-256 " + found.substr(0, 12) +
               "..., expected " + record.sha256.substr(0, 12) + "...): " + remedy);
}

}  // namespace

std::vector<EngineRecord> Bundle::engines(const std::string &role) const {
    std::vector<EngineRecord> found;
    std::copy_if(manifest.engines.begin(), manifest.engines.end(), std::back_inserter(found),
                 [&](const EngineRecord &engine) { return engine.role == role; });
    return found;
}

std::string Bundle::rebuild_command() const {
    std::vector<std::string> argv = manifest.build_argv;
    if (std::find(argv.begin(), argv.end(), "--from") != argv.end())
        for (const char *option : {"--from", "--out"})
            if (const auto found = std::find(argv.begin(), argv.end(), option); argv.end() - found > 1) found[1] = path;
    return shell_joined(argv);
}

std::string Bundle::build_here_command(const std::string &backend) const {
    if (manifest.device_backends.count(backend) == 0) return "";
    return shell_joined({"dgiqa-edge", "build", "--from", path});
}

std::string Bundle::layer_hint() const {
    return "; which layer it is, says: " + shell_joined({"dgiqa-edge", "debug", path});
}

const GraphRecord &Bundle::graph(const std::string &role) const {
    for (const GraphRecord &record : manifest.graphs)
        if (record.role == role) return record;
    throw Error(DGIQA_ERROR_BUNDLE, path + " has no graph for the role " + quoted(role));
}

Bundle load_bundle(const std::string &path) {
    if (path.empty())
        throw Error(DGIQA_ERROR_CONFIGURATION, "no bundle given: give the folder that build_engine.py wrote");
    const std::string text = read_manifest(path);
    Bundle bundle{path, manifest_from_document(checked_document(text, path + "/" + MANIFEST_NAME))};
    // As it was built: of itself it cannot be built while it is damaged.
    const std::string remedy = "copy the bundle again, or rebuild it with: " + bundle.manifest.build_command();
    // Sizes first: a cut-off copy is found without hashing gigabytes.
    for (const auto &[name, record] : bundle.manifest.files) check_presence(bundle, name, record, remedy);
    for (const auto &[name, record] : bundle.manifest.files) check_content(bundle, name, record, remedy);
    return bundle;
}

}  // namespace dgiqa
