// Memory: every allocation in pages of its own, behind bytes that nobody may write to and in front of a page that nobody may
// touch.
#include <csignal>
#include <cstdlib>
#include <cstdio>
#include <cstring>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

#include "state.h"

namespace {
const size_t PAGE = 4096, ALIGNMENT = 512, QUARANTINE = 256 << 20;
const unsigned char RED = 0xa5, POISON = 0xff;

std::map<char*, Allocation> living;
std::set<void*> pools;
std::deque<Allocation> quarantine;
size_t quarantined = 0, capacity = 0, live_bytes = 0, live_count = 0;

size_t round_up(size_t number, size_t step) { return (number + step - 1) / step * step; }

size_t total_capacity() {
    if (!capacity) {
        const char* text = getenv("SIMULATED_CUDA_MEMORY");
        capacity = text ? strtoull(text, nullptr, 10) : (size_t)4 << 30;
    }
    return capacity;
}

bool is_all(const char* from, const char* to, unsigned char byte) {
    for (; from < to; from++) {
        if ((unsigned char)*from != byte) {
            return false;
        }
    }
    return true;
}

void check_red_zone(char* start, const Allocation& allocation) {
    if (!allocation.is_open) {
        return;
    }
    const char* end = start + allocation.bytes;
    const char* guard = allocation.mapping + allocation.mapped - PAGE;
    if (!is_all(allocation.mapping, start, RED)) {
        violation("bytes before an allocation of %zu bytes were written to", allocation.bytes);
        memset(allocation.mapping, RED, start - allocation.mapping);
    }
    if (!is_all(end, guard, RED)) {
        violation("bytes behind an allocation of %zu bytes were written to", allocation.bytes);
        memset((char*)end, RED, guard - end);
    }
}

void on_fault(int signal, siginfo_t* info, void*) {
    char text[256];
    describe_address(info->si_addr, text, sizeof text);
    fprintf(stderr, "simulated cuda: violation: signal %d at %p, %s\n", signal, info->si_addr, text);
    _exit(86);
}

void watch_faults() {
    static const bool watched = [] {
        struct sigaction action = {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &action, nullptr);
        sigaction(SIGBUS, &action, nullptr);
        // What a kernel's compiler planted: a misaligned address, or an index outside an array.
        sigaction(SIGILL, &action, nullptr);
        return true;
    }();
    (void)watched;
}
} // namespace

int allocate(size_t bytes, bool on_host, void** address) {
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    if (!on_host && (bytes > total_capacity() || live_bytes + bytes > total_capacity())) {
        return OUT_OF_MEMORY;
    }
    watch_faults();
    const size_t room = round_up(bytes, ALIGNMENT), mapped = round_up(ALIGNMENT + room, PAGE) + PAGE;
    void* mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        return OUT_OF_MEMORY;
    }
    char* start = (char*)mapping + mapped - PAGE - room;
    memset(mapping, RED, start - (char*)mapping);
    // Large segments are poisoned as well: what reads them before writing must see it.
    memset(start, POISON, bytes);
    memset(start + bytes, RED, room - bytes);
    mprotect((char*)mapping + mapped - PAGE, PAGE, PROT_NONE);
    living[start] = {(char*)mapping, mapped, bytes, on_host, true};
    if (!on_host) {
        live_bytes += bytes;
        live_count++;
    }
    *address = start;
    return OK;
}

int release(void* address, bool on_host) {
    const auto found = living.find((char*)address);
    if (found == living.end() || found->second.on_host != on_host) {
        violation("%p is freed and is no living allocation of its kind", address);
        return INVALID_VALUE;
    }
    check_red_zone(found->first, found->second);
    const Allocation allocation = found->second;
    living.erase(found);
    if (!on_host) {
        live_bytes -= allocation.bytes;
        live_count--;
    }
    // The pages go, the addresses stay taken for a while: a use after this faults.
    mmap(allocation.mapping, allocation.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    quarantine.push_back(allocation);
    quarantined += allocation.mapped;
    while (quarantined > QUARANTINE && quarantine.size() > 1) {
        munmap(quarantine.front().mapping, quarantine.front().mapped);
        quarantined -= quarantine.front().mapped;
        quarantine.pop_front();
    }
    return OK;
}

const Allocation* find_allocation(const void* address, char** start) {
    auto next = living.upper_bound((char*)address);
    if (next == living.begin()) {
        return nullptr;
    }
    --next;
    if ((char*)address > next->first + next->second.bytes) {
        return nullptr;
    }
    *start = next->first;
    return &next->second;
}

int simulated_range(const void* address, size_t bytes, const char* what) {
    LOCKED;
    char* start;
    const Allocation* allocation = find_allocation(address, &start);
    if (allocation && (char*)address + bytes <= start + allocation->bytes) {
        return 1;
    }
    violation("%s: %zu bytes at %p are not in one living allocation", what, bytes, address);
    return 0;
}

void check_red_zones() {
    for (const auto& entry : living) {
        check_red_zone(entry.first, entry.second);
    }
}

void check_leaks() {
    for (const auto& entry : living) {
        violation("%zu bytes of %s memory are still allocated", entry.second.bytes, entry.second.on_host ? "host" : "device");
    }
    if (!pools.empty()) {
        violation("%zu pools of memory are left", pools.size());
    }
}

void forget_memory() {
    pools.clear();
    while (!living.empty()) {
        release(living.begin()->first, living.begin()->second.on_host);
    }
}

void open_pages(void* address) {
    const auto found = living.find((char*)address);
    if (found != living.end()) {
        Allocation& allocation = found->second;
        mprotect(allocation.mapping, allocation.mapped - PAGE, PROT_READ | PROT_WRITE);
        allocation.is_open = true;
    }
}

void describe_address(const void* address, char* text, size_t size) {
    for (const auto& entry : living) {
        if (entry.second.mapping <= address && address < entry.second.mapping + entry.second.mapped) {
            const long offset = (char*)address - entry.first;
            snprintf(text, size, "%ld bytes from the start of an allocation of %zu bytes", offset, entry.second.bytes);
            return;
        }
    }
    for (const Allocation& freed : quarantine) {
        if (freed.mapping <= address && address < freed.mapping + freed.mapped) {
            snprintf(text, size, "in an allocation of %zu bytes that was freed", freed.bytes);
            return;
        }
    }
    snprintf(text, size, "in no allocation");
}

uint64_t simulatedLiveBytes() {
    LOCKED;
    return live_bytes;
}

uint64_t simulatedLiveAllocations() {
    LOCKED;
    return live_count;
}

void simulatedCapacity(uint64_t bytes) {
    LOCKED;
    capacity = bytes;
}

EXPORTED int cuMemGetInfo_v2(size_t* free, size_t* total) {
    LOCKED;
    ENTER("cuMemGetInfo_v2", 1);
    *total = total_capacity();
    *free = *total > live_bytes ? *total - live_bytes : 0;
    return OK;
}

EXPORTED int cuMemAlloc_v2(void** address, size_t bytes) {
    LOCKED;
    ENTER("cuMemAlloc_v2", 1);
    if (const int code = refuse_in_capture("cuMemAlloc_v2")) {
        return code;
    }
    return allocate(bytes, false, address);
}

EXPORTED int cuMemFree_v2(void* address) {
    LOCKED;
    ENTER("cuMemFree_v2", 1);
    if (const int code = refuse_in_capture("cuMemFree_v2")) {
        return code;
    }
    run_all();
    return release(address, false);
}

EXPORTED int cuMemHostAlloc(void** address, size_t bytes, unsigned) {
    LOCKED;
    ENTER("cuMemHostAlloc", 1);
    if (const int code = refuse_in_capture("cuMemHostAlloc")) {
        return code;
    }
    return allocate(bytes, true, address);
}

EXPORTED int cuMemFreeHost(void* address) {
    LOCKED;
    ENTER("cuMemFreeHost", 1);
    if (const int code = refuse_in_capture("cuMemFreeHost")) {
        return code;
    }
    run_all();
    return release(address, true);
}

EXPORTED int cuMemPoolCreate(void** pool, const void*) {
    LOCKED;
    ENTER("cuMemPoolCreate", 1);
    pools.insert(*pool = new char);
    return OK;
}

EXPORTED int cuMemPoolDestroy(void* pool) {
    LOCKED;
    ENTER("cuMemPoolDestroy", 1);
    if (!pools.erase(pool)) {
        violation("%p is no pool, or one that was destroyed", pool);
        return INVALID_VALUE;
    }
    delete (char*)pool;
    return OK;
}

EXPORTED int cuMemAllocFromPoolAsync(void** address, size_t bytes, void* pool, void* stream) {
    LOCKED;
    ENTER("cuMemAllocFromPoolAsync", 1);
    // A graph could hold memory of its own; nobody here asks for that, and a captured stream takes no other.
    if (const int code = refuse_on_captured_stream(stream, "cuMemAllocFromPoolAsync")) {
        return code;
    }
    if (!pools.count(pool)) {
        violation("%p is no pool, or one that was destroyed", pool);
        return INVALID_VALUE;
    }
    const int code = allocate(bytes, false, address);
    if (code || !simulated_executes()) {
        return code;
    }
    // Nobody may touch it before the stream comes here.
    Allocation& allocation = living[(char*)*address];
    mprotect(allocation.mapping, allocation.mapped, PROT_NONE);
    allocation.is_open = false;
    simulated_enqueue(stream, "allocate", open_pages, *address, [](void*) {});
    return OK;
}

EXPORTED int cuMemFreeAsync(void* address, void* stream) {
    LOCKED;
    ENTER("cuMemFreeAsync", 1);
    // A graph could hold memory of its own; nobody here asks for that, and a captured stream takes no other.
    if (const int code = refuse_on_captured_stream(stream, "cuMemFreeAsync")) {
        return code;
    }
    if (!simulated_executes()) {
        return release(address, false);
    }
    simulated_enqueue(stream, "free", [](void* data) { release(data, false); }, address, [](void*) {});
    return OK;
}
