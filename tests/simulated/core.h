// What the simulated libraries share. libcuda exports it; the others are linked with libcuda.
#pragma once
#include <cstddef>
#include <cstdint>

#define EXPORTED extern "C" __attribute__((visibility("default")))

// A call of some library: counted, and able to fail on purpose.
EXPORTED void* simulated_counter(const char* function);
// Counts a call and gives the code it must return instead of running; 0 to go on.
EXPORTED int simulated_enter(void* counter, int needs_context);
// Queues work on a stream. It runs late, and `destroy` is called on `data` after it.
EXPORTED void simulated_enqueue(void* stream, const char* name, void (*run)(void*), void* data, void (*destroy)(void*));
// Whether the bytes lie in one living allocation; a violation that says `what` otherwise.
EXPORTED int simulated_range(const void* address, size_t bytes, const char* what);
EXPORTED void simulated_violation(const char* message);
// Lets so many milliseconds of the device's own time pass, for the events that measure it.
EXPORTED void simulated_pass(double milliseconds);
// Whether work is run at all: switched off, it is accepted and dropped.
EXPORTED int simulated_executes();

// The first line of every exported function.
#define ENTER(function, needs_context)                                                                                 \
    static void* const counter = simulated_counter(function);                                                          \
    if (const int code = simulated_enter(counter, needs_context)) return code
