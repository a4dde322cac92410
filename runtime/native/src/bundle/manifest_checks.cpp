#include "bundle/manifest_checks.hpp"

#include <cstdint>
#include <filesystem>
#include <set>
#include <utility>

#include "bundle/manifest.hpp"
#include "errors.hpp"
#include "formats/json_schema.hpp"
#include "formats/limits.hpp"
#include "formats/quoting.hpp"

namespace dgiqa {

extern const char *const BUNDLE_SCHEMA;  // the text of runtime/schemas/bundle.schema.json

namespace {

constexpr std::int64_t SCHEMA_VERSION = 2, WITH_NPZ = 1;

[[noreturn]] void refuse(const std::string &where, const std::string &problem) {
    throw Error(DGIQA_ERROR_BUNDLE, where + ": " + problem);
}

void check_schema_version(const Json &document, const std::string &where) {
    if (!document.is_object()) return;
    const auto found = document.find("schema_version");
    if (found == document.end() || !found->is_number_integer()) return;
    if (*found == WITH_NPZ)
        refuse(where, "schema version 1 is read by the Python package only: convert the bundle with: " +
                          shell_joined({"dgiqa-edge", "inspect", "--bundle",
                                        std::filesystem::path(where).parent_path().string(), "--upgrade"}));
    if (*found > SCHEMA_VERSION)
        refuse(where, "schema version " + found->dump() + " is newer than dgiqa-edge " DGIQA_EDGE_VERSION " reads (" +
                          std::to_string(SCHEMA_VERSION) +
                          "): install a newer dgiqa-edge, or rebuild the bundle with this version");
}

void check_schema(const Json &document, const std::string &where) {
    static const JsonSchema schema(BUNDLE_SCHEMA);
    if (const auto broken = schema.broken_rule(document))
        refuse(where, *broken + ": the file is damaged or was not written by this tool; build the bundle again");
}

[[noreturn]] void contradict(const std::string &where, const std::string &problem) {
    refuse(where, problem + ": the bundle is damaged or was edited; build it again");
}

void check_reference(const Json &document, const std::string &field, const Json &name, const std::string &where) {
    const auto &text = name.get_ref<const std::string &>();
    if (!document.at("files").contains(text))
        contradict(where, "field '" + field + "' names " + quoted(text) + ", which 'files' does not list");
}

void check_file_names(const Json &document, const std::string &where) {
    for (const auto &file : document.at("files").items())
        if (!is_inside(file.key()) || file.key() == MANIFEST_NAME)
            contradict(where, "field 'files' has the unsafe file name " + quoted(file.key()));
    for (const char *kind : {"graphs", "engines"}) {
        int index = 0;
        for (const Json &entry : document.at(kind))
            check_reference(document, std::string(kind) + "[" + std::to_string(index++) + "].file", entry.at("file"),
                            where);
    }
    int index = 0;
    for (const Json &graph : document.value("parser_graphs", Json::array())) {
        const std::string entry = "parser_graphs[" + std::to_string(index++) + "].";
        for (const char *field : {"file", "facts"}) check_reference(document, entry + field, graph.at(field), where);
    }
    if (const auto device = document.find("device_build"); device != document.end()) {
        check_reference(document, "device_build.check", device->at("check"), where);
        int place = 0;
        for (const Json &entry : device->at("carried")) {
            const std::string carried = "device_build.carried[" + std::to_string(place++) + "].graphs[";
            index = 0;
            for (const Json &graph : entry.at("graphs"))
                check_reference(document, carried + std::to_string(index++) + "].file", graph.at("file"), where);
        }
    }
    check_reference(document, "golden.file", document.at("golden").at("file"), where);
    if (!document.at("calibration").is_null())
        check_reference(document, "calibration.file", document.at("calibration").at("file"), where);
}

std::string listed(const std::set<std::string> &names) {
    std::vector<std::string> shown;
    for (const std::string &name : names) shown.push_back(quoted(name));
    return "[" + joined(shown) + "]";
}

void check_roles(const Json &document, const std::string &where) {
    const auto layout = document.at("layout").get<std::string>();
    const std::vector<std::string> &roles = roles_of_layout(layout);
    const std::set<std::string> needed(roles.begin(), roles.end());
    std::vector<std::pair<std::string, const Json *>> kinds = {{"graphs", &document.at("graphs")},
                                                               {"engines", &document.at("engines")}};
    if (const auto device = document.find("device_build"); device != document.end()) {
        int place = 0;
        for (const Json &entry : device->at("carried"))
            kinds.emplace_back("device_build.carried[" + std::to_string(place++) + "].graphs", &entry.at("graphs"));
    }
    for (const auto &[kind, entries] : kinds) {
        std::set<std::string> found;
        for (const Json &entry : *entries) found.insert(entry.at("role").get<std::string>());
        if (found != needed)
            contradict(where, "layout '" + layout + "' needs the roles " + listed(needed) + ", but '" + kind +
                                  "' has " + listed(found));
    }
    std::set<std::pair<std::string, std::string>> seen;
    int index = 0;
    for (const Json &engine : document.at("engines")) {
        const auto role = engine.at("role").get<std::string>(), backend = engine.at("backend").get<std::string>();
        if (!seen.insert({role, backend}).second)
            contradict(where, "field 'engines[" + std::to_string(index) + "]' repeats role '" + role +
                                  "' for backend " + quoted(backend));
        ++index;
    }
}

void check_geometry(const Json &document, const std::string &where) {
    const Json &geometry = document.at("geometry"), &frame = document.at("frame"), &depth = geometry.at("depth_output");
    const auto check_pixels = [&where](const char *field, const Json &rows, const Json &columns) {
        if (const auto flaw = limits::pixels_flaw(columns.get<std::int64_t>(), rows.get<std::int64_t>()))
            contradict(where, "field '" + std::string(field) + "' " + *flaw);
    };
    check_pixels("frame", frame.at("height"), frame.at("width"));
    check_pixels("geometry.depth_output", depth.at(0), depth.at(1));
    const auto height = geometry.at("quality_image").at(0).get<std::int64_t>();
    const auto width = geometry.at("quality_image").at(1).get<std::int64_t>();
    const auto crop = geometry.at("crop").get<std::int64_t>();
    int index = 0;
    for (const Json &box : geometry.at("crop_boxes")) {
        const auto x = box.at(0).get<std::int64_t>(), y = box.at(1).get<std::int64_t>();
        if (x > width - crop || y > height - crop)
            contradict(where, "field 'geometry.crop_boxes[" + std::to_string(index) + "]' puts a crop of " +
                                  std::to_string(crop) + " at (" + std::to_string(x) + ", " + std::to_string(y) +
                                  "), outside the " + std::to_string(width) + "x" + std::to_string(height) +
                                  " quality image");
        ++index;
    }
}

void check_faults(const Json &document, const std::string &where) {
    const auto faults = document.find("faults");
    std::set<std::string> seen;
    int index = 0;
    for (const Json &name : faults == document.end() ? Json::array() : faults->at("names")) {
        if (!seen.insert(name.get<std::string>()).second)
            contradict(where, "field 'faults.names[" + std::to_string(index) + "]' repeats " +
                                  quoted(name.get<std::string>()));
        ++index;
    }
    const auto check_tolerance = [&](const std::string &field, const Json &tolerance) {
        if (tolerance.contains("faults") != (faults != document.end()))
            contradict(where, "field '" + field + ".tolerance.faults' must be there exactly where 'faults' is");
    };
    check_tolerance("golden", document.at("golden").at("tolerance"));
    if (const auto device = document.find("device_build"); device != document.end()) {
        int place = 0;
        for (const Json &entry : device->at("carried"))
            check_tolerance("device_build.carried[" + std::to_string(place++) + "]", entry.at("tolerance"));
    }
}

}  // namespace

Json checked_document(const std::string &text, const std::string &where) {
    Json document;
    try {
        document = parse_strictly(text);
    } catch (const JsonError &error) {
        throw Error(DGIQA_ERROR_BUNDLE, where + " is not valid JSON, perhaps truncated (" + error.what() +
                                            "): copy the bundle again, or rebuild it");
    }
    check_schema_version(document, where);
    check_schema(document, where);
    check_file_names(document, where);
    check_roles(document, where);
    check_geometry(document, where);
    check_faults(document, where);
    if (const auto batch = document.find("batch"); batch != document.end())
        if (batch->at("least") != 1 && batch->at("least") != batch->at("most"))
            contradict(where, "field 'batch.least' must be 1, or as 'most'");
    if (document.at("precision").at("name") == "int8" && document.at("calibration").is_null())
        contradict(where, "precision is int8 but 'calibration' is null");
    return document;
}

bool is_inside(const std::string &name) {
    std::size_t start = 0;
    while (start <= name.size()) {
        const std::size_t end = std::min(name.find('/', start), name.size());
        const std::string part = name.substr(start, end - start);
        if (part.empty() || part == "." || part == "..") return false;
        for (char letter : part)
            if (static_cast<unsigned char>(letter) < 0x20 ||
                std::string("\\:*?\"<>|").find(letter) != std::string::npos)
                return false;
        start = end + 1;
    }
    return true;
}

}  // namespace dgiqa
