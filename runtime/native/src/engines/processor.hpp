// Which CPU this process runs on: it decides which kernels a backend picks, and so how results round.
#pragma once

#include <string>

namespace dgiqa {

struct Processor {
    std::string model;            // for people
    std::string features_digest;  // tells apart CPUs of one name with other instruction sets
    bool dot_products = false;    // multiplies uint8 by int8 fast and without saturating
};

// Of this machine; never fails, an unknown model is named after its architecture.
const Processor &processor();

// The first processor of /proc/cpuinfo (x86: model name, flags; Arm: implementer, part, Features).
Processor processor_from_cpuinfo(const std::string &text);

// System and architecture as manifests write them, for example "linux-x86_64".
std::string platform_name();

}  // namespace dgiqa
