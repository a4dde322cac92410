// CUDA runtime objects that free themselves, and the failure of a CUDA call as an exception.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

namespace dgiqa {

class CudaFailure : public std::runtime_error {
public:
    CudaFailure(const char *call, cudaError_t status)
        : std::runtime_error(std::string(call) + ": " + cudaGetErrorString(status)), status_(status) {}
    bool out_of_memory() const { return status_ == cudaErrorMemoryAllocation; }

private:
    cudaError_t status_;
};

inline void check_cuda(const char *call, cudaError_t status) {
    if (status != cudaSuccess) throw CudaFailure(call, status);
}

struct DeviceDeleter {
    void operator()(void *memory) const { cudaFree(memory); }
};
struct PinnedDeleter {
    void operator()(void *memory) const { cudaFreeHost(memory); }
};
struct StreamDeleter {
    void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};
struct GraphDeleter {
    void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
struct ExecutableDeleter {
    void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
};

using DeviceMemory = std::unique_ptr<void, DeviceDeleter>;
using PinnedMemory = std::unique_ptr<void, PinnedDeleter>;  // page-locked host memory
using Stream = std::unique_ptr<CUstream_st, StreamDeleter>;
using Graph = std::unique_ptr<CUgraph_st, GraphDeleter>;
using ExecutableGraph = std::unique_ptr<CUgraphExec_st, ExecutableDeleter>;

inline DeviceMemory device_memory(std::size_t bytes) {
    void *memory = nullptr;
    check_cuda("cudaMalloc", cudaMalloc(&memory, bytes));
    return DeviceMemory(memory);
}

inline PinnedMemory pinned_memory(std::size_t bytes) {
    void *memory = nullptr;
    check_cuda("cudaHostAlloc", cudaHostAlloc(&memory, bytes, cudaHostAllocDefault));
    return PinnedMemory(memory);
}

inline Stream new_stream() {
    cudaStream_t stream = nullptr;
    check_cuda("cudaStreamCreateWithFlags", cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return Stream(stream);
}

}  // namespace dgiqa
