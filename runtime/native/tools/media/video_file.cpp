#include "media/video_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <vector>

#include "errors.hpp"
#include "formats/limits.hpp"

namespace dgiqa {
namespace {

constexpr const char *kRemedy = "install it (apt-get install ffmpeg), or give images";
constexpr std::size_t kLongestFacts = 64 << 10;
constexpr std::size_t kLongestLine = 1000;
constexpr double kLongestS = 1e9;

// "25/1", "2.5"; 0: none.
double ratio(const std::string &text) {
    char *end = nullptr;
    const double upper = std::strtod(text.c_str(), &end);
    const double lower = *end == '/' ? std::strtod(end + 1, nullptr) : 1.0;
    return std::isfinite(upper / lower) && upper / lower > 0 ? upper / lower : 0.0;
}

// "2.000000", "00:00:02.000000000"; 0: none.
double seconds(const std::string &text) {
    int hours = 0, minutes = 0;
    double rest = 0;
    if (std::sscanf(text.c_str(), "%d:%d:%lf", &hours, &minutes, &rest) == 3)
        return hours * 3600.0 + minutes * 60.0 + rest;
    return ratio(text);
}

// What follows "key" up to the next blank, as in "pts_time:0.16"; empty: nothing.
std::string word_after(const std::string &line, const std::string &key) {
    const std::size_t at = line.find(key);
    if (at == std::string::npos) return "";
    const std::size_t start = line.find_first_not_of(' ', at + key.size());
    return start == std::string::npos ? "" : line.substr(start, line.find_first_of(" \r", start) - start);
}

}  // namespace

VideoFile::VideoFile(const std::string &path) : path_(path) {
    std::error_code code;
    if (!std::filesystem::is_regular_file(path, code))
        throw Error(DGIQA_ERROR_SOURCE, path + " is no regular file: check the name");
    stated_ = stated_by(path);
    // "level" puts [error] before a line; showinfo tells of every frame before it is written.
    decoder_ = std::make_unique<Program>(
        std::vector<std::string>{"ffmpeg", "-hide_banner", "-nostats", "-nostdin", "-v", "level+info", "-max_pixels",
                                 std::to_string(limits::most_pixels), "-i", "file:" + path, "-map", "0:v:0", "-an",
                                 "-sn", "-dn", "-vf", "showinfo=checksum=0,yadif=deint=interlaced,format=bgr24",
                                 "-vsync", "passthrough", "-f", "rawvideo", "pipe:1"},
        kRemedy);
}

VideoFile::Stated VideoFile::stated_by(const std::string &path) {
    std::string complaints;  // the decoder will say them again
    const std::string text = output_of(
        {"ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
         "stream=nb_frames,r_frame_rate,avg_frame_rate,duration:stream_tags=DURATION:format=duration,nb_streams", "-of",
         "default=nw=1", "file:" + path},
        kRemedy, kLongestFacts, &complaints);
    std::map<std::string, std::vector<std::string>> facts;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (const std::size_t equals = line.find('='); equals != std::string::npos)
            facts[line.substr(0, equals)].push_back(line.substr(equals + 1));
    const auto fact = [&facts](const std::string &key, bool last = false) {
        const auto &values = facts[key];
        return values.empty() ? std::string() : (last ? values.back() : values.front());
    };
    Stated stated;
    stated.fps = ratio(fact("avg_frame_rate"));
    const double whole_s = seconds(fact("duration", true));  // of the file; the stream's comes first
    const double counted = ratio(fact("nb_frames"));
    if (counted > 0) {
        stated.exact = true;
        // An edit list may leave out frames that the container holds: its length counts without them.
        const double played = whole_s > 0 && stated.fps > 0 ? std::ceil(whole_s * stated.fps) : counted;
        stated.frames = static_cast<std::uint64_t>(std::min(counted, played));
        return stated;
    }
    double length_s = facts["duration"].size() > 1 ? seconds(fact("duration")) : 0.0;
    if (length_s <= 0) length_s = seconds(fact("TAG:DURATION"));
    if (length_s <= 0 && fact("nb_streams") == "1") length_s = whole_s;  // else it may be the sound's
    const double steady = ratio(fact("r_frame_rate")) / stated.fps;      // 2: counted in fields
    if (length_s > 0 && length_s < kLongestS && stated.fps > 0 && (steady == 1.0 || steady == 2.0))
        stated.frames = static_cast<std::uint64_t>(std::llround(length_s * stated.fps));
    return stated;
}

std::optional<VideoFrame> VideoFile::next() {
    if (!wait_for_size()) return std::nullopt;
    VideoFrame frame{Picture(height_, width_, 3), std::nullopt};
    std::vector<std::uint8_t> &pixels = frame.picture.pixels;
    for (std::size_t held = 0, got = 0; held < pixels.size(); held += got) {
        const auto said = decoder_->listen(pixels.data() + held, pixels.size() - held, &got, &said_);
        take_lines();
        if (said != Program::Said::kSomething) return std::nullopt;
    }
    if (!times_.empty()) {
        frame.t_s = times_.front();
        times_.pop_front();
    }
    ++given_;
    return frame;
}

std::uint64_t VideoFile::missing() const {
    if (!stated_.frames || *stated_.frames <= given_) return 0;
    return stated_.exact || !complaint_.empty() ? *stated_.frames - given_ : 0;
}

// False: there is no frame because a signal came. Throws Error(DGIQA_ERROR_SOURCE): the file has none.
bool VideoFile::wait_for_size() {
    for (std::size_t none = 0; width_ == 0;) {
        const auto said = decoder_->listen(nullptr, 0, &none, &said_);
        take_lines();
        if (width_ != 0) break;
        if (said == Program::Said::kInterrupted) return false;
        if (said == Program::Said::kNothingMore)
            throw Error(DGIQA_ERROR_SOURCE, path_ + " gives no frame: it is damaged, empty, or has no video" +
                                                (complaint_.empty() ? "" : " (" + complaint_ + ")"));
    }
    return true;
}

void VideoFile::take_lines() {
    std::size_t start = 0;
    for (std::size_t end; (end = said_.find('\n', start)) != std::string::npos; start = end + 1)
        take_line(said_.substr(start, std::min(end - start, kLongestLine)));
    said_.erase(0, start);
    if (said_.size() > kLongestLine) said_.resize(kLongestLine);
}

void VideoFile::take_line(const std::string &line) {
    if (line.compare(0, 16, "[Parsed_showinfo") == 0) {
        const std::string stamp = word_after(line, " pts_time:"), size = word_after(line, " s:");
        if (stamp.empty() || size.empty()) return;
        const std::string fields = word_after(line, " i:");
        interlaced_ = interlaced_ || fields == "T" || fields == "B";
        char *end = nullptr;
        const double t_s = std::strtod(stamp.c_str(), &end);
        times_.push_back(*end == '\0' && std::isfinite(t_s) ? std::optional<double>(t_s) : std::nullopt);
        int width = 0, height = 0;
        if (width_ != 0 || std::sscanf(size.c_str(), "%dx%d", &width, &height) != 2) return;
        if (const auto flaw = limits::pixels_flaw(width, height)) throw Error(DGIQA_ERROR_SOURCE, path_ + " " + *flaw);
        width_ = width;
        height_ = height;
        return;
    }
    for (const char *level : {"[error] ", "[fatal] ", "[panic] "})
        if (const std::size_t at = line.find(level); at != std::string::npos && complaint_.empty())
            complaint_ = line.substr(at + 8);
}

}  // namespace dgiqa
