// int8 weights of a graph in uint8, byte for byte what Python makes of it; and which processor gets them.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "bundle_files.hpp"
#include "engines/processor.hpp"
#include "engines/signed_weights.hpp"

namespace {

std::string graph_named(const std::string &file) {
    const fs::path folder = bundle_folder("weights");
    return folder.empty() ? "" : content_of(folder / file);
}

}  // namespace

TEST_CASE("the signed form is Python's, and has no other") {
    std::string graph = graph_named("unsigned.onnx");
    if (graph.empty()) return;
    CHECK(dgiqa::sign_weights(graph));
    CHECK(graph == graph_named("signed.onnx"));
    CHECK_FALSE(dgiqa::sign_weights(graph));
    CHECK(graph == graph_named("signed.onnx"));
}

TEST_CASE("no damage to the file is more than a no") {
    const std::string whole = graph_named("unsigned.onnx");
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string torn = whole.substr(0, at), changed = whole;
        const std::string torn_before = torn;
        if (!dgiqa::sign_weights(torn)) CHECK(torn == torn_before);
        changed[at] = static_cast<char>(changed[at] ^ '\xFF');
        dgiqa::sign_weights(changed);
        CHECK(changed.size() == whole.size());
    }
    std::string nothing, text = "no graph";
    CHECK_FALSE(dgiqa::sign_weights(nothing));
    CHECK_FALSE(dgiqa::sign_weights(text));
}

TEST_CASE("dot products by what Linux prints") {
    const auto has = [](const std::string &text) { return dgiqa::processor_from_cpuinfo(text).dot_products; };
    CHECK(has("processor : 0\nflags : fpu sse2 avx2 avx512f avx512_vnni\n"));
    CHECK(has("processor : 0\nflags : fpu avx2 avx_vnni\n"));
    CHECK(has("processor : 0\nFeatures : fp asimd asimdhp asimddp\nCPU implementer : 0x41\n"));
    CHECK_FALSE(has("processor : 0\nflags : fpu sse2 avx2 avx512f\n"));
    CHECK_FALSE(has("processor : 0\nFeatures : fp asimd\n"));
    CHECK_FALSE(has(""));
}
