// Where this user's caches lie: what costs time to make again, and nothing else. No error here is worth more than that
// time, so nothing throws.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace dgiqa {

// $XDG_CACHE_HOME/dgiqa-edge; the XDG rules say that a relative value counts as unset. Empty: there is no home.
std::filesystem::path cache_folder();

// How the name of a file starts that is not finished.
constexpr const char *kPartialPrefix = ".partial-";

// Calls `write` with the path of a sibling and renames that to what `name` makes of it: a file appears whole or not at
// all. Returns its path; empty where it could not be written.
std::filesystem::path write_whole(const std::filesystem::path &folder,
                                  const std::function<void(const std::string &)> &write,
                                  const std::function<std::string(const std::string &)> &name);

}  // namespace dgiqa
