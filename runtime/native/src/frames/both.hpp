// Marks functions that compile for the CPU and, under nvcc, for the GPU too: one source of arithmetic for both.
#pragma once

#if defined(__CUDACC__)
#define DGIQA_BOTH __host__ __device__
#else
#define DGIQA_BOTH
#endif
