// GLib's mutexes and conditions are built on futexes, which the thread sanitizer does not see: code of ours that they
// order would be reported as a race. In tests that are built with it these functions stand before GLib's and say so.
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

namespace {

template <typename Function>
Function *next(const char *name) {
    return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void g_mutex_lock(GMutex *mutex) {
    static const auto lock = next<void(GMutex *)>("g_mutex_lock");
    lock(mutex);
    __tsan_acquire(mutex);
}

gboolean g_mutex_trylock(GMutex *mutex) {
    static const auto trylock = next<gboolean(GMutex *)>("g_mutex_trylock");
    const gboolean locked = trylock(mutex);
    if (locked) __tsan_acquire(mutex);
    return locked;
}

void g_mutex_unlock(GMutex *mutex) {
    static const auto unlock = next<void(GMutex *)>("g_mutex_unlock");
    __tsan_release(mutex);
    unlock(mutex);
}

void g_cond_wait(GCond *condition, GMutex *mutex) {
    static const auto wait = next<void(GCond *, GMutex *)>("g_cond_wait");
    __tsan_release(mutex);
    wait(condition, mutex);
    __tsan_acquire(mutex);
}

gboolean g_cond_wait_until(GCond *condition, GMutex *mutex, gint64 end_time) {
    static const auto wait = next<gboolean(GCond *, GMutex *, gint64)>("g_cond_wait_until");
    __tsan_release(mutex);
    const gboolean signalled = wait(condition, mutex, end_time);
    __tsan_acquire(mutex);
    return signalled;
}

}  // extern "C"
