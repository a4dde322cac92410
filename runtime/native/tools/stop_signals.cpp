#include "stop_signals.hpp"

#include <signal.h>

namespace dgiqa_tool {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t noted = 0;

void note(int number) { noted = number; }

void handle(void (*handler)(int)) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
    for (const int number : kSignals) {
        struct sigaction before = {};
        sigaction(number, nullptr, &before);
        if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);  // nohup, background jobs
    }
}

}  // namespace

StopSignals::StopSignals() {
    noted = 0;
    handle(note);
}

StopSignals::~StopSignals() { handle(SIG_DFL); }

bool StopSignals::caught() const { return noted != 0; }

int StopSignals::exit_code() const { return 128 + noted; }

}  // namespace dgiqa_tool
