// Applies `formula` to every element: a grid-stride loop over vectors, UNROLL of them in flight, then the rest one by one.
// Bytes moved per element: the size of each input that is not broadcast and of each output, once.
//
// Defined by whoever assembles the unit: REAL and `formula`; KERNEL, the kernel's name; THREADS in a block; WIDTH, the
// elements in a vector; UNROLL, the vectors a thread has in flight; and the operands as lists that apply X to each:
// INPUTS(X) to index, access and element type; OUTPUTS(X) to index and element type; PARAMETERS(X) to index;
// DRAWS(X) to index and kind.

// How the element of an input is found that belongs to an element of the outputs. Another pattern, such as strides known
// when the unit is assembled, is another class with these members.

/// One element after the other, as in the outputs.
template <class T> struct Contiguous {
    const T* elements;

    __device__ explicit Contiguous(const T* elements) : elements(elements) {}

    template <int N> __device__ bool allows() const { return is_aligned<T, N>(elements); }

    template <int N> __device__ Vector<T, N> load(u64 place) const {
        return *(const Vector<T, N>*)(elements + place);
    }
};

/// The same element for all, read once.
template <class T> struct Broadcast {
    T element;

    __device__ explicit Broadcast(const T* only) : element(*only) {}

    template <int N> __device__ bool allows() const { return true; }

    template <int N> __device__ Vector<T, N> load(u64) const {
        Vector<T, N> all;
#pragma unroll
        for (int lane = 0; lane < N; lane++) {
            all.lanes[lane] = element;
        }
        return all;
    }
};

/// The inputs for `N` elements side by side.
template <int N> struct Loaded {
#define FIELD(index, access, type) Vector<type, N> input##index;
    INPUTS(FIELD)
#undef FIELD
};

/// Everything that an element is computed from, and where it goes.
struct Operands {
#define INPUT(index, access, type) access<type> input##index;
#define OUTPUT(index, type) type* output##index;
#define COUNT(...) +1
    INPUTS(INPUT)
    OUTPUTS(OUTPUT)
    REAL parameters[1 PARAMETERS(COUNT)];
    u64 key;
    u32 stream;
#undef INPUT
#undef OUTPUT

    /// Whether every operand can be read and written as vectors of `N` elements.
    template <int N> __device__ bool allow() const {
#define INPUT(index, access, type) && input##index.template allows<N>()
#define OUTPUT(index, type) && is_aligned<type, N>(output##index)
        return true INPUTS(INPUT) OUTPUTS(OUTPUT);
#undef INPUT
#undef OUTPUT
    }

    template <int N> __device__ Loaded<N> load(u64 place) const {
#define INPUT(index, access, type) input##index.template load<N>(place),
        return {INPUTS(INPUT)};
#undef INPUT
    }

    template <int N> __device__ void compute_and_store(const Loaded<N>& loaded, u64 place) const {
        REAL numbers[1 DRAWS(COUNT)][N];
        (void)numbers;
#define DRAW(index, kind) draw<kind, N>(key, stream, index, place, numbers[index]);
        DRAWS(DRAW)
#undef DRAW
#define STORED(index, type) Vector<type, N> stored##index;
        OUTPUTS(STORED)
#undef STORED
#pragma unroll
        for (int lane = 0; lane < N; lane++) {
#define INPUT(index, access, type) to_real(loaded.input##index.lanes[lane]),
#define DRAW(index, kind) numbers[index][lane],
#define STORE(index, type) stored##index.lanes[lane] = to_element<type>(results[index]);
            const REAL inputs[] = {INPUTS(INPUT) 0};
            const REAL draws[] = {DRAWS(DRAW) 0};
            REAL results[0 OUTPUTS(COUNT)];
            formula(inputs, parameters, draws, results);
            OUTPUTS(STORE)
#undef INPUT
#undef DRAW
#undef STORE
        }
#define STORE(index, type) *(Vector<type, N>*)(output##index + place) = stored##index;
        OUTPUTS(STORE)
#undef STORE
    }
#undef COUNT
};

#define INPUT(index, access, type) const type* input##index /* [count]; [1] if broadcast */,
#define OUTPUT(index, type) type* output##index /* [count]; may be the elements of an input */,
#define PARAMETER(index) REAL parameter##index,
extern "C" __global__ void __launch_bounds__(THREADS)
    KERNEL(INPUTS(INPUT) OUTPUTS(OUTPUT) PARAMETERS(PARAMETER) u64 key, u32 stream, u64 count) {
#undef INPUT
#undef OUTPUT
#undef PARAMETER
#define INPUT(index, access, type) access<type>(input##index),
#define OUTPUT(index, type) output##index,
#define PARAMETER(index) parameter##index,
    const Operands operands = {INPUTS(INPUT) OUTPUTS(OUTPUT) {PARAMETERS(PARAMETER) 0}, key, stream};
#undef INPUT
#undef OUTPUT
#undef PARAMETER
    const u64 threads = (u64)gridDim.x * THREADS;
    const u64 vectors = operands.allow<WIDTH>() ? count / WIDTH : 0;
    // In each step a block works on a stretch of THREADS * UNROLL vectors, and neighbours in it are read together.
    for (u64 first = (u64)blockIdx.x * THREADS * UNROLL + threadIdx.x; first < vectors; first += threads * UNROLL) {
        Loaded<WIDTH> loaded[UNROLL];
#pragma unroll
        for (int i = 0; i < UNROLL; i++) {
            const u64 vector = first + i * THREADS;
            if (vector < vectors) {
                loaded[i] = operands.load<WIDTH>(vector * WIDTH);
            }
        }
#pragma unroll
        for (int i = 0; i < UNROLL; i++) {
            const u64 vector = first + i * THREADS;
            if (vector < vectors) {
                operands.compute_and_store<WIDTH>(loaded[i], vector * WIDTH);
            }
        }
    }
    for (u64 place = vectors * WIDTH + (u64)blockIdx.x * THREADS + threadIdx.x; place < count; place += threads) {
        operands.compute_and_store<1>(operands.load<1>(place), place);
    }
}
