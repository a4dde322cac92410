#include "engines/portable_graph.hpp"

#include "engines/processor.hpp"
#include "engines/signed_weights.hpp"
#include "engines/version_requirement.hpp"
#include "errors.hpp"
#include "formats/whole_file.hpp"

namespace dgiqa {

std::string form_for_processor(const Bundle &bundle, const EngineRecord &record) {
    const Manifest &manifest = bundle.manifest;
    if (!processor().dot_products || manifest.precision != "int8") return {};
    std::string graph = whole_text(bundle.file(record.file), manifest.files.at(record.file).size_bytes);
    return sign_weights(graph) ? graph : std::string();
}

Json facts_for_cpu(const Backend &backend, const std::string &version, const Bundle &bundle, const EngineRecord &record,
                   const EngineOptions &options) {
    if (!satisfies(version, record.requires_.backend_version))
        throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY, bundle.file(record.file) + " needs " + backend.title + " " +
                                                          *record.requires_.backend_version + ", this library has " +
                                                          version + ": install that");
    return {{"role", record.role},
            {"sha256", bundle.manifest.files.at(record.file).sha256},
            {"backend", backend.name},
            {"backend_version", version},
            {"device", processor().model},
            {"device_features", processor().features_digest},
            {"threads", options.threads > 0 ? Json(options.threads) : Json(nullptr)}};
}

}  // namespace dgiqa
