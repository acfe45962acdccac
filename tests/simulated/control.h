// What tests ask of the simulated driver, beside what a driver does. All exported by libcuda.
#pragma once
#include "core.h"

// Calls of a function since the last reset; of all functions for "".
EXPORTED uint64_t simulatedCount(const char* function);
// Sets the counters and the list of launches to none.
EXPORTED void simulatedReset();
// The call number `nth` from now (the first is 0) of a function, or of any for "", fails with `code`; where `sticky`, every
// later call of any function does too.
EXPORTED void simulatedFailAt(const char* function, uint64_t nth, int code, int sticky);
// Forgets planned failures, and sticky ones that happened: something only a test can do.
EXPORTED void simulatedClear();
// As if the process were a new one: nothing is allocated, made or queued, no context is retained and no call fails.
EXPORTED void simulatedRestart();
// The function that failed as planned; "" where none did since the last plan was made.
EXPORTED const char* simulatedFailed();
// How many rules were broken so far.
EXPORTED uint64_t simulatedViolations();
// The oldest violation not taken yet: whether there was one.
EXPORTED int simulatedTakeViolation(char* text, size_t size);
// The order in which streams, blocks and threads take turns.
EXPORTED void simulatedSeed(uint64_t seed);
EXPORTED void simulatedExecute(int on);
// Bytes of memory the device has.
EXPORTED void simulatedCapacity(uint64_t bytes);
EXPORTED uint64_t simulatedLaunchCount();
// The name of the launch number `index` since the last reset.
EXPORTED const char* simulatedLaunchName(uint64_t index);
// Device memory in use, in bytes and in allocations; pinned host memory does not count.
EXPORTED uint64_t simulatedLiveBytes();
EXPORTED uint64_t simulatedLiveAllocations();
// cuBLASLt answers that it has no algorithm for this epilogue; for any product for -1; 0 to refuse nothing.
EXPORTED void simulatedRefuseEpilogue(int epilogue);
EXPORTED int simulatedRefusedEpilogue();
// The scheme of the algorithm of cuBLASLt that ran last: 0 for whole sums, 2 for parts through the workspace.
EXPORTED int simulatedLastScheme();
EXPORTED void simulated_note_scheme(int scheme);
