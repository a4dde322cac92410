// Loading bundles: what is damaged, moved or edited is refused with the file's name and the way out.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "bundle/bundle.hpp"
#include "bundle_files.hpp"

using dgiqa::Json;
using dgiqa::load_bundle;

TEST_CASE("SHA-256 gives the digests of FIPS 180-4") {
    CHECK(dgiqa::sha256_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(dgiqa::sha256_text("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(dgiqa::sha256_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(dgiqa::sha256_text(std::string(1000000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not depend on how the bytes are cut") {
    std::string text;
    for (int i = 0; i < 300; ++i) text += static_cast<char>(i);
    for (std::size_t step = 1; step < 140; ++step) {
        dgiqa::Sha256 digest;
        for (std::size_t at = 0; at < text.size(); at += step)
            digest.update(text.data() + at, std::min(step, text.size() - at));
        CHECK(digest.hex() == dgiqa::sha256_text(text));
    }
}

TEST_CASE("the processor's instructions for SHA-256 give what portable code gives") {
    std::array<std::uint32_t, 8> here = {1, 2, 3, 4, 0xffffffff, 6, 7, 0x80000000}, portable = here;
    std::vector<std::uint8_t> blocks(64 * 50);
    std::uint32_t state = 1;
    for (std::uint8_t &byte : blocks) byte = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    dgiqa::take_blocks_here()(here, blocks.data(), 50);
    dgiqa::take_blocks_portably(portable, blocks.data(), 50);
    CHECK(here == portable);
}

TEST_CASE("a whole bundle is read") {
    for (const std::string layout : {"fused", "split"}) {
        const fs::path folder = bundle_folder(layout);
        if (folder.empty()) return;
        const dgiqa::Bundle bundle = load_bundle(folder.string());
        CHECK(bundle.manifest.layout == layout);
        CHECK(bundle.manifest.frame.height == 48);
        CHECK(bundle.manifest.frame.width == 64);
        CHECK(bundle.manifest.view_count == 2);
        CHECK(bundle.manifest.roles().size() == (layout == "split" ? 2 : 1));
        CHECK(bundle.rebuild_command() == "python export/build_engine.py --fp32 --out 'a folder' --fit stretch");
        for (const std::string &role : bundle.manifest.roles()) CHECK(bundle.engines(role).size() == 1);
    }
}

TEST_CASE("what was built on a device is built again of itself, wherever it lies by now") {
    dgiqa::Bundle bundle;
    bundle.path = "/data/its engine";
    const auto command = [&bundle](const std::vector<std::string> &argv) {
        bundle.manifest.build_argv = argv;
        return bundle.rebuild_command();
    };
    CHECK(command({"dgiqa-edge", "build", "--from", "gone", "--out", "elsewhere", "--rungs", "int8"}) ==
          "dgiqa-edge build --from '/data/its engine' --out '/data/its engine' --rungs int8");
    CHECK(command({"dgiqa-edge", "build", "--fp32", "--out", "there"}) == "dgiqa-edge build --fp32 --out there");
    CHECK(command({"dgiqa-edge", "build", "--from"}) == "dgiqa-edge build --from");
}

TEST_CASE("what is not a bundle") {
    const TemporaryFolder folder;
    write(folder.path() / "file", "x");
    CHECK_ERROR(DGIQA_ERROR_CONFIGURATION, "no bundle given", load_bundle(""));
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "does not exist: give the folder", load_bundle((folder.path() / "none").string()));
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "is a file, not a bundle", load_bundle((folder.path() / "file").string()));
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "is not a bundle (no bundle.json)", load_bundle(folder.path().string()));
    fs::create_directory(folder.path() / "bundle.json");
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, "is a folder: copy the bundle again", load_bundle(folder.path().string()));
}

TEST_CASE("bundles that were damaged") {
    const fs::path source = bundle_folder("fused");
    if (source.empty()) return;
    const BundleCopy bundle(source);
    const std::string manifest = content_of(bundle.file("bundle.json"));
    std::string expected;

    SUBCASE("a manifest cut off") {
        write(bundle.file("bundle.json"), manifest.substr(0, manifest.size() / 2));
        expected = "bundle.json is not valid JSON, perhaps truncated (at line";
    }
    SUBCASE("an empty manifest") {
        write(bundle.file("bundle.json"), "");
        expected = "is not valid JSON, perhaps truncated (at line 1 column 1)";
    }
    SUBCASE("a manifest as large as a disk") {
        write(bundle.file("bundle.json"), "");
        fs::resize_file(bundle.file("bundle.json"), std::uintmax_t{1} << 33);
        expected = "bytes: at most 67108864 are read";
    }
    SUBCASE("a file cut off") {
        fs::resize_file(bundle.file("frame_graph.onnx"), 100);
        expected = "frame_graph.onnx has 100 bytes, expected";
    }
    SUBCASE("a bit that flipped") {
        std::string content = content_of(bundle.file("frame_graph.onnx"));
        content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
        write(bundle.file("frame_graph.onnx"), content);
        expected = "frame_graph.onnx has other content than when the bundle was built (SHA-256";
    }
    SUBCASE("a missing file") {
        fs::remove(bundle.file("golden.safetensors"));
        expected = "golden.safetensors is missing: copy the bundle again, or rebuild it with: python";
    }
    SUBCASE("a folder in a file's place") {
        fs::remove(bundle.file("golden.safetensors"));
        fs::create_directory(bundle.file("golden.safetensors"));
        expected = "golden.safetensors is missing";
    }
    SUBCASE("a link that leaves the folder") {
        fs::rename(bundle.file("golden.safetensors"), bundle.file("../golden.safetensors"));
        fs::create_symlink("../golden.safetensors", bundle.file("golden.safetensors"));
        expected = "golden.safetensors is a link that leaves the bundle directory";
    }
    SUBCASE("links in a circle") {
        fs::remove(bundle.file("golden.safetensors"));
        fs::create_symlink("golden.safetensors", bundle.file("golden.safetensors"));
        expected = "golden.safetensors is";
    }
    SUBCASE("a name that leaves the folder") {
        bundle.edit([](Json &document) { document["files"]["../x"] = document["files"]["golden.safetensors"]; });
        expected = "field 'files' has the unsafe file name '../x'";
    }
    SUBCASE("a newer schema") {
        bundle.edit([](Json &document) { document["schema_version"] = 3; });
        expected = "schema version 3 is newer than dgiqa-edge";
    }
    CHECK_ERROR(DGIQA_ERROR_BUNDLE, expected, load_bundle(bundle.path()));
}

TEST_CASE("a link inside the folder is fine, so is a link to the folder") {
    const fs::path source = bundle_folder("fused");
    if (source.empty()) return;
    const BundleCopy bundle(source);
    fs::rename(bundle.file("golden.safetensors"), bundle.file("real"));
    fs::create_symlink("real", bundle.file("golden.safetensors"));
    CHECK_NOTHROW(load_bundle(bundle.path()));
    fs::create_directory_symlink(bundle.path(), bundle.file("../other"));
    CHECK_NOTHROW(load_bundle(bundle.file("../other").string()));
}
