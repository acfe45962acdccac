// What a compiled unit exports, and what it is given to run with.
#pragma once
#include <cstddef>
#include <cstdint>

struct SimulatedIndex {
    unsigned x, y, z;
};

// What threads of a block do together.
struct SimulatedRuntime {
    void (*barrier)();
    // Gives every lane of the mask the values of all of them.
    void (*exchange)(unsigned mask, uint64_t value, uint64_t values[32]);
    // The shared memory that the launch asked for.
    char* (*asked_shared)();
};

struct SimulatedKernel {
    const char* name;
    unsigned parameters;
    const unsigned char* is_pointer;
    const unsigned* sizes;
    void (*invoke)(void** parameters);
};

struct SimulatedUnit {
    unsigned count;
    const SimulatedKernel* kernels;
    // Whether threads wait for each other.
    int needs_fibers;
    SimulatedIndex *thread, *block, *block_size, *grid_size;
    const SimulatedRuntime** runtime;
    // Shared memory.
    char *shared_start, *shared_end;
};

// How an image begins.
struct SimulatedImage {
    char magic[8];
    uint32_t architecture;
    // Bytes of shared memory that its kernels declare.
    uint32_t shared_bytes;
    uint64_t bytes;
};
#define SIMULATED_CODE "SIMCUBIN"
#define SIMULATED_PTX "SIMPTX64"
