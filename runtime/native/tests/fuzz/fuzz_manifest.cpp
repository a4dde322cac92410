// libFuzzer target of the manifest reader: any bytes are either accepted or refused with DGIQA_ERROR_BUNDLE. Every
// other run changes one value of a document that parses, so that the checks behind the parser are reached too.
//
//   cmake -S . -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_C_COMPILER=clang -DDGIQA_EDGE_FUZZ=ON
//   cmake --build build/fuzz --target fuzz_manifest
//   build/fuzz/runtime/native/tests/fuzz_manifest -runs=1000000 CORPUS runtime/native/tests/fuzz/manifest_corpus
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "bundle/manifest.hpp"
#include "bundle/manifest_checks.hpp"
#include "errors.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t *data, std::size_t size, std::size_t max_size);

namespace {

using dgiqa::Json;

void collect(Json &value, std::vector<Json *> &found) {
    found.push_back(&value);
    if (value.is_structured())
        for (Json &member : value) collect(member, found);
}

Json replacement(std::minstd_rand &random) {
    static const std::vector<Json> values = {nullptr,
                                             true,
                                             0,
                                             1,
                                             -1,
                                             2,
                                             32768,
                                             32769,
                                             INT64_MAX,
                                             UINT64_MAX,
                                             0.5,
                                             -1e300,
                                             1e300,
                                             "",
                                             "fused",
                                             "split",
                                             "depth",
                                             "quality",
                                             "int8",
                                             "tensorrt",
                                             "openvino",
                                             "==10.3.0",
                                             ">=1",
                                             "bundle.json",
                                             "../golden.safetensors",
                                             "golden.safetensors",
                                             std::string(300, '1'),
                                             std::string("\0\x1b\n", 3),
                                             Json::array(),
                                             Json::object(),
                                             Json::array({1, 2}),
                                             Json::array({Json::array({INT64_MAX, INT64_MAX})})};
    return values[random() % values.size()];
}

void change_one_value(Json &document, std::minstd_rand &random) {
    std::vector<Json *> values;
    collect(document, values);
    Json &chosen = *values[random() % values.size()];
    switch (random() % 5) {
        case 0:
            chosen = Json(*values[random() % values.size()]);
            break;
        case 1:
            if (chosen.is_object() && !chosen.empty()) {
                chosen.erase(std::next(chosen.begin(), static_cast<std::ptrdiff_t>(random() % chosen.size())));
                break;
            }
            [[fallthrough]];
        case 2:
            if (chosen.is_array() && !chosen.empty()) {
                chosen.push_back(Json(chosen[random() % chosen.size()]));
                break;
            }
            [[fallthrough]];
        case 3:
            if (chosen.is_object()) {
                chosen["other" + std::to_string(random() % 3)] = replacement(random);
                break;
            }
            [[fallthrough]];
        default:
            chosen = replacement(random);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string text(reinterpret_cast<const char *>(data), size);
    try {
        const dgiqa::Manifest manifest = dgiqa::manifest_from_document(dgiqa::checked_document(text, "bundle.json"));
        if (manifest.frame.height < 1 || manifest.view_count < 1 || manifest.build_command().empty()) std::abort();
        for (const auto &file : manifest.files)
            if (!dgiqa::is_inside(file.first)) std::abort();
    } catch (const dgiqa::Error &error) {
        const std::string message = error.what();
        if (error.status() != DGIQA_ERROR_BUNDLE || message.empty()) std::abort();
        for (char letter : message)
            if (letter == '\n' || letter == '\0') std::abort();  // a message is one line
    }
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
    std::minstd_rand random(seed);
    if (random() % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
    const char *text = reinterpret_cast<const char *>(data);
    Json document = Json::parse(text, text + size, nullptr, false);
    if (document.is_discarded()) return LLVMFuzzerMutate(data, size, max_size);
    change_one_value(document, random);
    const std::string changed = document.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (changed.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
    std::memcpy(data, changed.data(), changed.size());
    return changed.size();
}
