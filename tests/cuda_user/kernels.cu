#include "prelude.cuh"

extern "C" __global__ void saxpy(float a, const float* __restrict__ x, float* __restrict__ y, unsigned n) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] += a * x[i];
    }
}

extern "C" __global__ void daxpy(double a, const double* x, double* y, u32 n) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] += a * x[i];
    }
}

extern "C" __global__ void __launch_bounds__(256)
    transpose(const double* x /* [rows, columns] */, double* y /* [columns, rows] */, int rows, int columns) {
    extern __shared__ double tile[];
    const int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
    if (row < rows && column < columns) {
        tile[threadIdx.y * 17 + threadIdx.x] = x[row * columns + column];
    }
    __syncthreads();
    const int to = blockIdx.x * 16 + threadIdx.y, from = blockIdx.y * 16 + threadIdx.x;
    if (to < columns && from < rows) {
        y[to * rows + from] = tile[threadIdx.x * 17 + threadIdx.y];
    }
}

extern "C" __global__ void numbers(double a, float b, f16 c, bf16 d, unsigned char e, unsigned f, int g, long long h,
                                   unsigned long long i, double* out) {
    const double all[] = {a, b, to_real(c), to_real(d), (double)e, (double)f, (double)g, (double)h, (double)i};
    for (int at = 0; at < 9; at++) {
        out[at] = all[at];
    }
}
