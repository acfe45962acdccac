// Runs the threads of a block: one after the other where none waits for another, else as fibers that run as far as they can
// and take turns in an order that the seed chooses. Lanes of a warp are not in lock step.
#include "block.h"

#include <cstring>
#include <sys/mman.h>

#include "fiber.h"
#include "state.h"

namespace {
const size_t STACK = 64 << 10;
const unsigned MOST = 1024;

struct Warp {
    uint64_t values[32], ready[2][32];
    unsigned arrived = 0, mask = 0;
    uint64_t generation = 0;
};

// The block at work: there is one at a time.
struct Block {
    const SimulatedUnit* unit;
    const SimulatedKernel* kernel;
    void** parameters;
    SimulatedIndex size;
    unsigned threads, living, current;
    bool finished[MOST];
    unsigned at_barrier = 0;
    uint64_t barriers = 0;
    uint64_t progress = 0;
    bool stuck = false;
    Warp warps[MOST / 32];
    Context main, contexts[MOST];
};
Block block;
char* stacks = nullptr;

SimulatedIndex index_of(unsigned thread, SimulatedIndex size) {
    return {thread % size.x, thread / size.x % size.y, thread / (size.x * size.y)};
}

void pause() {
    const unsigned thread = block.current;
    switch_context(block.contexts[thread], block.main);
}

void leave() {
    block.finished[block.current] = true;
    block.living--;
    block.progress++;
    pause();
}

void start_thread() {
    block.kernel->invoke(block.parameters);
    leave();
}

// A thread that waits for what never comes ends here: the block is given up.
void wait_until_passed(const uint64_t& counter, uint64_t before) {
    while (counter == before) {
        if (block.stuck) {
            leave();
        }
        pause();
    }
}

void barrier() {
    const uint64_t before = block.barriers;
    block.progress++;
    // Strict: a thread that has ended does not count as one that has arrived.
    if (++block.at_barrier == block.threads) {
        block.at_barrier = 0;
        block.barriers++;
        return;
    }
    wait_until_passed(block.barriers, before);
}

void exchange(unsigned mask, uint64_t value, uint64_t values[32]) {
    const unsigned lane = block.current % 32;
    Warp& warp = block.warps[block.current / 32];
    const unsigned lanes = block.threads - block.current / 32 * 32;
    const unsigned present = lanes >= 32 ? 0xffffffffu : (1u << lanes) - 1;
    const uint64_t before = warp.generation;
    block.progress++;
    if (!(mask >> lane & 1) || (warp.arrived && warp.mask != mask)) {
        violation("%s: lane %u exchanges words in mask %08x, and others of its warp in another", block.kernel->name, lane, mask);
    }
    warp.mask = mask;
    warp.values[lane] = value;
    warp.arrived |= 1u << lane;
    if ((warp.arrived & mask & present) == (mask & present)) {
        memcpy(warp.ready[before % 2], warp.values, sizeof warp.values);
        warp.arrived = 0;
        warp.generation++;
    } else {
        wait_until_passed(warp.generation, before);
    }
    memcpy(values, warp.ready[before % 2], sizeof warp.values);
}

// The shared memory that a launch asks for ends where nothing is mapped, but for what is left of 16 bytes.
char* asked_start = nullptr;

char* asked_shared() { return asked_start; }

void ask_shared(size_t bytes) {
    static char* end = nullptr;
    if (!end) {
        const size_t page = 4096, most = 256 << 10;
        end = (char*)mmap(nullptr, most + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) + most;
        mprotect(end, page, PROT_NONE);
    }
    asked_start = end - (bytes + 15) / 16 * 16;
}

const SimulatedRuntime runtime = {barrier, exchange, asked_shared};

void run_fibers(bool backwards) {
    block.living = block.threads;
    block.at_barrier = 0;
    block.stuck = false;
    if (!stacks) {
        stacks = (char*)mmap(nullptr, STACK * MOST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    for (unsigned i = 0; i < block.threads; i++) {
        block.finished[i] = false;
        make_context(block.contexts[i], stacks + i * STACK, STACK, start_thread);
    }
    for (Warp& warp : block.warps) {
        warp.arrived = 0;
    }
    while (block.living) {
        const uint64_t before = block.progress;
        for (unsigned i = 0; i < block.threads; i++) {
            const unsigned thread = backwards ? block.threads - 1 - i : i;
            if (!block.finished[thread]) {
                block.current = thread;
                *block.unit->thread = index_of(thread, block.size);
                switch_context(block.main, block.contexts[thread]);
            }
        }
        if (block.progress == before && !block.stuck) {
            violation("%s: threads of a block wait for others that never come (divergent barrier)", block.kernel->name);
            block.stuck = true;
        }
    }
}
} // namespace

void run_blocks(const SimulatedUnit& unit, const SimulatedKernel& kernel, SimulatedIndex grid, SimulatedIndex size,
                unsigned shared_bytes, void** parameters) {
    const bool backwards = random_number(2);
    block.unit = &unit;
    block.kernel = &kernel;
    block.parameters = parameters;
    block.size = size;
    block.threads = size.x * size.y * size.z;
    ask_shared(shared_bytes);
    *unit.runtime = &runtime;
    *unit.block_size = size;
    *unit.grid_size = grid;
    const uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
    for (uint64_t i = 0; i < blocks; i++) {
        const uint64_t number = backwards ? blocks - 1 - i : i;
        *unit.block = {(unsigned)(number % grid.x), (unsigned)(number / grid.x % grid.y),
                       (unsigned)(number / grid.x / grid.y)};
        // Shared memory holds nothing when a block begins.
        memset(unit.shared_start, 0xff, unit.shared_end - unit.shared_start);
        memset(asked_start, 0xff, shared_bytes);
        if (unit.needs_fibers) {
            run_fibers(backwards);
            continue;
        }
        for (unsigned j = 0; j < block.threads; j++) {
            *unit.thread = index_of(backwards ? block.threads - 1 - j : j, size);
            kernel.invoke(parameters);
        }
    }
}

void copy_parameters(const SimulatedKernel& kernel, void** parameters, std::vector<uint64_t>& words,
                     std::vector<void*>& copies) {
    size_t needed = 0;
    for (unsigned i = 0; i < kernel.parameters; i++) {
        needed += (kernel.sizes[i] + 7) / 8;
    }
    words.resize(needed);
    size_t at = 0;
    for (unsigned i = 0; i < kernel.parameters; i++) {
        memcpy(&words[at], parameters[i], kernel.sizes[i]);
        copies.push_back(&words[at]);
        at += (kernel.sizes[i] + 7) / 8;
    }
}
