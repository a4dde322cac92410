#include "api/build_info.hpp"
#include "api/guarded.hpp"

namespace {
thread_local std::string last_error;
}

namespace dgiqa {

dgiqa_status keep_error(dgiqa_status status, const std::string &message) noexcept {
    try {
        last_error = dgiqa::shown_name(message);
    } catch (...) {
        last_error.clear();
    }
    return status;
}

}  // namespace dgiqa

const char *dgiqa_last_error(void) { return last_error.c_str(); }

const char *dgiqa_version(void) { return DGIQA_EDGE_VERSION; }

const char *dgiqa_build_info(void) {
    try {
        static const std::string info = dgiqa::build_info();
        return info.c_str();
    } catch (const std::bad_alloc &) {
        return "{}";
    }
}
