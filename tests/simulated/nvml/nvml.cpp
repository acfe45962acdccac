// The simulated NVML: one device that is always as busy.
#include <cstring>

#include "../core.h"

enum Code { OK = 0, NOT_FOUND = 6 };

static char device;

EXPORTED int nvmlInit_v2() {
    ENTER("nvmlInit_v2", 0);
    return OK;
}

EXPORTED int nvmlDeviceGetHandleByUUID(const char* uuid, void** handle) {
    ENTER("nvmlDeviceGetHandleByUUID", 0);
    *handle = &device;
    return strncmp(uuid, "GPU-", 4) ? NOT_FOUND : OK;
}

EXPORTED int nvmlDeviceGetUtilizationRates(void*, unsigned* percent) {
    ENTER("nvmlDeviceGetUtilizationRates", 0);
    percent[0] = 75;
    percent[1] = 40;
    return OK;
}

EXPORTED int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) {
    ENTER("nvmlDeviceGetPowerUsage", 0);
    *milliwatts = 350500;
    return OK;
}

EXPORTED int nvmlDeviceGetTemperature(void*, unsigned, unsigned* celsius) {
    ENTER("nvmlDeviceGetTemperature", 0);
    *celsius = 61;
    return OK;
}
