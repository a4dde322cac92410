// Whether a backend's version meets an engine's requirement, such as ">=1.17" or "==10.3.0"; only the numeric release
// counts (1.20.0rc1 is 1.20.0).
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace dgiqa {

// The leading numbers of a version; none where it begins with none.
std::vector<long> release_of(const std::string &version);

// Whether the version meets every comma-separated constraint; none is met by all.
// Throws Error(DGIQA_ERROR_BUNDLE): the requirement is not of that form.
bool satisfies(const std::string &version, const std::optional<std::string> &requirement);

}  // namespace dgiqa
