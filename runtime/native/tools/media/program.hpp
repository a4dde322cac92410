// A program of this machine whose output is read as it comes: started without a shell, ended with its object.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace dgiqa {

class Program {
public:
    // By its name in PATH; standard input is empty. Throws Error(DGIQA_ERROR_MACHINE): it cannot be started (`remedy`).
    Program(const std::vector<std::string> &words, const std::string &remedy);
    ~Program();
    Program(const Program &) = delete;
    Program &operator=(const Program &) = delete;

    enum class Said { kSomething, kNothingMore, kInterrupted };

    // Waits for output and errors. Puts up to `most` bytes of output at `to`, tells in *got how many, and appends
    // whatever it says of errors. With `most` 0 only errors are waited for. kNothingMore: all have ended.
    // kInterrupted: a signal that this process handles came.
    Said listen(void *to, std::size_t most, std::size_t *got, std::string *errors);

private:
    pid_t process_ = -1;
    int output_ = -1;
    int errors_ = -1;
};

// Everything that a program prints, at most `most` bytes, and its errors. Throws as Program does.
std::string output_of(const std::vector<std::string> &words, const std::string &remedy, std::size_t most,
                      std::string *errors);

}  // namespace dgiqa
