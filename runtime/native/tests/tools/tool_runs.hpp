// The tool called as its users call it, for its tests.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "test_files.hpp"

using Json = nlohmann::json;

struct Outcome {
    int code = -1;
    std::string output;  // with what it says of errors
    std::vector<Json> records;
};

// arguments: as bash reads them; redirections and settings of variables may stand before them.
inline Outcome run(const std::string &arguments, const std::string &before = "") {
    std::string script = before + "exec 2>&1; ";
    const std::size_t at = arguments.compare(0, 5, "PATH=") == 0 ? arguments.find(' ') + 1 : 0;
    script += arguments.substr(0, at) + "'" + DGIQA_TOOL + "' " + arguments.substr(at);
    std::string quoted_script = "'";
    for (const char letter : script) quoted_script += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    const std::string command = "bash -c " + quoted_script + "'";
    FILE *pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Outcome outcome;
    char part[4096];
    for (std::size_t got; (got = fread(part, 1, sizeof part, pipe)) > 0;) outcome.output.append(part, got);
    const int status = pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::istringstream lines(outcome.output);
    for (std::string line; std::getline(lines, line);)
        if (!line.empty() && line[0] == '{') outcome.records.push_back(Json::parse(line));
    return outcome;
}

inline bool says(const Outcome &outcome, const std::string &text) {
    return outcome.output.find(text) != std::string::npos;
}

// Empty, with a message, where none were made.
inline std::string bundle(const std::string &name = "fused") {
    const fs::path folder = bundle_folder(name);
    return folder.empty() ? "" : "--bundle '" + folder.string() + "'";
}

// A folder of frames: grey PPM pictures, and what is no picture.
class Frames {
public:
    void add(const std::string &name, int level) const {
        ::write(folder_.path() / name, "P6 64 48 255\n" + std::string(64 * 48 * 3, static_cast<char>(level)));
    }
    void link(const std::string &name, const std::string &to) const { fs::create_symlink(to, folder_.path() / name); }
    void write(const std::string &name, const char *text) const { ::write(folder_.path() / name, text); }
    void spoil(const std::string &name) const { write(name, "no picture"); }
    std::string path() const { return "'" + folder_.path().string() + "'"; }
    std::string file(const std::string &name) const { return "'" + (folder_.path() / name).string() + "'"; }

private:
    TemporaryFolder folder_;
};
