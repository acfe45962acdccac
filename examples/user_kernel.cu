// The activation Snake, x + sin(a x)^2 / a (Ziyin et al. 2020), and the way back through it.

extern "C" __global__ void snake(const float* x, float* y, float a, unsigned n) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        const float sine = sinf(a * x[i]);
        y[i] = x[i] + sine * sine / a;
    }
}

extern "C" __global__ void snake_gradient(const float* x, const float* gradient, float* x_gradient, float a, unsigned n) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        x_gradient[i] = gradient[i] * (1 + sinf(2 * a * x[i]));
    }
}
