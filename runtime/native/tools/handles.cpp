#include "handles.hpp"

#include "formats/limits.hpp"
#include "formats/quoting.hpp"
#include "formats/whole_file.hpp"
#include "frames/framing.hpp"

namespace dgiqa_tool {

namespace {

dgiqa_fit fit_of(const Arguments &arguments) {
    const auto name = arguments.text("--fit");
    if (!name) return DGIQA_FIT_BUNDLE;
    const auto fit = dgiqa::fit_named(*name);
    if (!fit)
        throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION,
                           "--fit: " + dgiqa::quoted(*name) + " is not one of stretch, pad, crop");
    return *fit;
}

}  // namespace

Scorer scorer_of(const Arguments &arguments) {
    const std::string bundle = arguments.required("--bundle");
    const std::string backend = arguments.text("--backend").value_or("auto");
    dgiqa_scorer_params params = dgiqa_scorer_default_params();
    params.bundle = bundle.c_str();
    params.backend = backend.c_str();
    params.threads = arguments.whole("--threads", params.threads, 1, static_cast<int>(dgiqa::limits::most_threads));
    params.fit = fit_of(arguments);
    params.strict_size = arguments.has("--strict-size") ? 1 : 0;
    if (arguments.has("--no-verify")) params.verify = DGIQA_VERIFY_NEVER;
    dgiqa_scorer *scorer = nullptr;
    check(dgiqa_scorer_create(&params, &scorer));
    return Scorer(scorer);
}

std::string text_of_file(const std::string &path) {
    try {
        return dgiqa::whole_text(path, dgiqa::limits::most_text_bytes, dgiqa::Accepts::kPipesToo);
    } catch (const dgiqa::FileError &error) {
        throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION, path + " " + error.what() + ": check the name");
    }
}

}  // namespace dgiqa_tool
