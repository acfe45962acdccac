// What softmax and cross-entropy are made of: the powers e^(x - max) of a row and their sum, which cannot overflow.
// Bytes moved per element: the size of ELEMENT, once if HELD, else twice. Needs HELD, whether a row fits into one piece, and LOG.

/// A row, whose elements x are given out as e^(x - max), or as x - max if LOG.
class Powers {
    Group& group;
    const ELEMENT* const row;
    const u64 columns;
    Piece piece;

  public:
    REAL max, sum;

    /// Reads a row, or one of no columns. Every thread of the block takes part.
    __device__ Powers(Group& group, const ELEMENT* row /* [columns] */, u64 columns)
        : group(group), row(row), columns(columns) {
        if (HELD) {
            load(0);
            max = group.reduce(largest(), Max());
            sum = group.reduce(replace(max), Sum());
        } else {
            read_along();
        }
    }

    /// Writes what `finish` makes of each element and whether it is the one at place `marked`.
    template <class Finish> __device__ void store(ELEMENT* to /* [columns] */, u64 marked, const Finish& finish) {
        for (u64 first = 0; first < (HELD ? 1 : columns); first += Piece::LENGTH) {
            if (!HELD) {
                load(first);
                replace(max);
            }
            const u32 mark = marked - first < Piece::LENGTH ? (u32)(marked - first) : ~0u;
            piece.store(group.rank, to + first, columns - first,
                        [&](int i, u32 place) { return finish(piece.numbers[i], place == mark); });
        }
    }

  private:
    __device__ void load(u64 first) { piece.load(group.rank, row + first, columns - first, -REAL_INFINITY); }

    __device__ REAL largest() const {
        REAL largest = piece.numbers[0];
#pragma unroll
        for (int i = 1; i < VECTORS * WIDTH; i++) {
            largest = larger(largest, piece.numbers[i]);
        }
        return largest;
    }

    /// Replaces the elements as they are given out; gives the sum of the powers.
    __device__ REAL replace(REAL max) {
        REAL sum = 0;
#pragma unroll
        for (int i = 0; i < VECTORS * WIDTH; i++) {
            const REAL shifted = piece.numbers[i] - max, power = exponential(shifted);
            piece.numbers[i] = LOG ? shifted : power;
            sum += power;
        }
        return sum;
    }

    /// The largest element and the sum, corrected whenever a larger element than before turns up.
    __device__ void read_along() {
        REAL own_max = -REAL_INFINITY, own_sum = 0;
        for (u64 first = 0; first < columns; first += Piece::LENGTH) {
            load(first);
            const REAL before = own_max;
            own_max = larger(own_max, largest());
            // Nothing but minus infinity so far: e^(x - 0) is 0 then, or NaN for NaN.
            const REAL here = replace(own_max == -REAL_INFINITY ? 0 : own_max);
            own_sum = own_sum * correction(before, own_max) + here;
        }
        max = group.reduce(own_max, Max());
        sum = group.reduce(own_sum * correction(own_max, max), Sum());
    }

    /// What powers below one maximum are multiplied with to be those below a larger one.
    __device__ static REAL correction(REAL from, REAL to) { return from == to ? 1 : exponential(from - to); }
};
