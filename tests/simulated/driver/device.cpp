// Devices and their contexts.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "state.h"

namespace {
thread_local void* current = nullptr;
bool initialized = false;
int retained = 0;
char primary;

int visible_devices() {
    const int count = environment("SIMULATED_CUDA_DEVICES", 1);
    const char* list = getenv("CUDA_VISIBLE_DEVICES");
    if (!list) {
        return count;
    }
    // A number that is none hides what comes after it.
    std::stringstream entries(list);
    std::string entry;
    int visible = 0;
    while (std::getline(entries, entry, ',')) {
        char* end;
        const long index = strtol(entry.c_str(), &end, 10);
        if (end == entry.c_str() || *end || index < 0 || index >= count) {
            break;
        }
        visible++;
    }
    return visible;
}
} // namespace

void forget_context() { retained = 0; }

int enter_without_context(void* counter);

int simulated_enter(void* counter, int needs_context) {
    LOCKED;
    if (const int code = enter_without_context(counter)) {
        return code;
    }
    if (needs_context && current && !retained) {
        violation("a call goes to a context that was released");
    }
    return needs_context && !(current && retained) ? INVALID_CONTEXT : OK;
}

EXPORTED int cuInit(unsigned) {
    LOCKED;
    ENTER("cuInit", 0);
    if (const int code = environment("SIMULATED_CUDA_INIT_CODE", 0)) {
        return code;
    }
    initialized = true;
    return visible_devices() ? OK : NO_DEVICE;
}

EXPORTED int cuDriverGetVersion(int* version) {
    LOCKED;
    ENTER("cuDriverGetVersion", 0);
    // A stub answers everything alike.
    const int STUB = 34;
    if (environment("SIMULATED_CUDA_INIT_CODE", 0) == STUB) {
        return STUB;
    }
    *version = environment("SIMULATED_CUDA_DRIVER_VERSION", 13000);
    return OK;
}

EXPORTED int cuDeviceGetCount(int* count) {
    LOCKED;
    ENTER("cuDeviceGetCount", 0);
    *count = visible_devices();
    return initialized ? OK : NOT_INITIALIZED;
}

EXPORTED int cuDeviceGet(int* device, int ordinal) {
    LOCKED;
    ENTER("cuDeviceGet", 0);
    *device = ordinal;
    if (!initialized) {
        return NOT_INITIALIZED;
    }
    return ordinal >= 0 && ordinal < visible_devices() ? OK : INVALID_DEVICE;
}

EXPORTED int cuDeviceGetName(char* name, int size, int) {
    LOCKED;
    ENTER("cuDeviceGetName", 0);
    snprintf(name, size, "Simulated CUDA device");
    return OK;
}

EXPORTED int cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
    LOCKED;
    ENTER("cuDeviceGetUuid_v2", 0);
    for (int i = 0; i < 16; i++) {
        uuid[i] = i + device;
    }
    return OK;
}

EXPORTED int cuDeviceGetPCIBusId(char* id, int size, int device) {
    LOCKED;
    ENTER("cuDeviceGetPCIBusId", 0);
    snprintf(id, size, "0000:%02x:00.0", device);
    return OK;
}

EXPORTED int cuDeviceTotalMem_v2(size_t* bytes, int) {
    LOCKED;
    ENTER("cuDeviceTotalMem_v2", 0);
    const char* text = getenv("SIMULATED_CUDA_MEMORY");
    *bytes = text ? strtoull(text, nullptr, 10) : (size_t)4 << 30;
    return OK;
}

EXPORTED int cuDeviceGetAttribute(int* value, unsigned attribute, int) {
    LOCKED;
    ENTER("cuDeviceGetAttribute", 0);
    switch (attribute) {
    case 1: *value = 1024; return OK;  // threads in a block
    case 10: *value = 32; return OK;   // lanes in a warp
    case 16: *value = 132; return OK;  // multiprocessors
    case 75: *value = environment("SIMULATED_CUDA_CAPABILITY", 90) / 10; return OK;
    case 76: *value = environment("SIMULATED_CUDA_CAPABILITY", 90) % 10; return OK;
    case 97: *value = 227 << 10; return OK; // bytes of shared memory of a block that asks for them
    case 115: *value = environment("SIMULATED_CUDA_POOLS", 1); return OK;
    default: violation("device attribute %u is not simulated", attribute); return INVALID_VALUE;
    }
}

EXPORTED int cuDevicePrimaryCtxRetain(void** context, int) {
    LOCKED;
    ENTER("cuDevicePrimaryCtxRetain", 0);
    retained++;
    *context = &primary;
    return OK;
}

EXPORTED int cuDevicePrimaryCtxRelease_v2(int) {
    LOCKED;
    ENTER("cuDevicePrimaryCtxRelease_v2", 0);
    if (!retained) {
        violation("a context is released more often than it was retained");
        return INVALID_CONTEXT;
    }
    if (--retained == 0) {
        run_all();
        check_red_zones();
        check_leaks();
        check_graphs();
        check_handles();
        check_modules();
    }
    return OK;
}

EXPORTED int cuCtxSetCurrent(void* context) {
    ENTER("cuCtxSetCurrent", 0);
    current = context;
    return OK;
}
