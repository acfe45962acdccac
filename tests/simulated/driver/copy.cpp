// Copies between the host and the device.
#include <cstdlib>
#include <cstring>

#include "state.h"

EXPORTED int cuStreamSynchronize(void* stream);

namespace {
struct Copy {
    void* to;
    const void* from;
    size_t bytes;
    void* staged;
};

void queue_copy(void* stream, Copy copy) {
    simulated_enqueue(
        stream, "copy",
        [](void* data) {
            const Copy& copy = *(Copy*)data;
            memmove(copy.to, copy.from, copy.bytes);
        },
        new Copy(copy),
        [](void* data) {
            free(((Copy*)data)->staged);
            delete (Copy*)data;
        });
}

bool is_pinned(const void* address) {
    char* start;
    const Allocation* allocation = find_allocation(address, &start);
    return allocation && allocation->on_host;
}
} // namespace

EXPORTED int cuMemcpyHtoDAsync_v2(void* to, const void* from, size_t bytes, void* stream) {
    LOCKED;
    ENTER("cuMemcpyHtoDAsync_v2", 1);
    if (!simulated_range(to, bytes, "a copy to the device")) {
        return INVALID_VALUE;
    }
    void* staged = nullptr;
    if (!is_pinned(from)) {
        // A replay would read what is no longer there.
        if (const int code = refuse_on_captured_stream(stream, "cuMemcpyHtoDAsync from memory that is not pinned")) {
            return code;
        }
        staged = malloc(bytes);
        memcpy(staged, from, bytes);
    } else if (!simulated_range(from, bytes, "a copy from pinned memory")) {
        return INVALID_VALUE;
    }
    queue_copy(stream, {to, staged ? staged : from, bytes, staged});
    return OK;
}

EXPORTED int cuMemcpyDtoHAsync_v2(void* to, const void* from, size_t bytes, void* stream) {
    LOCKED;
    ENTER("cuMemcpyDtoHAsync_v2", 1);
    if (!simulated_range(from, bytes, "a copy from the device")) {
        return INVALID_VALUE;
    }
    // What reads the target before it has arrived must see that.
    memset(to, 0xff, bytes);
    queue_copy(stream, {to, from, bytes, nullptr});
    if (!is_pinned(to)) {
        return cuStreamSynchronize(stream);
    }
    return OK;
}

EXPORTED int cuMemcpyDtoDAsync_v2(void* to, const void* from, size_t bytes, void* stream) {
    LOCKED;
    ENTER("cuMemcpyDtoDAsync_v2", 1);
    if (!simulated_range(from, bytes, "a copy on the device") || !simulated_range(to, bytes, "a copy on the device")) {
        return INVALID_VALUE;
    }
    if ((char*)to < (char*)from + bytes && (char*)from < (char*)to + bytes) {
        violation("a copy of %zu bytes on the device overlaps what it copies", bytes);
        return INVALID_VALUE;
    }
    queue_copy(stream, {to, from, bytes, nullptr});
    return OK;
}
