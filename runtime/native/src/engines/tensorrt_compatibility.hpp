// Whether a TensorRT engine file fits this machine, decided from facts alone, before TensorRT sees the file. The rules
// are those of the Python package's runtime/engines/tensorrt/compatibility.py.
#pragma once

#include <string>
#include <vector>

#include "bundle/manifest.hpp"

namespace dgiqa {

// What an engine meets here; texts are empty where a fact could not be read.
struct GpuMachine {
    std::string gpu;
    std::string sm;  // "87"
    bool integrated = false;
    std::string driver_cuda;  // newest CUDA that the driver supports, "12.6"
    std::string driver;       // "540.3.0"
    std::string tensorrt;     // "10.3.0"
    std::string platform;
};

// Everything that keeps the engine from running here, each as "what it needs (here what is here)"; none: it fits.
std::vector<std::string> obstacles(const Requirements &needs, const GpuMachine &machine);

// The version in /proc/driver/nvidia/version: "535.104.05"; empty where there is none.
std::string driver_from_proc(const std::string &text);

}  // namespace dgiqa
