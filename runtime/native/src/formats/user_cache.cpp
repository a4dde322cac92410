#include "formats/user_cache.hpp"

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <system_error>

namespace dgiqa {

namespace fs = std::filesystem;

fs::path cache_folder() {
    const char *configured = std::getenv("XDG_CACHE_HOME");
    if (configured != nullptr && fs::path(configured).is_absolute()) return fs::path(configured) / "dgiqa-edge";
    const char *home = std::getenv("HOME");
    if (home == nullptr || !fs::path(home).is_absolute()) return {};
    return fs::path(home) / ".cache" / "dgiqa-edge";
}

fs::path write_whole(const fs::path &folder, const std::function<void(const std::string &)> &write,
                     const std::function<std::string(const std::string &)> &name) {
    std::error_code failure;
    fs::create_directories(folder, failure);
    if (failure) return {};
    std::string partial = (folder / kPartialPrefix).string() + "XXXXXX";
    const int handle = mkstemp(partial.data());
    if (handle < 0) return {};
    close(handle);
    try {
        write(partial);
        const fs::path file = folder / name(partial);
        fs::rename(partial, file, failure);
        if (!failure) return file;
    } catch (const std::exception &) {
    }
    fs::remove(partial, failure);
    return {};
}

}  // namespace dgiqa
