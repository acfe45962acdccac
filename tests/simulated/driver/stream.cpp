// Streams and events. Work is run only when somebody waits, in an order across streams that a seed chooses among the legal
// ones: a dependency that was not recorded shows as wrong data.
#include <cstdlib>
#include <cstring>

#include "state.h"

namespace {
struct Work {
    const char* name;
    void (*run)(void*);
    void* data;
    void (*destroy)(void*);
    // Instead of running something: moves an event, or waits for one, at this count of records.
    Event* recorded;
    Event* awaited;
    uint64_t ticket;
};
struct Stream {
    std::deque<Work> work;
};

std::map<void*, Stream*> streams;
std::map<void*, Event*> events;
uint64_t state = 0x9E3779B97F4A7C15;
double now = 0;

bool is_runnable(const Stream& stream) {
    if (stream.work.empty()) {
        return false;
    }
    const Work& next = stream.work.front();
    return !next.awaited || next.awaited->passed >= next.ticket;
}

// Runs one piece of work of some stream; false where none can be run.
bool step() {
    std::vector<Stream*> runnable;
    for (const auto& entry : streams) {
        if (is_runnable(*entry.second)) {
            runnable.push_back(entry.second);
        }
    }
    if (runnable.empty()) {
        return false;
    }
    Stream& stream = *runnable[random_number(runnable.size())];
    const Work work = stream.work.front();
    stream.work.pop_front();
    if (work.recorded) {
        work.recorded->passed = work.ticket;
        work.recorded->when = now;
    } else if (work.run) {
        work.run(work.data);
        work.destroy(work.data);
    }
    return true;
}

Stream* find(void* handle) {
    const auto found = streams.find(handle);
    if (found == streams.end()) {
        violation("%p is no stream, or one that was destroyed", handle);
        return nullptr;
    }
    return found->second;
}

Event* find_event(void* handle) {
    const auto found = events.find(handle);
    if (found == events.end()) {
        violation("%p is no event, or one that was destroyed", handle);
        return nullptr;
    }
    return found->second;
}

template <class Done> void run_until(const Done& done) {
    while (!done()) {
        if (!step()) {
            violation("streams wait for each other");
            return;
        }
    }
}
} // namespace

void forget_handles() {
    streams.clear();
    events.clear();
}

void check_handles() {
    if (!streams.empty() || !events.empty()) {
        violation("%zu streams and %zu events are left", streams.size(), events.size());
    }
}

uint64_t random_number(uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
}

void simulatedSeed(uint64_t seed) {
    LOCKED;
    state = seed * 2 + 1;
}

void run_all() {
    while (step()) {
    }
}

void simulated_pass(double milliseconds) { now += milliseconds; }

void simulated_enqueue(void* handle, const char* name, void (*run)(void*), void* data, void (*destroy)(void*)) {
    LOCKED;
    Stream* stream = simulated_executes() ? find(handle) : nullptr;
    if (!stream) {
        return destroy(data);
    }
    stream->work.push_back({name, run, data, destroy, nullptr, nullptr, 0});
}

EXPORTED int cuStreamCreateWithPriority(void** handle, unsigned, int) {
    LOCKED;
    ENTER("cuStreamCreateWithPriority", 1);
    Stream* stream = new Stream;
    streams[*handle = stream] = stream;
    return OK;
}

EXPORTED int cuStreamDestroy_v2(void* handle) {
    LOCKED;
    ENTER("cuStreamDestroy_v2", 1);
    Stream* stream = find(handle);
    if (!stream) {
        return INVALID_HANDLE;
    }
    run_until([&] { return stream->work.empty(); });
    streams.erase(handle);
    delete stream;
    return OK;
}

EXPORTED int cuStreamSynchronize(void* handle) {
    LOCKED;
    ENTER("cuStreamSynchronize", 1);
    Stream* stream = find(handle);
    if (!stream) {
        return INVALID_HANDLE;
    }
    run_until([&] { return stream->work.empty(); });
    check_red_zones();
    // A fault on the way is what this call gives.
    return simulated_enter(counter, 1);
}

EXPORTED int cuCtxSynchronize() {
    LOCKED;
    ENTER("cuCtxSynchronize", 1);
    run_all();
    check_red_zones();
    return OK;
}

EXPORTED int cuStreamWaitEvent(void* handle, void* event_handle, unsigned) {
    LOCKED;
    ENTER("cuStreamWaitEvent", 1);
    Stream* stream = find(handle);
    Event* event = find_event(event_handle);
    if (!stream || !event) {
        return INVALID_HANDLE;
    }
    stream->work.push_back({"wait", nullptr, nullptr, nullptr, nullptr, event, event->recorded});
    return OK;
}

EXPORTED int cuEventCreate(void** handle, unsigned flags) {
    LOCKED;
    ENTER("cuEventCreate", 1);
    const unsigned WITHOUT_TIMING = 2;
    Event* event = new Event;
    event->is_timed = !(flags & WITHOUT_TIMING);
    events[*handle = event] = event;
    return OK;
}

EXPORTED int cuEventDestroy_v2(void* handle) {
    LOCKED;
    ENTER("cuEventDestroy_v2", 1);
    Event* event = find_event(handle);
    if (!event) {
        return INVALID_HANDLE;
    }
    run_until([&] { return event->passed >= event->recorded; });
    // Waits that are queued hold it: it is kept, and only its handle is gone.
    events.erase(handle);
    return OK;
}

EXPORTED int cuEventRecord(void* event_handle, void* handle) {
    LOCKED;
    ENTER("cuEventRecord", 1);
    Stream* stream = find(handle);
    Event* event = find_event(event_handle);
    if (!stream || !event) {
        return INVALID_HANDLE;
    }
    stream->work.push_back({"record", nullptr, nullptr, nullptr, event, nullptr, ++event->recorded});
    return OK;
}

EXPORTED int cuEventQuery(void* handle) {
    LOCKED;
    ENTER("cuEventQuery", 1);
    Event* event = find_event(handle);
    if (!event) {
        return INVALID_HANDLE;
    }
    step();
    return event->passed >= event->recorded ? OK : NOT_READY;
}

EXPORTED int cuEventElapsedTime(float* milliseconds, void* begin_handle, void* end_handle) {
    LOCKED;
    ENTER("cuEventElapsedTime", 1);
    const Event *begin = find_event(begin_handle), *end = find_event(end_handle);
    if (!begin || !end || !begin->is_timed || !end->is_timed || !begin->recorded || !end->recorded) {
        return INVALID_HANDLE;
    }
    if (begin->passed < begin->recorded || end->passed < end->recorded) {
        return NOT_READY;
    }
    *milliseconds = (float)(end->when - begin->when);
    return OK;
}

EXPORTED int cuEventSynchronize(void* handle) {
    LOCKED;
    ENTER("cuEventSynchronize", 1);
    Event* event = find_event(handle);
    if (!event) {
        return INVALID_HANDLE;
    }
    run_until([&] { return event->passed >= event->recorded; });
    return OK;
}

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
