#include "output.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <system_error>

#include "errors.hpp"

namespace dgiqa_tool {

void print(const char *format, ...) {
    std::va_list values;
    va_start(values, format);
    errno = 0;
    const bool written = std::vprintf(format, values) >= 0;
    va_end(values);
    if (written && std::fflush(stdout) == 0) return;
    if (errno == EPIPE) throw ReaderGone();
    throw dgiqa::Error(DGIQA_ERROR_MACHINE, "the output cannot be written: " + std::generic_category().message(errno) +
                                                ": give it another place, or free some space there");
}

void print_json(const nlohmann::ordered_json &value) {
    print("%s\n", value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

std::string padded(const std::string &text, std::size_t width) {
    const std::size_t taken = dgiqa::columns(text);
    return text + std::string(width - std::min(width, taken), ' ');
}

void prepare_streams() {
    for (int file = 0; file <= 2;) {
        file = open("/dev/null", O_RDWR);
        if (file < 0) break;
        if (file > 2) close(file);
    }
    signal(SIGPIPE, SIG_IGN);
}

}  // namespace dgiqa_tool
