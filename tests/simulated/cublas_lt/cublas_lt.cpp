// The simulated cuBLASLt: products with epilogues, and the rules of the real one.
#include <cmath>
#include <cstdio>
#include <map>

#include "../control.h"
#include "../core.h"
#include "numbers.h"

namespace {
enum Status { OK = 0, INVALID_VALUE = 7, NOT_SUPPORTED = 15 };
enum Epilogue {
    DEFAULT = 1,
    RELU = 2,
    BIAS = 4,
    DRELU = 8,
    BGRAD = 16,
    GELU = 32,
    DGELU = 64,
    AUX = 128,
    BGRADA = 256,
    BGRADB = 512,
};

struct Operation {
    unsigned compute, scale;
    int transposed[2] = {0, 0};
    unsigned epilogue = DEFAULT;
    void *bias = nullptr, *aux = nullptr;
    int64_t aux_leading = 0;
};
struct Layout {
    unsigned kind;
    uint64_t rows, columns;
    int64_t leading;
    int order = 0;
    int batch = 1;
    int64_t stride = 0;

    size_t extent() const { return rows && columns ? (columns - 1) * leading + rows + (batch - 1) * stride : 0; }
};
struct Preference {
    uint64_t workspace = 0;
    unsigned schemes = 7;
    unsigned alignments[4] = {256, 256, 256, 256};
};
struct Algorithm {
    uint64_t words[8];
};
struct Heuristic {
    Algorithm algorithm;
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
};
struct Call {
    Operation operation;
    Layout a, b, c, d;
    double alpha, beta;
    const char *from_a, *from_b, *from_c;
    char* to;
    uint64_t scheme;
};

const uint64_t MARK = 0x53494d554c415445;

uint64_t number_of(const Operation& operation, const Layout& a, const Layout& b, const Layout& d) {
    uint64_t hash = MARK;
    for (uint64_t word : {(uint64_t)operation.compute, (uint64_t)operation.transposed[0], (uint64_t)operation.transposed[1],
                          (uint64_t)operation.epilogue, (uint64_t)a.kind, a.rows, a.columns, (uint64_t)a.leading, b.rows,
                          b.columns, (uint64_t)b.leading, d.rows, d.columns, (uint64_t)d.leading, (uint64_t)d.batch}) {
        hash = (hash ^ word) * 0x100000001b3;
    }
    return hash;
}

// What the real library has no algorithm for.
bool is_supported(const Operation& operation, const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
    const bool plain = operation.epilogue == DEFAULT;
    const int refused = simulatedRefusedEpilogue();
    if (refused == -1 || (refused && (unsigned)refused == operation.epilogue)) {
        return false;
    }
    if (!plain && (d.order != 0 || a.kind == F64)) {
        return false;
    }
    if ((operation.epilogue & AUX) && operation.epilogue & (RELU | DRELU) &&
        (operation.aux_leading % 128 || (uint64_t)operation.aux_leading < d.rows)) {
        return false;
    }
    if ((operation.epilogue & AUX) && operation.epilogue & (GELU | DGELU) && operation.aux_leading % 8) {
        return false;
    }
    const uint64_t m = operation.transposed[0] ? a.columns : a.rows, k = operation.transposed[0] ? a.rows : a.columns;
    const uint64_t n = operation.transposed[1] ? b.rows : b.columns, l = operation.transposed[1] ? b.columns : b.rows;
    return k == l && m == d.rows && n == d.columns && c.rows == d.rows && c.columns == d.columns && a.kind == b.kind &&
           a.kind == d.kind;
}

double gelu(double x) { return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))); }

double gelu_slope(double x) {
    const double inner = 0.7978845608028654 * (x + 0.044715 * x * x * x), t = tanh(inner);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7978845608028654 * (1 + 3 * 0.044715 * x * x);
}

// Applies the epilogue to a column of the result, and sums what a bias gradient needs.
void finish_column(const Operation& operation, unsigned kind, size_t rows, size_t j, double* column, double* sums) {
    const unsigned epilogue = operation.epilogue;
    unsigned char* bits = (unsigned char*)operation.aux;
    for (size_t i = 0; i < rows; i++) {
        double& x = column[i];
        const size_t bit = j * operation.aux_leading + i;
        if ((epilogue & BIAS) && !(epilogue & BGRAD)) {
            x += read_number(kind, operation.bias, i);
        }
        if (epilogue & RELU) {
            if (epilogue & AUX) {
                bits[bit / 8] = (bits[bit / 8] & ~(1 << bit % 8)) | (x > 0) << bit % 8;
            }
            x = x > 0 ? x : 0;
        }
        if (epilogue & GELU) {
            if (epilogue & AUX) {
                write_number(kind, operation.aux, bit, x);
            }
            x = gelu(x);
        }
        if (epilogue & DRELU) {
            x = bits[bit / 8] >> bit % 8 & 1 ? x : 0;
        }
        if (epilogue & DGELU) {
            x *= gelu_slope(read_number(kind, operation.aux, bit));
        }
        if (epilogue & BGRAD) {
            sums[i] += x;
        }
    }
}

void run(void* data) {
    const Call& call = *(Call*)data;
    const Operation& operation = call.operation;
    // The likely fastest is not the fastest.
    simulated_pass(call.scheme == 2 ? 2 : 1);
    simulated_note_scheme((int)call.scheme);
    const size_t size = size_of(call.a.kind);
    for (int batch = 0; batch < call.d.batch; batch++) {
        const Columns a(call.a.kind, call.from_a + batch * call.a.stride * size, call.a.rows, call.a.columns,
                        call.a.leading, operation.transposed[0]);
        const Columns b(call.b.kind, call.from_b + batch * call.b.stride * size, call.b.rows, call.b.columns,
                        call.b.leading, operation.transposed[1]);
        std::vector<double> result = product(a, b);
        std::vector<double> sums(call.d.rows, 0.0);
        const char* from = call.from_c + batch * call.c.stride * size;
        char* to = call.to + batch * call.d.stride * size;
        for (size_t j = 0; j < call.d.columns; j++) {
            double* column = &result[j * call.d.rows];
            for (size_t i = 0; i < call.d.rows; i++) {
                column[i] *= call.alpha;
                if (call.beta != 0) {
                    column[i] += call.beta * read_number(call.c.kind, from, i + j * call.c.leading);
                }
            }
            finish_column(operation, call.d.kind, call.d.rows, j, column, sums.data());
            for (size_t i = 0; i < call.d.rows; i++) {
                write_number(call.d.kind, to, i + j * call.d.leading, column[i]);
            }
        }
        if (operation.epilogue & BGRAD) {
            for (size_t i = 0; i < call.d.rows; i++) {
                write_number(call.d.kind, operation.bias, i, sums[i]);
            }
        }
        // The sums of a factor along the size that goes.
        if (operation.epilogue & (BGRADA | BGRADB)) {
            const bool left = operation.epilogue & BGRADA;
            const size_t count = left ? a.rows : b.columns;
            for (size_t i = 0; i < count; i++) {
                double sum = 0;
                for (size_t k = 0; k < a.columns; k++) {
                    sum += left ? a.numbers[i + k * a.rows] : b.numbers[k + i * b.rows];
                }
                write_number(call.d.kind, operation.bias, i, sum);
            }
        }
    }
}

double scale(unsigned kind, const void* from) { return kind == F64 ? *(const double*)from : *(const float*)from; }
} // namespace

EXPORTED size_t cublasLtGetVersion() { return 130000; }

EXPORTED int cublasLtCreate(void** handle) {
    ENTER("cublasLtCreate", 1);
    *handle = new char;
    return OK;
}

EXPORTED int cublasLtDestroy(void* handle) {
    ENTER("cublasLtDestroy", 0);
    delete (char*)handle;
    return OK;
}

EXPORTED int cublasLtMatmulDescCreate(void** operation, unsigned compute, unsigned scale) {
    ENTER("cublasLtMatmulDescCreate", 0);
    *operation = new Operation{compute, scale};
    return OK;
}

EXPORTED int cublasLtMatmulDescDestroy(void* operation) {
    ENTER("cublasLtMatmulDescDestroy", 0);
    delete (Operation*)operation;
    return OK;
}

EXPORTED int cublasLtMatmulDescSetAttribute(void* handle, unsigned attribute, const void* value, size_t bytes) {
    ENTER("cublasLtMatmulDescSetAttribute", 0);
    Operation& operation = *(Operation*)handle;
    void* to = nullptr;
    size_t size = 4;
    switch (attribute) {
    case 3: to = &operation.transposed[0]; break;
    case 4: to = &operation.transposed[1]; break;
    case 7: to = &operation.epilogue; break;
    case 8: to = &operation.bias, size = 8; break;
    case 11: to = &operation.aux, size = 8; break;
    case 12: to = &operation.aux_leading, size = 8; break;
    default: return NOT_SUPPORTED;
    }
    if (bytes != size) {
        return INVALID_VALUE;
    }
    memcpy(to, value, size);
    return OK;
}

EXPORTED int cublasLtMatrixLayoutCreate(void** layout, unsigned kind, uint64_t rows, uint64_t columns, int64_t leading) {
    ENTER("cublasLtMatrixLayoutCreate", 0);
    *layout = new Layout{kind, rows, columns, leading};
    return leading >= (int64_t)rows ? OK : INVALID_VALUE;
}

EXPORTED int cublasLtMatrixLayoutDestroy(void* layout) {
    ENTER("cublasLtMatrixLayoutDestroy", 0);
    delete (Layout*)layout;
    return OK;
}

EXPORTED int cublasLtMatrixLayoutSetAttribute(void* handle, unsigned attribute, const void* value, size_t bytes) {
    ENTER("cublasLtMatrixLayoutSetAttribute", 0);
    Layout& layout = *(Layout*)handle;
    void* to = attribute == 1 ? (void*)&layout.order : attribute == 5 ? (void*)&layout.batch : (void*)&layout.stride;
    if (attribute != 1 && attribute != 5 && attribute != 6) {
        return NOT_SUPPORTED;
    }
    if (bytes != (attribute == 6 ? 8u : 4u)) {
        return INVALID_VALUE;
    }
    memcpy(to, value, bytes);
    return OK;
}

EXPORTED int cublasLtMatmulPreferenceCreate(void** preference) {
    ENTER("cublasLtMatmulPreferenceCreate", 0);
    *preference = new Preference;
    return OK;
}

EXPORTED int cublasLtMatmulPreferenceDestroy(void* preference) {
    ENTER("cublasLtMatmulPreferenceDestroy", 0);
    delete (Preference*)preference;
    return OK;
}

EXPORTED int cublasLtMatmulPreferenceSetAttribute(void* handle, unsigned attribute, const void* value, size_t bytes) {
    ENTER("cublasLtMatmulPreferenceSetAttribute", 0);
    Preference& preference = *(Preference*)handle;
    if (attribute == 1 && bytes == 8) {
        memcpy(&preference.workspace, value, bytes);
    } else if (attribute == 3 && bytes == 4) {
        memcpy(&preference.schemes, value, bytes);
    } else if (attribute >= 5 && attribute <= 8 && bytes == 4) {
        memcpy(&preference.alignments[attribute - 5], value, bytes);
    } else {
        return INVALID_VALUE;
    }
    return OK;
}

EXPORTED int cublasLtMatmulAlgoGetHeuristic(void*, void* operation_handle, void* a, void* b, void* c, void* d,
                                            void* preference_handle, int requested, Heuristic* results, int* count) {
    ENTER("cublasLtMatmulAlgoGetHeuristic", 0);
    const Operation& operation = *(Operation*)operation_handle;
    const Preference& preference = *(Preference*)preference_handle;
    *count = 0;
    if (!is_supported(operation, *(Layout*)a, *(Layout*)b, *(Layout*)c, *(Layout*)d)) {
        return NOT_SUPPORTED;
    }
    // The fastest is one whose parts are added to the result in any order, unless that was excluded.
    for (unsigned scheme : {1u, 2u, 0u}) {
        const size_t workspace = scheme == 2 ? 4096 : 0;
        if (*count < requested && (scheme == 0 || preference.schemes & scheme) && workspace <= preference.workspace) {
            Heuristic& result = results[(*count)++];
            memset(&result, 0, sizeof result);
            result.algorithm.words[0] = number_of(operation, *(Layout*)a, *(Layout*)b, *(Layout*)d);
            result.algorithm.words[1] = scheme;
            for (int i = 0; i < 4; i++) {
                result.algorithm.words[2 + i] = preference.alignments[i];
            }
            result.workspace = workspace;
        }
    }
    return OK;
}

EXPORTED int cublasLtMatmulAlgoCheck(void*, void* operation_handle, void* a, void* b, void* c, void* d,
                                     const Algorithm* algorithm, Heuristic* result) {
    ENTER("cublasLtMatmulAlgoCheck", 0);
    const Operation& operation = *(Operation*)operation_handle;
    memset(result, 0, sizeof *result);
    const bool fits = is_supported(operation, *(Layout*)a, *(Layout*)b, *(Layout*)c, *(Layout*)d) &&
                      algorithm->words[0] == number_of(operation, *(Layout*)a, *(Layout*)b, *(Layout*)d);
    if (!fits) {
        return NOT_SUPPORTED;
    }
    result->algorithm = *algorithm;
    result->workspace = algorithm->words[1] == 2 ? 4096 : 0;
    return OK;
}

EXPORTED int cublasLtMatmul(void*, void* operation_handle, const void* alpha, const void* a, void* a_layout, const void* b,
                            void* b_layout, const void* beta, const void* c, void* c_layout, void* d, void* d_layout,
                            const Algorithm* algorithm, void* workspace, size_t workspace_bytes, void* stream) {
    ENTER("cublasLtMatmul", 1);
    if (!simulated_executes()) {
        return OK;
    }
    const Operation& operation = *(Operation*)operation_handle;
    const Layout &la = *(Layout*)a_layout, &lb = *(Layout*)b_layout, &lc = *(Layout*)c_layout, &ld = *(Layout*)d_layout;
    if (algorithm->words[0] != number_of(operation, la, lb, ld)) {
        simulated_violation("cublasLtMatmul: the algorithm is not one for this product");
        return INVALID_VALUE;
    }
    if (algorithm->words[1] == 1) {
        simulated_violation("cublasLtMatmul: an algorithm whose sums have no fixed order was taken");
    }
    const void* addresses[4] = {a, b, c, d};
    const Layout* layouts[4] = {&la, &lb, &lc, &ld};
    const size_t size = size_of(la.kind);
    for (int i = 0; i < 4; i++) {
        if ((size_t)addresses[i] % algorithm->words[2 + i]) {
            simulated_violation("cublasLtMatmul: a matrix is not aligned as the algorithm was chosen for");
            return INVALID_VALUE;
        }
        if (!simulated_range(addresses[i], layouts[i]->extent() * size, "cublasLtMatmul")) {
            return INVALID_VALUE;
        }
    }
    if (workspace_bytes && !simulated_range(workspace, workspace_bytes, "the workspace of cublasLtMatmul")) {
        return INVALID_VALUE;
    }
    const bool has_bias = operation.epilogue & (BIAS | BGRAD | BGRADA | BGRADB);
    const size_t biases = operation.epilogue & BGRADB ? ld.columns : ld.rows;
    if (has_bias && !simulated_range(operation.bias, biases * size, "the bias of cublasLtMatmul")) {
        return INVALID_VALUE;
    }
    if (operation.epilogue & AUX) {
        const size_t elements = operation.aux_leading * ld.columns;
        const size_t bytes = operation.epilogue & (RELU | DRELU) ? elements / 8 : elements * size;
        if ((size_t)operation.aux % 16) {
            simulated_violation("cublasLtMatmul: the auxiliary matrix is not aligned to 16 bytes");
            return INVALID_VALUE;
        }
        if (!simulated_range(operation.aux, bytes, "the auxiliary matrix of cublasLtMatmul")) {
            return INVALID_VALUE;
        }
    }
    Call* call = new Call{operation, la, lb, lc, ld, scale(operation.scale, alpha), scale(operation.scale, beta),
                          (const char*)a, (const char*)b, (const char*)c, (char*)d, algorithm->words[1]};
    simulated_enqueue(stream, "cublasLtMatmul", run, call, [](void* data) { delete (Call*)data; });
    return OK;
}
