// Ctrl-C and kill during a long run: it ends after the frame at hand, and says what was done.
#pragma once

#include <csignal>

namespace dgiqa_tool {

// While one exists, the first SIGINT, SIGTERM or SIGHUP is only noted; the second ends the program at once, as does the
// first before and after. One at a time.
class StopSignals {
public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals &) = delete;
    StopSignals &operator=(const StopSignals &) = delete;

    bool caught() const;
    // 128 + the signal, as shells tell it: 130, 143, 129.
    int exit_code() const;
};

}  // namespace dgiqa_tool
