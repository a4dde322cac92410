// What the backends that run a bundle's portable graph on the CPU have in common.
#pragma once

#include <string>

#include "engines/engine.hpp"

namespace dgiqa {

// The bytes of an INT8 graph's file in the form that this processor computes fastest (signed_weights.hpp); empty: the
// file as it is. Throws FileError: it cannot be read.
std::string form_for_processor(const Bundle &bundle, const EngineRecord &record);

// The facts of Engine::describe. Throws Error (ENGINE_COMPATIBILITY): the record needs another version than this one.
Json facts_for_cpu(const Backend &backend, const std::string &version, const Bundle &bundle, const EngineRecord &record,
                   const EngineOptions &options);

}  // namespace dgiqa
