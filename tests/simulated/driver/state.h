// The state of the simulated driver, behind one lock.
#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "../control.h"
#include "../core.h"

enum Code {
    OK = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NO_BINARY = 209,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
};

// The one lock. Work of the device runs under it, on the thread that waits for it.
std::recursive_mutex& lock();
#define LOCKED std::lock_guard<std::recursive_mutex> guard(lock())

// device.cpp
void forget_context();

// memory.cpp
struct Allocation {
    char* mapping;
    size_t mapped;
    size_t bytes;
    bool on_host;
    // Whether the stream it was allocated on has come to it.
    bool is_open;
};
// A living allocation that holds the address, or ends there.
const Allocation* find_allocation(const void* address, char** start);
int allocate(size_t bytes, bool on_host, void** address);
int release(void* address, bool on_host);
// Looks at the bytes around every allocation.
void check_red_zones();
void check_leaks();
void forget_memory();
// Lets what was allocated in the order of a stream be used.
void open_pages(void* address);
void describe_address(const void* address, char* text, size_t size);

// stream.cpp
void run_all();
uint64_t random_number(uint64_t bound);
// Streams and events that were not destroyed.
void check_handles();
void forget_handles();

// graph.cpp
// Calls that wait for the device or change what it holds are refused while a capture forbids them, and spoil it: 0 where
// none does.
int refuse_in_capture(const char* function);
int refuse_on_captured_stream(void* stream, const char* function);
// Graphs that were not destroyed, and captures that were not ended.
void check_graphs();
void forget_graphs();

// kernel.cpp
void check_modules();
void forget_modules();

void violation(const char* format, ...) __attribute__((format(printf, 1, 2)));
void make_sticky(int code);
void note_launch(const char* name);
int environment(const char* name, int otherwise);
