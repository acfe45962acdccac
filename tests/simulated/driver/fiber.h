// Switching between stacks.
#pragma once
#include <cstddef>

#ifdef __x86_64__
struct Context {
    void* stack;
};
#else
#include <ucontext.h>
typedef ucontext_t Context;
#endif

// A context that calls `start`, which never returns, on a stack of its own.
void make_context(Context& context, char* stack, size_t bytes, void (*start)());
// Goes on with `to`, until something goes on with `from`.
void switch_context(Context& from, Context& to);
