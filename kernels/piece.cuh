// A part of a row in the registers of the threads that work on it.
// Bytes moved per element: the size of ELEMENT, when read and when written. Needs GROUP, WIDTH and VECTORS.

/// A part of a row as its group holds it: each thread has a vector, one thread after the other, and that VECTORS times.
struct Piece {
    /// The elements in a piece.
    static const u32 LENGTH = GROUP * VECTORS * WIDTH;

    REAL numbers[VECTORS * WIDTH];

    /// Reads elements; those beyond the `count` that are left of the row become `rest`. Rows are whole vectors, aligned.
    __device__ void load(u32 rank, const ELEMENT* from, u64 count, REAL rest) {
#pragma unroll
        for (int i = 0; i < VECTORS; i++) {
            const u32 start = place(rank, i);
            const bool inside = start < count;
            Vector<ELEMENT, WIDTH> vector;
            if (inside) {
                vector = *(const Vector<ELEMENT, WIDTH>*)(from + start);
            }
#pragma unroll
            for (int lane = 0; lane < WIDTH; lane++) {
                numbers[i * WIDTH + lane] = inside ? to_real(vector.lanes[lane]) : rest;
            }
        }
    }

    /// Writes what `finish` gives for each index of a number and its place in the piece, up to the `count` that are left of
    /// the row.
    template <class Finish>
    __device__ static void store(u32 rank, ELEMENT* to, u64 count, const Finish& finish) {
#pragma unroll
        for (int i = 0; i < VECTORS; i++) {
            const u32 start = place(rank, i);
            if (start < count) {
                Vector<ELEMENT, WIDTH> vector;
#pragma unroll
                for (int lane = 0; lane < WIDTH; lane++) {
                    vector.lanes[lane] = to_element<ELEMENT>(finish(i * WIDTH + lane, start + lane));
                }
                *(Vector<ELEMENT, WIDTH>*)(to + start) = vector;
            }
        }
    }

  private:
    /// Where in the piece the vector `i` of a thread begins.
    __device__ static u32 place(u32 rank, int i) { return (i * GROUP + rank) * WIDTH; }
};
