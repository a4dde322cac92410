// What the backends that run a bundle's portable graph on the CPU have in common.
#pragma once

#include <string>

#include "engines/engine.hpp"

namespace dgiqa {

// The facts of Engine::describe. Throws Error (ENGINE_COMPATIBILITY): the record needs another version than this one.
Json facts_for_cpu(const Backend &backend, const std::string &version, const Bundle &bundle, const EngineRecord &record,
                   const EngineOptions &options);

}  // namespace dgiqa
