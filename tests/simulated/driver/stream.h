// What streams, events and graphs are made of.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "state.h"

struct Capture;
struct Replay;

struct Event {
    uint64_t recorded = 0, passed = 0;
    // Whether it remembers when it passed, and when that was.
    bool is_timed = false;
    double when = 0;
    // Where it was recorded last, if that was a capture: after these nodes.
    std::shared_ptr<Capture> capture;
    std::set<size_t> last;
};

struct Work {
    const char* name = nullptr;
    void (*run)(void*) = nullptr;
    void* data = nullptr;
    void (*destroy)(void*) = nullptr;
    // Instead of running something: moves an event, or waits for one, at this count of records; or replays a graph.
    Event* recorded = nullptr;
    Event* awaited = nullptr;
    uint64_t ticket = 0;
    std::shared_ptr<Replay> replay;
};

struct Stream {
    std::deque<Work> work;
    // While it is captured: what is captured, and the nodes that the next one comes after.
    std::shared_ptr<Capture> capture;
    std::set<size_t> last;
};

// One run of a graph: its nodes in any order that their dependencies allow.
struct Replay {
    std::function<bool()> is_runnable, step;
};

// stream.cpp
// Null, and a violation, where there is none.
Stream* find_stream(void* handle);
Event* find_event(void* handle);
void pass(Event& event, uint64_t ticket);

// graph.cpp
void add_node(Stream& stream, const char* name, void (*run)(void*), void* data, void (*destroy)(void*));
// An event recorded on a captured stream, or waited for by a stream where one of both is captured.
void mark(Stream& stream, Event& event);
int join(Stream& stream, const Event& event);
int refuse_while_captured(Stream& stream, const char* function);
int refuse_captured(const Event& event, const char* function);
