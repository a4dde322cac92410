// Where exceptions end: runs the body of a C function, keeps the message for dgiqa_last_error, gives the status.
#pragma once

#include <exception>
#include <new>
#include <string>

#include "errors.hpp"

namespace dgiqa {

// Keeps the text for the calling thread and gives the status back.
dgiqa_status keep_error(dgiqa_status status, const std::string &message) noexcept;

// What a C function needs of its caller.
inline void demand(bool met, const char *rule) {
    if (!met) complain(rule);
}

template <typename Body>
dgiqa_status guarded(Body &&body) noexcept {
    try {
        body();
        return DGIQA_OK;
    } catch (const Error &error) {
        return keep_error(error.status(), error.what());
    } catch (const std::bad_alloc &) {
        return keep_error(DGIQA_ERROR_MACHINE, "out of memory: give smaller frames, or free other scorers");
    } catch (const std::exception &error) {
        return keep_error(DGIQA_ERROR_MACHINE, std::string("unexpected: ") + error.what());
    } catch (...) {  // of a library below that throws something else
        return keep_error(DGIQA_ERROR_MACHINE, "unexpected: an exception of an unknown kind");
    }
}

}  // namespace dgiqa
