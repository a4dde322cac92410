// Which TensorRT plans run on which machine; the cases are those of the Python package's rules, no GPU is needed.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "engines/tensorrt_compatibility.hpp"

namespace {

dgiqa::GpuMachine orin() { return {"Orin", "87", true, "12.6", "540.3.0", "10.3.0", "linux-aarch64"}; }

dgiqa::Requirements built_on_orin() {
    dgiqa::Requirements needs;
    needs.backend_version = "==10.3.0";
    needs.sm = "87";
    needs.platform = "linux-aarch64";
    needs.cuda = "12.6";
    needs.driver_min = "540.3.0";
    needs.device = "Orin";
    return needs;
}

struct Case {
    const char *what;
    void (*change)(dgiqa::Requirements &, dgiqa::GpuMachine &);
    const char *expected;  // empty: it fits
};

}  // namespace

TEST_CASE("plans and machines") {
    using Needs = dgiqa::Requirements;
    using Machine = dgiqa::GpuMachine;
    const Case cases[] = {
        {"the machine it was built on", [](Needs &, Machine &) {}, ""},
        {"nothing is required", [](Needs &n, Machine &) { n = {}; }, ""},
        {"another platform", [](Needs &, Machine &m) { m.platform = "linux-x86_64"; },
         "it was built for linux-aarch64 (here linux-x86_64)"},
        {"another TensorRT", [](Needs &, Machine &m) { m.tensorrt = "10.4.0"; },
         "it was built with TensorRT 10.3.0 (here 10.4.0)"},
        {"a build number more", [](Needs &n, Machine &) { n.backend_version = "==10.3.0.26"; }, ""},
        {"a later TensorRT, compatible",
         [](Needs &n, Machine &m) { n.version_compatible = true, m.tensorrt = "10.13.2"; }, ""},
        {"an older TensorRT, compatible",
         [](Needs &n, Machine &m) { n.version_compatible = true, m.tensorrt = "10.2.0"; },
         "it was built with TensorRT 10.3.0 (here 10.2.0)"},
        {"the next major, compatible", [](Needs &n, Machine &m) { n.version_compatible = true, m.tensorrt = "11.1.0"; },
         ""},
        {"8.5 knew no compatibility",
         [](Needs &n, Machine &m) { n.version_compatible = true, n.backend_version = "==8.5.3", m.tensorrt = "8.6.1"; },
         "it was built with TensorRT 8.5.3 (here 8.6.1)"},
        {"a range", [](Needs &n, Machine &m) { n.backend_version = ">=8.6,<11", m.tensorrt = "10.9.0"; }, ""},
        {"another GPU", [](Needs &, Machine &m) { m.sm = "86", m.gpu = "RTX"; },
         "it was built for SM 87, Orin (here SM 86, RTX)"},
        {"Ampere and later, on a desktop",
         [](Needs &n, Machine &m) { n.compatibility = "ampere_plus", m.sm = "120", m.integrated = false; }, ""},
        {"Ampere and later, on another Jetson",
         [](Needs &n, Machine &m) { n.compatibility = "ampere_plus", m.sm = "110"; },
         "it was built for SM 87, Orin (here SM 110, Orin)"},
        {"Ampere and later, on Turing",
         [](Needs &n, Machine &m) { n.compatibility = "ampere_plus", m.sm = "75", m.integrated = false; },
         "it was built for SM 87, Orin (here SM 75, Orin)"},
        {"an older driver's CUDA", [](Needs &, Machine &m) { m.driver_cuda = "11.4"; },
         "it needs a driver for CUDA 12.6 (here one for CUDA 11.4)"},
        {"a driver that cannot be read", [](Needs &, Machine &m) { m.driver_cuda = m.driver = ""; }, ""},
        {"Jetson numbers drivers otherwise", [](Needs &, Machine &m) { m.driver = "35.4.1"; }, ""},
        {"an older driver", [](Needs &, Machine &m) { m.driver = "535.104.05", m.integrated = false; },
         "it needs the NVIDIA driver 540.3.0 or newer (here 535.104.05)"},
    };
    for (const Case &example : cases) {
        CAPTURE(example.what);
        dgiqa::Requirements needs = built_on_orin();
        dgiqa::GpuMachine machine = orin();
        example.change(needs, machine);
        const std::vector<std::string> found = dgiqa::obstacles(needs, machine);
        if (*example.expected == '\0') {
            CHECK(found.empty());
        } else {
            REQUIRE(found.size() == 1);
            CHECK(found[0] == example.expected);
        }
    }
}

TEST_CASE("every obstacle is named, not only the first") {
    dgiqa::GpuMachine machine = orin();
    machine.platform = "linux-x86_64";
    machine.sm = "75";
    machine.tensorrt = "8.6.1";
    CHECK(dgiqa::obstacles(built_on_orin(), machine).size() == 3);
}

TEST_CASE("driver versions") {
    CHECK(dgiqa::driver_from_proc("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19\n") ==
          "535.104.05");
    CHECK(dgiqa::driver_from_proc("NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.3.0  Release\n") ==
          "540.3.0");
    CHECK(dgiqa::driver_from_proc("").empty());
}
