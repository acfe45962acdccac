// Copies elements as they are between operands that lie in any way.
// Bytes moved per element: twice its size.
//
// Needs operands.cuh. Defined by whoever assembles the unit besides: KERNEL, the kernel's name; THREADS in a block; WIDTH,
// the elements in a vector, which divides the innermost axis; UNROLL, the vectors a thread has in flight.

#define INPUT_TYPE(index, access, type, outer) access<type, 0, outer>
#define OUTPUT_TYPE(index, access, type, outer) access<type, 1, outer>
#define OUTPUT_PARAMETER(index, access, type, outer) type* output /* as the walk steps */,
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(INPUTS(INPUT_PARAMETER) OUTPUTS(OUTPUT_PARAMETER) Walk walk) {
    const INPUTS(INPUT_TYPE) from(input0);
    const OUTPUTS(OUTPUT_TYPE) to(output);
    const u64 start = ((u64)blockIdx.x * THREADS * UNROLL + threadIdx.x) * WIDTH;
    for (u64 first = start; first < walk.count; first += (u64)gridDim.x * THREADS * UNROLL * WIDTH) {
        Place places[UNROLL];
        Loaded<WIDTH> loaded[UNROLL];
#pragma unroll
        for (int i = 0; i < UNROLL; i++) {
            places[i] = walk.at(first + i * THREADS * WIDTH);
            if (places[i].number < walk.count) {
                loaded[i].input0 = from.load<WIDTH>(walk, places[i]);
            }
        }
#pragma unroll
        for (int i = 0; i < UNROLL; i++) {
            if (places[i].number < walk.count) {
                to.store<WIDTH>(walk, places[i], loaded[i].input0);
            }
        }
    }
}
