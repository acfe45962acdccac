// A simulated tool: it takes the place of one of NVIDIA's, and keeps what ranges are opened and closed.
#include <cstdint>
#include <string>
#include <vector>

#include "../core.h"

namespace {
std::vector<std::string> ranges;
size_t open_ranges = 0;

int push(const char* name) {
    ranges.push_back(std::string(open_ranges, '>') + name);
    return (int)open_ranges++;
}

int pop() { return (int)--open_ranges; }

struct Callbacks {
    size_t struct_size;
    int (*module_table)(unsigned module, void**** table, unsigned* size);
};
} // namespace

EXPORTED int InitializeInjectionNvtx2(const void* (*export_table)(uint32_t)) {
    const unsigned CALLBACKS = 1, PUSH = 9, POP = 11;
    const Callbacks* callbacks = (const Callbacks*)export_table(CALLBACKS);
    if (!callbacks || callbacks->struct_size < sizeof(Callbacks)) {
        return 0;
    }
    // Tools ask for every module they know, and fill what is there.
    for (unsigned module = 1; module <= 6; module++) {
        void*** table = nullptr;
        unsigned size = 0;
        if (!callbacks->module_table(module, &table, &size) || !table || table[0] || table[size]) {
            return 0;
        }
        if (module == 1) {
            *table[PUSH] = (void*)push;
            *table[POP] = (void*)pop;
        }
    }
    return 1;
}

// The name of the range number `index`, behind a `>` for each that it is in; null where there are no more.
EXPORTED const char* simulatedRange(uint64_t index) { return index < ranges.size() ? ranges[index].c_str() : nullptr; }
EXPORTED uint64_t simulatedOpenRanges() { return open_ranges; }
