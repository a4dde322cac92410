// Sanitizers refuse dlopen with RTLD_DEEPBIND, which oneTBB (below OpenVINO) asks for; in programs that are built with
// one this stands before the C library's dlopen and leaves the flag out. It is in no other build.
#include <dlfcn.h>

extern "C" __attribute__((visibility("default"))) void *dlopen(const char *file, int mode) noexcept {
    using Dlopen = void *(*)(const char *, int);
    static const auto next = reinterpret_cast<Dlopen>(dlsym(RTLD_NEXT, "dlopen"));
    return next(file, mode & ~RTLD_DEEPBIND);
}
