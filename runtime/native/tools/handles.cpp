#include "handles.hpp"

#include <fstream>
#include <iterator>

namespace dgiqa_tool {

namespace {
constexpr int kMostThreads = 1024;
}

Scorer scorer_of(const Arguments &arguments) {
    const std::string bundle = arguments.required("--bundle");
    const std::string backend = arguments.text("--backend").value_or("auto");
    dgiqa_scorer_params params = dgiqa_scorer_default_params();
    params.bundle = bundle.c_str();
    params.backend = backend.c_str();
    params.threads = arguments.whole("--threads", params.threads, 1, kMostThreads);
    params.strict_size = arguments.has("--strict-size") ? 1 : 0;
    if (arguments.has("--no-verify")) params.verify = DGIQA_VERIFY_NEVER;
    dgiqa_scorer *scorer = nullptr;
    check(dgiqa_scorer_create(&params, &scorer));
    return Scorer(scorer);
}

std::string text_of_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) throw dgiqa::Error(DGIQA_ERROR_CONFIGURATION, path + " cannot be read: check the name");
    return text;
}

}  // namespace dgiqa_tool
