#include "bundle/manifest.hpp"
#include <algorithm>
#include "formats/quoting.hpp"

namespace dgiqa {
namespace {

Size size_of(const Json &pair) { return {pair.at(0).get<int>(), pair.at(1).get<int>()}; }

std::optional<std::string> optional_text(const Json &object, const char *key) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return std::nullopt;
    return found->get<std::string>();
}

Requirements requirements_of(const Json &document) {
    Requirements needs;
    needs.backend_version = optional_text(document, "backend_version");
    needs.sm = optional_text(document, "sm");
    needs.platform = optional_text(document, "platform");
    needs.cuda = optional_text(document, "cuda");
    needs.driver_min = optional_text(document, "driver_min");
    needs.device = optional_text(document, "device");
    needs.compatibility = optional_text(document, "compatibility").value_or("exact");
    needs.version_compatible = document.value("version_compatible", false);
    return needs;
}

}  // namespace

const std::vector<std::string> &roles_of_layout(const std::string &layout) {
    static const std::vector<std::string> fused = {"fused"}, split = {"depth", "quality"};
    return layout == "split" ? split : fused;
}

std::vector<std::string> Manifest::roles() const { return roles_of_layout(layout); }

std::string Manifest::build_command() const { return shell_joined(build_argv); }

Manifest manifest_from_document(const Json &document) {
    Manifest manifest;
    const Json &frame = document.at("frame"), &geometry = document.at("geometry"), &golden = document.at("golden");
    manifest.tool_version = document.at("tool").at("version").get<std::string>();
    manifest.preset = document.at("preset").get<std::string>();
    manifest.frame = {frame.at("height").get<int>(), frame.at("width").get<int>()};
    manifest.fit = document.value("fit", "stretch");
    manifest.depth_output = size_of(geometry.at("depth_output"));
    manifest.view_count =
        static_cast<int>(geometry.at("crop_boxes").size()) + (geometry.at("whole_view").is_null() ? 0 : 1);
    if (const auto batch = document.find("batch"); batch != document.end()) {
        manifest.batch_least = batch->at("least").get<int>();
        manifest.batch_most = batch->at("most").get<int>();
    }
    manifest.layout = document.at("layout").get<std::string>();
    manifest.precision = document.at("precision").at("name").get<std::string>();
    manifest.precision_target = document.at("precision").at("target").get<std::string>();
    for (const Json &graph : document.at("graphs"))
        manifest.graphs.push_back({graph.at("role").get<std::string>(), graph.at("file").get<std::string>()});
    for (const Json &engine : document.at("engines"))
        manifest.engines.push_back({engine.at("role").get<std::string>(), engine.at("file").get<std::string>(),
                                    engine.at("backend").get<std::string>(), requirements_of(engine.at("requires"))});
    manifest.preferred_backend = optional_text(document, "preferred_backend");
    if (const auto faults = document.find("faults"); faults != document.end())
        manifest.faults = {faults->at("names").get<std::vector<std::string>>(), faults->at("grid").at(0).get<int>(),
                           faults->at("grid").at(1).get<int>()};
    manifest.golden_file = golden.at("file").get<std::string>();
    const Json &tolerance = golden.at("tolerance");
    manifest.tolerance = {tolerance.at("score").get<double>(), tolerance.at("depth_levels").get<double>(), {}};
    if (manifest.faults) manifest.tolerance.faults = tolerance.at("faults").get<double>();
    for (const auto &[name, file] : document.at("files").items())
        manifest.files[name] = {file.at("sha256").get<std::string>(), file.at("bytes").get<std::uint64_t>()};
    if (document.contains("device_build"))
        for (const Json &graph : document.value("parser_graphs", Json::array()))
            manifest.device_backends.insert(graph.at("backend").get<std::string>());
    std::vector<std::string> &argv = manifest.build_argv;
    argv = document.at("build").at("argv").get<std::vector<std::string>>();
    // From before --fit, when frames were stretched: today's default is another.
    if (!document.contains("fit") && std::find(argv.begin(), argv.end(), "--from") == argv.end())
        argv.insert(argv.end(), {"--fit", manifest.fit});
    return manifest;
}

}  // namespace dgiqa
