// Counting calls, failing on purpose, and keeping what rules were broken.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include "state.h"

namespace {
struct Counter {
    std::string name;
    uint64_t calls = 0;
};
struct Fault {
    std::string function;
    uint64_t left;
    int code;
    bool sticky;
};

std::map<std::string, Counter> counters;
std::vector<Fault> faults;
std::deque<std::string> untaken;
std::vector<std::string> launches;
uint64_t violations = 0;
int sticky = 0;
bool executes = true;
int refused_epilogue = 0;
int last_scheme = -1;
std::string failed;

// What a device that failed makes of later calls: compilers know no device, and cuBLAS has a code of its own.
int after_a_fault(const std::string& function) {
    const int CUBLAS_EXECUTION_FAILED = 13;
    return function.rfind("nvrtc", 0) == 0 || function.rfind("nvml", 0) == 0 ? OK : function.rfind("cublas", 0) == 0 ? CUBLAS_EXECUTION_FAILED : sticky;
}

void plan_from_environment() {
    const char* plan = getenv("SIMULATED_CUDA_FAULT");
    char function[64];
    unsigned long long nth;
    int code, is_sticky = 0;
    if (plan && sscanf(plan, "%63[^:]:%llu:%d:%d", function, &nth, &code, &is_sticky) >= 3) {
        simulatedFailAt(strcmp(function, "*") ? function : "", nth, code, is_sticky);
    }
}

// What is left when the process ends is a violation too, and a test that asks for it ends with a code of its own.
struct AtExit {
    AtExit() {
        plan_from_environment();
        atexit([] {
            LOCKED;
            check_red_zones();
            if (violations && environment("SIMULATED_CUDA_STRICT_EXIT", 0)) {
                _exit(86);
            }
        });
    }
} at_exit;
} // namespace

std::recursive_mutex& lock() {
    static std::recursive_mutex mutex;
    return mutex;
}

int environment(const char* name, int otherwise) {
    const char* value = getenv(name);
    return value && *value ? atoi(value) : otherwise;
}

void* simulated_counter(const char* function) {
    LOCKED;
    Counter& counter = counters[function];
    counter.name = function;
    return &counter;
}

int enter_without_context(void* raw) {
    Counter& counter = *(Counter*)raw;
    counter.calls++;
    if (sticky) {
        return after_a_fault(counter.name);
    }
    for (size_t i = 0; i < faults.size(); i++) {
        if (!faults[i].function.empty() && faults[i].function != counter.name) {
            continue;
        }
        if (faults[i].left-- == 0) {
            const Fault fault = faults[i];
            faults.erase(faults.begin() + i);
            failed = counter.name;
            if (fault.sticky) {
                sticky = fault.code;
            }
            return fault.code;
        }
    }
    return OK;
}

void violation(const char* format, ...) {
    LOCKED;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "simulated cuda: violation: %s\n", text);
    violations++;
    untaken.push_back(text);
}

void make_sticky(int code) { sticky = code; }
void note_launch(const char* name) { launches.push_back(name); }
void simulated_violation(const char* message) { violation("%s", message); }
int simulated_executes() { return executes; }

uint64_t simulatedCount(const char* function) {
    LOCKED;
    uint64_t calls = 0;
    for (const auto& entry : counters) {
        calls += *function && entry.first != function ? 0 : entry.second.calls;
    }
    return calls;
}

void simulatedReset() {
    LOCKED;
    for (auto& entry : counters) {
        entry.second.calls = 0;
    }
    launches.clear();
}

void simulatedFailAt(const char* function, uint64_t nth, int code, int is_sticky) {
    LOCKED;
    failed.clear();
    faults.push_back({function, nth, code, is_sticky != 0});
}

void simulatedClear() {
    LOCKED;
    faults.clear();
    sticky = 0;
}

void simulatedRestart() {
    LOCKED;
    forget_context();
    forget_graphs();
    forget_handles();
    forget_modules();
    forget_memory();
    simulatedClear();
}

const char* simulatedFailed() {
    LOCKED;
    return failed.c_str();
}

uint64_t simulatedViolations() {
    LOCKED;
    return violations;
}

int simulatedTakeViolation(char* text, size_t size) {
    LOCKED;
    if (untaken.empty()) {
        return 0;
    }
    snprintf(text, size, "%s", untaken.front().c_str());
    untaken.pop_front();
    return 1;
}

void simulatedExecute(int on) {
    LOCKED;
    run_all();
    executes = on;
}

uint64_t simulatedLaunchCount() {
    LOCKED;
    return launches.size();
}

const char* simulatedLaunchName(uint64_t index) {
    LOCKED;
    return index < launches.size() ? launches[index].c_str() : "";
}

void simulatedRefuseEpilogue(int epilogue) { refused_epilogue = epilogue; }
int simulatedRefusedEpilogue() { return refused_epilogue; }
int simulatedLastScheme() { return last_scheme; }
void simulated_note_scheme(int scheme) { last_scheme = scheme; }
