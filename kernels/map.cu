// Applies `formula` to every element: a grid-stride loop over vectors, UNROLL of them in flight, then the rest one by one.
// Bytes moved per element: the size of each input that is not broadcast and of each output, once.
//
// Needs operands.cuh. Defined by whoever assembles the unit besides: REAL and `formula`; KERNEL, the kernel's name; THREADS
// in a block; WIDTH, the elements in a vector, which divides the innermost axis of a walk that has any; UNROLL, the vectors
// a thread has in flight; COPIES, how often `formula` is written out for a vector; PARAMETERS(X), which applies X to the
// index of each run-time scalar; DRAWS(X), to index and kind of each random draw. Where TOLD_SCALARS or TOLD_KEY is defined, the
// scalars, or the key of the draws, are read from memory when the kernel runs.

/// Everything that an element is computed from, and where it goes.
struct Operands {
    Inputs inputs;
#define FIELD(index, access, type, outer) access<type, INPUT_COUNT + index, outer> output##index;
    OUTPUTS(FIELD)
#undef FIELD
    REAL parameters[1 PARAMETERS(COUNT)];
    u64 key;
    u32 stream;

    template <int N> __device__ void compute_and_store(Loaded<N>& loaded, const Walk& walk, const Place& place) const {
        Vector<REAL, N> draws[1 DRAWS(COUNT)];
#define DRAW(index, kind) draw<kind, N>(key, stream, index, place.number, draws[index].lanes);
        DRAWS(DRAW)
#undef DRAW
#define RESULT(index, access, type, outer) Vector<type, N> result##index;
        OUTPUTS(RESULT)
#undef RESULT
        // Lanes take turns in the first place: there are copies of the formula for fewer than all, and registers cannot
        // be indexed.
#pragma unroll(COPIES)
        for (int lane = 0; lane < N; lane++) {
            REAL numbers[INPUT_COUNT + 1], drawn[1 DRAWS(COUNT)], results[OPERAND_COUNT - INPUT_COUNT];
            loaded.take_first(numbers);
#define TAKE(index, kind) drawn[index] = draws[index].take_first();
            DRAWS(TAKE)
#undef TAKE
            formula(numbers, parameters, drawn, results);
#define PUT(index, access, type, outer) result##index.put_last(to_element<type>(results[index]));
            OUTPUTS(PUT)
#undef PUT
        }
#define STORE(index, access, type, outer) output##index.template store<N>(walk, place, result##index);
        OUTPUTS(STORE)
#undef STORE
    }
};

#define OUTPUT_PARAMETER(index, access, type, outer) type* output##index /* as the walk steps; may be an input */,
#define OUTPUT_ARGUMENT(index, access, type, outer) access<type, INPUT_COUNT + index, outer>(output##index),
#ifdef TOLD_SCALARS
#define SCALAR_PARAMETERS const double *scalars,
#define SCALAR(index) (REAL) scalars[index],
#else
#define SCALAR_PARAMETER(index) REAL scalar##index,
#define SCALAR_PARAMETERS PARAMETERS(SCALAR_PARAMETER)
#define SCALAR(index) scalar##index,
#endif
#ifdef TOLD_KEY
#define KEY_PARAMETER const u64 *key
#define KEY *key
#else
#define KEY_PARAMETER u64 key
#define KEY key
#endif
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(INPUTS(INPUT_PARAMETER) OUTPUTS(OUTPUT_PARAMETER) SCALAR_PARAMETERS KEY_PARAMETER, u32 stream, Walk walk) {
    const Operands operands = {
        {INPUTS(INPUT_ARGUMENT)}, OUTPUTS(OUTPUT_ARGUMENT) {PARAMETERS(SCALAR) 0}, KEY, stream};
    const u64 threads = (u64)gridDim.x * THREADS;
    const u64 end = walk.count / WIDTH * WIDTH;
    // In each step a block works on a stretch of THREADS * UNROLL vectors, and neighbours in it are read together.
    const u64 start = ((u64)blockIdx.x * THREADS * UNROLL + threadIdx.x) * WIDTH;
    for (u64 first = start; first < end; first += threads * UNROLL * WIDTH) {
        Place places[UNROLL];
        Loaded<WIDTH> loaded[UNROLL];
#pragma unroll
        for (int i = 0; i < UNROLL; i++) {
            places[i] = walk.at(first + i * THREADS * WIDTH);
            if (places[i].number < end) {
                loaded[i] = operands.inputs.load<WIDTH>(walk, places[i]);
            }
        }
#pragma unroll
        for (int i = 0; i < UNROLL; i++) {
            if (places[i].number < end) {
                operands.compute_and_store<WIDTH>(loaded[i], walk, places[i]);
            }
        }
    }
#if RANK == 0 && WIDTH > 1
    const u64 rest = end + (u64)blockIdx.x * THREADS + threadIdx.x;
    if (rest < walk.count) {
        const Place place = walk.at(rest);
        Loaded<1> loaded = operands.inputs.load<1>(walk, place);
        operands.compute_and_store<1>(loaded, walk, place);
    }
#endif
}
