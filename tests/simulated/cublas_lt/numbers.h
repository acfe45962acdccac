// Element types of matrices, and the product itself by plain loops in double precision.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

enum Kind { F32 = 0, F64 = 1, F16 = 2, BF16 = 14 };

inline size_t size_of(unsigned kind) { return kind == F64 ? 8 : kind == F32 ? 4 : 2; }

inline double read_number(unsigned kind, const void* from, size_t index) {
    if (kind == F64) {
        return ((const double*)from)[index];
    }
    if (kind == F32) {
        return ((const float*)from)[index];
    }
    const uint16_t bits = ((const uint16_t*)from)[index];
    if (kind == BF16) {
        const uint32_t wide = (uint32_t)bits << 16;
        float value;
        memcpy(&value, &wide, sizeof value);
        return value;
    }
    _Float16 value;
    memcpy(&value, &bits, sizeof value);
    return (double)(float)value;
}

inline void write_number(unsigned kind, void* to, size_t index, double value) {
    if (kind == F64) {
        ((double*)to)[index] = value;
    } else if (kind == F32) {
        ((float*)to)[index] = (float)value;
    } else if (kind == BF16) {
        const float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        bits = narrow == narrow ? bits + 0x7fff + (bits >> 16 & 1) : 0x7fc00000;
        ((uint16_t*)to)[index] = (uint16_t)(bits >> 16);
    } else {
        const _Float16 half = (_Float16)(float)value;
        memcpy((uint16_t*)to + index, &half, sizeof half);
    }
}

// A column-major matrix, or its transpose, as columns of doubles.
struct Columns {
    size_t rows, columns;
    std::vector<double> numbers;

    Columns(unsigned kind, const void* from, size_t rows, size_t columns, size_t leading, bool transposed)
        : rows(transposed ? columns : rows), columns(transposed ? rows : columns), numbers(rows * columns) {
        for (size_t j = 0; j < columns; j++) {
            for (size_t i = 0; i < rows; i++) {
                numbers[transposed ? j + i * columns : i + j * rows] = read_number(kind, from, i + j * leading);
            }
        }
    }
};

// The product of two matrices, column by column: sums in double precision.
inline std::vector<double> product(const Columns& a, const Columns& b) {
    std::vector<double> c(a.rows * b.columns, 0.0);
    for (size_t j = 0; j < b.columns; j++) {
        double* column = &c[j * a.rows];
        for (size_t k = 0; k < a.columns; k++) {
            const double factor = b.numbers[k + j * b.rows];
            const double* from = &a.numbers[k * a.rows];
            for (size_t i = 0; i < a.rows; i++) {
                column[i] += from[i] * factor;
            }
        }
    }
    return c;
}
