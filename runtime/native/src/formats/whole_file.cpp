#include "formats/whole_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace dgiqa {
namespace {

constexpr std::size_t kFirstPart = 64 << 10;

[[noreturn]] void refuse_by_errno() {
    if (errno == ENOENT) throw FileError("does not exist");
    throw FileError("cannot be read: " + std::generic_category().message(errno));
}

class Descriptor {
public:
    // Without waiting, because opening a pipe that nobody writes would never return.
    explicit Descriptor(const std::string &path) : number_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        if (path.find('\0') != std::string::npos) throw FileError("holds a NUL byte in its name");
        if (number_ < 0) refuse_by_errno();
    }
    ~Descriptor() {
        if (number_ >= 0) close(number_);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    int number() const { return number_; }

private:
    int number_;
};

// The size that its folder states; 0 for a pipe.
std::uint64_t checked_size(int file, Accepts accepts) {
    struct stat facts = {};
    if (fstat(file, &facts) != 0) refuse_by_errno();
    if (S_ISDIR(facts.st_mode)) throw FileError("is a folder");
    if (S_ISREG(facts.st_mode)) return static_cast<std::uint64_t>(facts.st_size);
    if (!S_ISFIFO(facts.st_mode) || accepts == Accepts::kRegularFiles) throw FileError("is no regular file");
    fcntl(file, F_SETFL, 0);  // wait for the writer
    return 0;
}

// Up to `most` bytes; fewer only at the file's end.
std::size_t read_some(int file, void *to, std::size_t most) {
    std::size_t held = 0;
    while (held < most) {
        const ssize_t got = read(file, static_cast<char *>(to) + held, most - held);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) refuse_by_errno();
        if (got == 0) break;
        held += static_cast<std::size_t>(got);
    }
    return held;
}

template <typename Content>
Content read_all(const std::string &path, std::uint64_t most_bytes, Accepts accepts) {
    const Descriptor file(path);
    const std::uint64_t stated = checked_size(file.number(), accepts);
    const auto refuse_size = [most_bytes](const std::string &size) {
        throw FileError("has " + size + " bytes: at most " + std::to_string(most_bytes) + " are read");
    };
    if (stated > most_bytes) refuse_size(std::to_string(stated));
    Content content;
    content.resize(stated > 0 ? static_cast<std::size_t>(stated) + 1 : kFirstPart);
    std::size_t held = 0;
    for (;;) {
        held += read_some(file.number(), content.data() + held, content.size() - held);
        if (held > most_bytes) refuse_size("more than " + std::to_string(most_bytes));
        if (held < content.size()) break;
        content.resize(2 * content.size());
    }
    content.resize(held);
    return content;
}

}  // namespace

std::vector<std::uint8_t> whole_file(const std::string &path, std::uint64_t most_bytes, Accepts accepts) {
    return read_all<std::vector<std::uint8_t>>(path, most_bytes, accepts);
}

std::vector<std::uint8_t> file_head(const std::string &path, std::size_t bytes) {
    const Descriptor file(path);
    checked_size(file.number(), Accepts::kRegularFiles);
    std::vector<std::uint8_t> head(bytes);
    head.resize(read_some(file.number(), head.data(), bytes));
    return head;
}

std::string whole_text(const std::string &path, std::uint64_t most_bytes, Accepts accepts) {
    return read_all<std::string>(path, most_bytes, accepts);
}

}  // namespace dgiqa
