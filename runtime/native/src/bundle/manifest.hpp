// What this runtime uses of bundle.json, as typed values. Whether a document is acceptable is decided in
// manifest_checks, whether the files beside it are those it lists in bundle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/strict_json.hpp"

namespace dgiqa {

struct Size {
    int height = 0;
    int width = 0;
};

struct GraphRecord {
    std::string role;  // fused, depth, quality
    std::string file;  // portable ONNX graph
};

// What an engine file needs; none means any.
struct Requirements {
    std::optional<std::string> backend_version;
    std::optional<std::string> sm;
    std::optional<std::string> platform;
    std::optional<std::string> cuda;
    std::optional<std::string> driver_min;
    std::optional<std::string> device;
    std::string compatibility = "exact";
    bool version_compatible = false;
};

struct EngineRecord {
    std::string role;
    std::string file;
    std::string backend;
    Requirements requires_;  // a keyword in later C++
};

// How far outputs may be from the golden ones: score, mean depth error in grey levels, probabilities of faults.
struct Tolerance {
    double score = 0;
    double depth_levels = 0;
    std::optional<double> faults = std::nullopt;  // where the network reads some
};

// Faults that the network reads, in the order of its outputs, and the rows and columns of the cells of the frame.
struct Faults {
    std::vector<std::string> names;
    int rows = 0;
    int columns = 0;

    std::size_t cell_values() const {
        return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) * names.size();
    }
};

struct FileRecord {
    std::string sha256;
    std::uint64_t size_bytes = 0;
};

struct Manifest {
    std::string tool_version;
    std::string preset;
    Size frame;
    std::string fit;  // how a frame of another shape takes it, unless the user says otherwise
    Size depth_output;
    int view_count = 0;  // number of crop_scores
    // Frames that the engines take at once, the fewest and the most; this runtime gives them one.
    int batch_least = 1, batch_most = 1;
    std::string layout;  // fused, split
    std::string precision;
    std::string precision_target;
    std::vector<GraphRecord> graphs;
    std::vector<EngineRecord> engines;
    // Of the backends that run the portable graph, the one that the build took; none in bundles that say nothing of it.
    std::optional<std::string> preferred_backend;
    std::optional<Faults> faults;  // none: the network reads none
    std::string golden_file;
    Tolerance tolerance;
    std::map<std::string, FileRecord> files;
    std::vector<std::string> build_argv;
    // The backends whose engines `dgiqa-edge build --from` makes on a device of what the bundle carries.
    std::set<std::string> device_backends;

    // The engines that one frame passes through, in order.
    std::vector<std::string> roles() const;
    // The shell command that built the bundle.
    std::string build_command() const;
};

// The engines of a layout, in the order that a frame passes them.
const std::vector<std::string> &roles_of_layout(const std::string &layout);

// Types a document that has passed check_document.
Manifest manifest_from_document(const Json &document);

}  // namespace dgiqa
