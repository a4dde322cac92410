// The bundle on disk: read with every check before anything is deserialised. A file whose hash is off is never opened
// by a parser. Building bundles is the Python package's work.
#pragma once

#include <string>
#include <vector>

#include "bundle/manifest.hpp"

namespace dgiqa {

// A bundle folder whose manifest and files have been verified.
struct Bundle {
    std::string path;
    Manifest manifest;

    // Path of a file that the manifest lists.
    std::string file(const std::string &name) const { return path + "/" + name; }
    // The engines of one role, preferred backend first.
    std::vector<EngineRecord> engines(const std::string &role) const;
    // The portable graph of one role.
    const GraphRecord &graph(const std::string &role) const;
    // "rebuild it with: ..."
    std::string remedy() const { return "rebuild it with: " + rebuild_command(); }
    // The shell command that builds the bundle again: of itself, where it was built of another one's graphs.
    std::string rebuild_command() const;
    // The shell command that builds a backend's engines here of what the bundle carries; "" if it carries nothing.
    std::string build_here_command(const std::string &backend) const;
    // What an error about wrong outputs ends with, as in Python.
    std::string layer_hint() const;
};

// Reads and verifies a bundle; every listed file is hashed, nothing is deserialised but the manifest.
// Throws Error(DGIQA_ERROR_BUNDLE): not a bundle, a manifest that checked_document refuses, or a file that is missing,
// a link out of the folder, of another size, or of another content.
Bundle load_bundle(const std::string &path);

}  // namespace dgiqa
