// Where the elements of operands lie: a walk through axes that all share, and the ways an operand steps along them.
// Bytes moved: those of the elements loaded and stored. Needs prelude.cuh.
//
// Defined by whoever assembles the unit: RANK, the axes of the walk, 0 where the number of an element is its place; WIDE,
// whether 32 bits are too few to count elements; and the operands as lists that apply X to each: INPUTS(X) and OUTPUTS(X),
// to index, access, element type, and the outer axes along which the operand steps, a bit each from the outermost on.
// What an operand does not step along leaves no code; sizes and strides are arguments.

#if WIDE || RANK == 0
typedef u64 Count;
#else
typedef u32 Count;
#endif

#define COUNT(...) +1
enum { INPUT_COUNT = 0 INPUTS(COUNT), OPERAND_COUNT = INPUT_COUNT OUTPUTS(COUNT) };

/// How far apart neighbours along the innermost axis are: in the same place, one behind the other, or anything.
enum Step { SAME, NEXT, ANY };

/// The size of an axis, and how to divide by it without dividing.
struct Axis {
    u64 size;
    u32 multiplier, shift;

    __device__ Count divide(Count dividend) const {
#if WIDE || RANK == 0
        return dividend / size;
#else
        return ((u32)((u64)dividend * multiplier >> 32) + dividend) >> shift;
#endif
    }
};

/// Which element: its number, and the place along each axis that it stands for.
struct Place {
    u64 number;
#if RANK > 0
    Count along[RANK];
#endif
};

/// The axes that the operands share, outermost first.
struct Walk {
    u64 count;
#if RANK > 0
    Axis axes[RANK];
    u64 strides[OPERAND_COUNT][RANK];
#endif

    __device__ Place at(u64 number) const {
        Place place;
        place.number = number;
#if RANK > 0
        Count rest = (Count)number;
#pragma unroll
        for (int axis = RANK - 1; axis > 0; axis--) {
            const Count outer = axes[axis].divide(rest);
            place.along[axis] = rest - outer * (Count)axes[axis].size;
            rest = outer;
        }
        place.along[0] = rest;
#endif
        return place;
    }

    /// How many elements behind its first one an operand has the one for this place.
    template <int OPERAND, int OUTER, Step INNER> __device__ Count offset(const Place& place) const {
#if RANK > 0
        Count offset = INNER == SAME ? 0 : INNER == NEXT ? place.along[RANK - 1] : place.along[RANK - 1] * step<OPERAND>();
#pragma unroll
        for (int axis = 0; axis < RANK - 1; axis++) {
            offset += OUTER >> axis & 1 ? place.along[axis] * (Count)strides[OPERAND][axis] : 0;
        }
        return offset;
#else
        return INNER == SAME ? 0 : place.number;
#endif
    }

    /// How many elements apart an operand's neighbours along the innermost axis are.
    template <int OPERAND> __device__ Count step() const {
#if RANK > 0
        return (Count)strides[OPERAND][RANK - 1];
#else
        return 1;
#endif
    }
};

// The ways of access; vectors lie along the innermost axis.

/// Neighbours one behind the other, aligned for vectors.
template <class T, int OPERAND, int OUTER> struct Contiguous {
    T* elements;

    __device__ explicit Contiguous(const T* elements) : elements((T*)elements) {}

    template <int N> __device__ Vector<T, N>* at(const Walk& walk, const Place& place) const {
        return (Vector<T, N>*)(elements + walk.offset<OPERAND, OUTER, NEXT>(place));
    }

    template <int N> __device__ Vector<T, N> load(const Walk& walk, const Place& place) const {
        return *at<N>(walk, place);
    }

    template <int N> __device__ void store(const Walk& walk, const Place& place, const Vector<T, N>& vector) const {
        *at<N>(walk, place) = vector;
    }
};

/// Neighbours anywhere.
template <class T, int OPERAND, int OUTER> struct Strided {
    T* elements;

    __device__ explicit Strided(const T* elements) : elements((T*)elements) {}

    template <int N> __device__ Vector<T, N> load(const Walk& walk, const Place& place) const {
        const Count first = walk.offset<OPERAND, OUTER, ANY>(place);
        Vector<T, N> vector;
#pragma unroll
        for (int lane = 0; lane < N; lane++) {
            vector.lanes[lane] = elements[first + lane * walk.step<OPERAND>()];
        }
        return vector;
    }

    template <int N> __device__ void store(const Walk& walk, const Place& place, const Vector<T, N>& vector) const {
        const Count first = walk.offset<OPERAND, OUTER, ANY>(place);
#pragma unroll
        for (int lane = 0; lane < N; lane++) {
            elements[first + lane * walk.step<OPERAND>()] = vector.lanes[lane];
        }
    }
};

template <int N, class T> __device__ inline Vector<T, N> repeated(T element) {
    Vector<T, N> vector;
#pragma unroll
    for (int lane = 0; lane < N; lane++) {
        vector.lanes[lane] = element;
    }
    return vector;
}

/// One element for all neighbours.
template <class T, int OPERAND, int OUTER> struct Repeated {
    const T* elements;

    __device__ explicit Repeated(const T* elements) : elements(elements) {}

    template <int N> __device__ Vector<T, N> load(const Walk& walk, const Place& place) const {
        return repeated<N>(elements[walk.offset<OPERAND, OUTER, SAME>(place)]);
    }
};

/// One element for everything, read once.
template <class T, int OPERAND, int OUTER> struct Broadcast {
    T element;

    __device__ explicit Broadcast(const T* only) : element(*only) {}

    template <int N> __device__ Vector<T, N> load(const Walk&, const Place&) const { return repeated<N>(element); }
};

/// The inputs for `N` elements side by side.
template <int N> struct Loaded {
#define FIELD(index, access, type, outer) Vector<type, N> input##index;
    INPUTS(FIELD)
#undef FIELD

    /// The numbers of the first element, which makes way for the next.
    __device__ void take_first(REAL* numbers) {
        (void)numbers;
#define TAKE(index, access, type, outer) numbers[index] = to_real(input##index.take_first());
        INPUTS(TAKE)
#undef TAKE
    }
};

/// The inputs and where they lie.
struct Inputs {
#define FIELD(index, access, type, outer) access<type, index, outer> input##index;
    INPUTS(FIELD)
#undef FIELD

    template <int N> __device__ Loaded<N> load(const Walk& walk, const Place& place) const {
        (void)walk, (void)place;
#define LOAD(index, access, type, outer) input##index.template load<N>(walk, place),
        return {INPUTS(LOAD)};
#undef LOAD
    }
};

// A kernel's parameters for the inputs, and the bundle made of them.
#define INPUT_PARAMETER(index, access, type, outer) const type* input##index /* as the walk steps */,
#define INPUT_ARGUMENT(index, access, type, outer) access<type, index, outer>(input##index),
