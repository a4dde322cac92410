// The other form of a quantized graph's weights: int8 around 0 instead of uint8 around 128, the very same numbers.
// Why, and which weights: runtime/engines/signed_weights.py, whose rule this is.
#pragma once

#include <string>

namespace dgiqa {

// Changes the weights in the bytes of a graph's file to int8. Returns false, with `graph` as it was, where no weight is
// in uint8, or the bytes are no graph.
bool sign_weights(std::string &graph);

}  // namespace dgiqa
