/* Stands in for libcuda.so.1: the seven calls of runtime/machine/cuda_probe.py, answered from the environment. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static int setting(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

int cuInit(unsigned flags) { return flags ? 1 : setting("FAKE_DRIVER_INIT", 0); }

int cuDriverGetVersion(int *version) {
    *version = setting("FAKE_DRIVER_CUDA", 12060);
    return 0;
}

int cuDeviceGetCount(int *count) {
    *count = setting("FAKE_DRIVER_GPUS", 1);
    return 0;
}

int cuDeviceGet(int *device, int ordinal) {
    *device = ordinal;
    return 0;
}

int cuDeviceGetName(char *name, int size, int device) {
    snprintf(name, (size_t)size, "Fake GPU %d", device);
    return 0;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    (void)device;
    *bytes = (size_t)8 << 30;
    return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    const int sm = setting("FAKE_DRIVER_SM", 87);
    (void)device;
    *value = attribute == 75 ? sm / 10 : attribute == 76 ? sm % 10 : attribute == 18 ? 1 : -1;
    return 0;
}

int cuGetErrorName(int status, const char **name) {
    *name = status == 100 ? "CUDA_ERROR_NO_DEVICE" : NULL;
    return status == 100 ? 0 : 1;
}
