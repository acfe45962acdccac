// Streams and events. Work is run only when somebody waits, in an order across streams that a seed chooses among the legal
// ones: a dependency that was not recorded shows as wrong data.
#include "stream.h"

namespace {
std::map<void*, Stream*> streams;
std::map<void*, Event*> events;
uint64_t state = 0x9E3779B97F4A7C15;
double now = 0;

bool is_runnable(const Stream& stream) {
    if (stream.work.empty()) {
        return false;
    }
    const Work& next = stream.work.front();
    return next.replay ? next.replay->is_runnable() : !next.awaited || next.awaited->passed >= next.ticket;
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
    if (work.replay) {
        if (work.replay->step()) {
            stream.work.pop_front();
        }
        return true;
    }
    stream.work.pop_front();
    if (work.recorded) {
        pass(*work.recorded, work.ticket);
    } else if (work.run) {
        // Everything takes a microsecond at least.
        now += 1e-3;
        work.run(work.data);
        work.destroy(work.data);
    }
    return true;
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

Stream* find_stream(void* handle) {
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

void pass(Event& event, uint64_t ticket) {
    event.passed = ticket;
    event.when = now;
}

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
    Stream* stream = simulated_executes() ? find_stream(handle) : nullptr;
    if (!stream) {
        return destroy(data);
    }
    if (stream->capture) {
        return add_node(*stream, name, run, data, destroy);
    }
    Work work;
    work.name = name;
    work.run = run;
    work.data = data;
    work.destroy = destroy;
    stream->work.push_back(work);
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
    Stream* stream = find_stream(handle);
    if (!stream) {
        return INVALID_HANDLE;
    }
    if (const int code = refuse_while_captured(*stream, "cuStreamDestroy")) {
        return code;
    }
    run_until([&] { return stream->work.empty(); });
    streams.erase(handle);
    delete stream;
    return OK;
}

EXPORTED int cuStreamSynchronize(void* handle) {
    LOCKED;
    ENTER("cuStreamSynchronize", 1);
    Stream* stream = find_stream(handle);
    if (!stream) {
        return INVALID_HANDLE;
    }
    if (const int code = refuse_while_captured(*stream, "cuStreamSynchronize")) {
        return code;
    }
    run_until([&] { return stream->work.empty(); });
    check_red_zones();
    // A fault on the way is what this call gives.
    return simulated_enter(counter, 1);
}

EXPORTED int cuCtxSynchronize() {
    LOCKED;
    ENTER("cuCtxSynchronize", 1);
    if (const int code = refuse_in_capture("cuCtxSynchronize")) {
        return code;
    }
    run_all();
    check_red_zones();
    return OK;
}

EXPORTED int cuStreamWaitEvent(void* handle, void* event_handle, unsigned) {
    LOCKED;
    ENTER("cuStreamWaitEvent", 1);
    Stream* stream = find_stream(handle);
    Event* event = find_event(event_handle);
    if (!stream || !event) {
        return INVALID_HANDLE;
    }
    if (stream->capture || event->capture) {
        return join(*stream, *event);
    }
    Work work;
    work.name = "wait";
    work.awaited = event;
    work.ticket = event->recorded;
    stream->work.push_back(work);
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
    Stream* stream = find_stream(handle);
    Event* event = find_event(event_handle);
    if (!stream || !event) {
        return INVALID_HANDLE;
    }
    if (stream->capture) {
        mark(*stream, *event);
        return OK;
    }
    event->capture = nullptr;
    Work work;
    work.name = "record";
    work.recorded = event;
    work.ticket = ++event->recorded;
    stream->work.push_back(work);
    return OK;
}

EXPORTED int cuEventQuery(void* handle) {
    LOCKED;
    ENTER("cuEventQuery", 1);
    Event* event = find_event(handle);
    if (!event) {
        return INVALID_HANDLE;
    }
    if (const int code = refuse_captured(*event, "cuEventQuery")) {
        return code;
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
    if (const int code = refuse_captured(*event, "cuEventSynchronize")) {
        return code;
    }
    run_until([&] { return event->passed >= event->recorded; });
    return OK;
}
