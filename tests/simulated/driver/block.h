// Blocks of threads, run one after the other.
#pragma once
#include <vector>

#include "../kernel.h"

void run_blocks(const SimulatedUnit& unit, const SimulatedKernel& kernel, SimulatedIndex grid, SimulatedIndex block,
                unsigned shared_bytes, void** parameters);
// Copies what parameters lead to, which the caller of a launch may change after it.
void copy_parameters(const SimulatedKernel& kernel, void** parameters, std::vector<uint64_t>& words,
                     std::vector<void*>& copies);
