// Many threads, each with objects of its own: equal answers, and each sees only its own errors. Meant for the thread
// sanitizer; without it this still finds shared state that changes answers.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <atomic>
#include <dgiqa_edge.hpp>
#include <string>
#include <thread>
#include <vector>

using namespace dgiqa_edge;

namespace {

constexpr int THREADS = 6;
constexpr int FRAMES = 30;

std::vector<std::uint8_t> frame_of(int number) {
    std::vector<std::uint8_t> pixels(96 * 130 * 3);
    std::uint32_t state = 12345u + static_cast<std::uint32_t>(number);
    for (std::uint8_t &pixel : pixels) {
        state = state * 1664525u + 1013904223u;
        pixel = static_cast<std::uint8_t>(state >> 24);
    }
    return pixels;
}

// Everything that one camera answers over some frames, as text.
std::string answers() {
    Gate gate(R"({"start": {"readings": 1}, "cues": {"noise": {"role": "off"}}, "baseline": {"learn_minutes": 0.02}})");
    CueMeter meter;
    std::string text = std::string(dgiqa_version()) + dgiqa_build_info();
    for (int number = 0; number < FRAMES; ++number) {
        const std::vector<std::uint8_t> pixels = frame_of(number);
        const Cues cues = meter.measure(bgr(pixels.data(), 130, 96));
        const Verdict verdict = gate.update({0.5 + 0.01 * number, cues}, number / 10.0);
        text += dgiqa_state_name(verdict.state) + verdict.reason + std::to_string(cues.sharpness.value()) +
                std::to_string(cues.change.value_or(-1.0)) + std::to_string(verdict.smoothed.value());
    }
    return text + gate.policy() + gate.baseline().value_or("none");
}

// A refusal that names this thread, asked for again and again.
bool own_errors(int thread) {
    const std::string key = "setting_of_thread_" + std::to_string(thread);
    bool own = true;
    for (int i = 0; i < FRAMES; ++i) {
        dgiqa_gate *gate = nullptr;
        own = own && dgiqa_gate_create(("{\"" + key + "\": 1}").c_str(), nullptr, &gate) == DGIQA_ERROR_CONFIGURATION;
        std::this_thread::yield();
        own = own && std::string(dgiqa_last_error()).find(key + " is not a setting") != std::string::npos;
    }
    return own;
}

}  // namespace

TEST_CASE("threads with their own gates and meters do not disturb each other") {
    std::vector<std::string> answered(THREADS);
    std::atomic<int> with_own_errors{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < THREADS; ++thread) {
        threads.emplace_back([&, thread] {
            answered[static_cast<std::size_t>(thread)] = answers();
            with_own_errors += own_errors(thread) ? 1 : 0;
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    const std::string alone = answers();
    CHECK(alone.find("camera baseline") != std::string::npos);
    for (const std::string &text : answered) {
        CHECK(text == alone);
    }
    CHECK(with_own_errors == THREADS);
}

TEST_CASE("an object may change threads between calls") {
    Gate gate(R"({"start": {"readings": 1}})");
    std::string reason;
    for (int step = 0; step < 10; ++step) {
        std::thread([&] { reason = gate.update({0.9}, step / 5.0).reason; }).join();
    }
    CHECK(reason == "good");
}
