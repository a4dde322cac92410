#include "media/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "errors.hpp"

extern char **environ;

namespace dgiqa {
namespace {

constexpr std::size_t kPart = 4096;

// Reads once; closes the end of a stream. False: interrupted.
bool read_once(int *file, void *to, std::size_t most, std::size_t *got) {
    const ssize_t count = read(*file, to, most);
    if (count < 0 && errno == EINTR) return false;
    *got = count > 0 ? static_cast<std::size_t>(count) : 0;
    if (count > 0) return true;
    close(*file);
    *file = -1;
    return true;
}

}  // namespace

Program::Program(const std::vector<std::string> &words, const std::string &remedy) {
    int output[2] = {-1, -1}, errors[2] = {-1, -1};
    if (pipe2(output, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) {
        const int failure = errno;
        for (const int file : output) close(file);
        throw Error(DGIQA_ERROR_MACHINE, "no pipe can be made: " + std::generic_category().message(failure));
    }
    output_ = output[0];
    errors_ = errors[0];
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output[1], 1);
    posix_spawn_file_actions_adddup2(&files, errors[1], 2);
    posix_spawnattr_t manner;
    posix_spawnattr_init(&manner);
    // A group of its own: Ctrl-C goes to this process alone, which ends the other itself.
    posix_spawnattr_setflags(&manner, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigdefault(&manner, &usual);
    std::vector<char *> arguments;
    for (const std::string &word : words) arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    const int failure = posix_spawnp(&process_, arguments[0], &files, &manner, arguments.data(), environ);
    posix_spawnattr_destroy(&manner);
    posix_spawn_file_actions_destroy(&files);
    close(output[1]);
    close(errors[1]);
    if (failure == 0) return;
    close(output_);
    close(errors_);
    throw Error(DGIQA_ERROR_MACHINE, "the program " + words[0] + " cannot be started (" +
                                         std::generic_category().message(failure) + "): " + remedy);
}

Program::~Program() {
    kill(process_, SIGKILL);
    while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    for (const int file : {output_, errors_})
        if (file >= 0) close(file);
}

Program::Said Program::listen(void *to, std::size_t most, std::size_t *got, std::string *errors) {
    *got = 0;
    if ((output_ < 0 || most == 0) && errors_ < 0) return Said::kNothingMore;
    pollfd files[2] = {{most > 0 ? output_ : -1, POLLIN, 0}, {errors_, POLLIN, 0}};
    if (poll(files, 2, -1) < 0) return Said::kInterrupted;
    if (files[1].revents != 0) {
        char part[kPart];
        std::size_t count = 0;
        if (!read_once(&errors_, part, sizeof part, &count)) return Said::kInterrupted;
        errors->append(part, count);
    }
    if (files[0].revents != 0 && !read_once(&output_, to, most, got)) return Said::kInterrupted;
    return Said::kSomething;
}

std::string output_of(const std::vector<std::string> &words, const std::string &remedy, std::size_t most,
                      std::string *errors) {
    Program program(words, remedy);
    std::string text;
    char part[kPart];
    for (std::size_t got = 0; text.size() < most;) {
        if (program.listen(part, std::min(sizeof part, most - text.size()), &got, errors) != Program::Said::kSomething)
            break;
        text.append(part, got);
    }
    return text;
}

}  // namespace dgiqa
