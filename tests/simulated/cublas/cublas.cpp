// The simulated cuBLAS: one product, without epilogues.
#include "../core.h"
#include "../cublas_lt/numbers.h"

namespace {
struct Handle {
    void* stream = nullptr;
};
struct Side {
    unsigned kind;
    size_t rows, columns, leading;
    long long stride;
    bool transposed;
};
struct Call {
    Side a, b, c;
    double alpha, beta;
    const char *from_a, *from_b;
    char* to;
    int batch;
};

void run(void* data) {
    const Call& call = *(Call*)data;
    const size_t size = size_of(call.a.kind);
    for (int batch = 0; batch < call.batch; batch++) {
        const auto columns = [&](const Side& side, const char* from) {
            return Columns(side.kind, from + batch * side.stride * size, side.rows, side.columns, side.leading,
                           side.transposed);
        };
        const std::vector<double> result = product(columns(call.a, call.from_a), columns(call.b, call.from_b));
        char* to = call.to + batch * call.c.stride * size;
        for (size_t j = 0; j < call.c.columns; j++) {
            for (size_t i = 0; i < call.c.rows; i++) {
                const size_t place = i + j * call.c.leading;
                const double before = call.beta == 0 ? 0 : call.beta * read_number(call.c.kind, to, place);
                write_number(call.c.kind, to, place, call.alpha * result[i + j * call.c.rows] + before);
            }
        }
    }
}
} // namespace

EXPORTED int cublasCreate_v2(void** handle) {
    ENTER("cublasCreate_v2", 1);
    *handle = new Handle;
    return 0;
}

EXPORTED int cublasDestroy_v2(void* handle) {
    ENTER("cublasDestroy_v2", 0);
    delete (Handle*)handle;
    return 0;
}

EXPORTED int cublasSetStream_v2(void* handle, void* stream) {
    ENTER("cublasSetStream_v2", 0);
    ((Handle*)handle)->stream = stream;
    return 0;
}

EXPORTED int cublasSetWorkspace_v2(void*, void* workspace, size_t bytes) {
    ENTER("cublasSetWorkspace_v2", 0);
    return !bytes || simulated_range(workspace, bytes, "the workspace of cuBLAS") ? 0 : 7;
}

EXPORTED int cublasGemmStridedBatchedEx(void* handle, unsigned transpose_a, unsigned transpose_b, int m, int n, int k,
                                        const void* alpha, const void* a, unsigned a_kind, int lda, long long stride_a,
                                        const void* b, unsigned b_kind, int ldb, long long stride_b, const void* beta,
                                        void* c, unsigned c_kind, int ldc, long long stride_c, int batch, unsigned, int) {
    ENTER("cublasGemmStridedBatchedEx", 1);
    const auto side = [](unsigned kind, size_t rows, size_t columns, int leading, long long stride, bool transposed) {
        return transposed ? Side{kind, columns, rows, (size_t)leading, stride, true}
                          : Side{kind, rows, columns, (size_t)leading, stride, false};
    };
    const Side sides[3] = {side(a_kind, m, k, lda, stride_a, transpose_a), side(b_kind, k, n, ldb, stride_b, transpose_b),
                           side(c_kind, m, n, ldc, stride_c, false)};
    const void* addresses[3] = {a, b, c};
    for (int i = 0; i < 3; i++) {
        const Side& s = sides[i];
        const size_t extent = (s.columns - 1) * s.leading + s.rows + (batch - 1) * s.stride;
        if (s.leading < s.rows || !simulated_range(addresses[i], extent * size_of(s.kind), "cublasGemmStridedBatchedEx")) {
            return 7;
        }
    }
    const auto scale = [&](const void* from) { return c_kind == F64 ? *(const double*)from : *(const float*)from; };
    Call* call = new Call{sides[0], sides[1], sides[2], scale(alpha), scale(beta), (const char*)a, (const char*)b, (char*)c, batch};
    simulated_enqueue(((Handle*)handle)->stream, "cublasGemm", run, call, [](void* data) { delete (Call*)data; });
    return 0;
}
