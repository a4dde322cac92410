// A graph as ONNX Runtime has optimized it for this processor, in the user's cache, so that later starts skip that work.
// What is kept, under which name, and what is never opened: runtime/engines/optimized_graph.py, whose rule this is. The
// Python package keeps its own in another folder.
#pragma once

#include <functional>
#include <string>

#include "formats/strict_json.hpp"

namespace dgiqa {

// The optimized graph's file, made now where there is none; empty where it cannot be kept. `identity` is everything that
// the result depends on; `optimize` writes the optimized graph of `graph` to a path, and may throw.
std::string optimized_graph(const std::string &graph, const Json &identity,
                            const std::function<void(const std::string &)> &optimize);

// The SHA-256 of a file that optimized_graph() gave; empty where the name holds none.
std::string content_sha256(const std::string &file);

}  // namespace dgiqa
