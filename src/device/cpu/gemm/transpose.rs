//! Transposing squares of a matrix in registers, for packing.

use super::matrix::MatrixRef;
use crate::formula::lanes::{Isa, LaneElement};

/// Writes `from`, whose rows are adjacent elements, column after column, `to_stride` elements from one to the next.
///
/// # Safety
/// `to` is valid for writes of `from.rows` elements at each of `from.columns` strides.
pub unsafe fn transpose<E: LaneElement>(from: MatrixRef<'_, E>, to: *mut E, to_stride: usize) {
    debug_assert!(from.column_stride == 1 || from.columns < 2);
    let side = if Isa::current() >= Isa::Avx2 { 32 / size_of::<E>() } else { 1 };
    let [rows, columns] = [from.rows / side * side, from.columns / side * side];
    // SAFETY: the four parts tile the matrix, the first in whole squares; the caller vouches for `to`.
    unsafe {
        squares(from.part([0, 0], [rows, columns]), to, to_stride);
        elements(from.part([rows, 0], [from.rows - rows, columns]), to.add(rows), to_stride);
        elements(from.part([0, columns], [from.rows, from.columns - columns]), to.add(columns * to_stride), to_stride);
    }
}

unsafe fn squares<E: LaneElement>(from: MatrixRef<'_, E>, to: *mut E, to_stride: usize) {
    #[cfg(target_arch = "x86_64")]
    if Isa::current() >= Isa::Avx2 {
        let [rows, columns] = from.sizes();
        // SAFETY: the instruction set was just checked; a word of its size stands for the element; the rest is the
        // caller's promise.
        return unsafe {
            match size_of::<E>() {
                4 => x86::squares_4(from.first.cast(), from.row_stride, to.cast(), to_stride, [rows, columns]),
                _ => x86::squares_8(from.first.cast(), from.row_stride, to.cast(), to_stride, [rows, columns]),
            }
        };
    }
    // SAFETY: the caller's promise.
    unsafe { elements(from, to, to_stride) }
}

unsafe fn elements<E: LaneElement>(from: MatrixRef<'_, E>, to: *mut E, to_stride: usize) {
    for column in 0..from.columns {
        for row in 0..from.rows {
            // SAFETY: an element of the matrix; the caller vouches for `to`.
            unsafe { *to.add(column * to_stride + row) = *from.at(row, column) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2")]
    pub unsafe fn squares_4(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize, sizes: [usize; 2]) {
        for row in (0..sizes[0]).step_by(8) {
            for column in (0..sizes[1]).step_by(8) {
                // SAFETY: a square of the matrix; the caller vouches for both.
                unsafe {
                    square_4(
                        from.add(row * from_stride + column),
                        from_stride,
                        to.add(column * to_stride + row),
                        to_stride,
                    );
                }
            }
        }
    }

    #[target_feature(enable = "avx2")]
    pub unsafe fn squares_8(from: *const f64, from_stride: usize, to: *mut f64, to_stride: usize, sizes: [usize; 2]) {
        for row in (0..sizes[0]).step_by(4) {
            for column in (0..sizes[1]).step_by(4) {
                // SAFETY: a square of the matrix; the caller vouches for both.
                unsafe {
                    square_8(
                        from.add(row * from_stride + column),
                        from_stride,
                        to.add(column * to_stride + row),
                        to_stride,
                    );
                }
            }
        }
    }

    /// Eight by eight words of four bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn square_4(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // Rows i and i + 4 side by side, left and right halves apart: the cut across registers costs no shuffle.
        for column in [0, 4] {
            let mut rows = [_mm256_setzero_ps(); 4];
            for row in 0..4 {
                // SAFETY: half a row of each; the caller's promise.
                unsafe {
                    let low = from.add(row * from_stride + column);
                    let high = _mm_loadu_ps(low.add(4 * from_stride));
                    rows[row] = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(_mm_loadu_ps(low)), high);
                }
            }
            let (ab_low, ab_high) = (_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[0], rows[1]));
            let (cd_low, cd_high) = (_mm256_unpacklo_ps(rows[2], rows[3]), _mm256_unpackhi_ps(rows[2], rows[3]));
            let columns = [
                _mm256_shuffle_ps::<0x44>(ab_low, cd_low),
                _mm256_shuffle_ps::<0xEE>(ab_low, cd_low),
                _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm256_shuffle_ps::<0xEE>(ab_high, cd_high),
            ];
            for i in 0..4 {
                // SAFETY: the caller's promise.
                unsafe { _mm256_storeu_ps(to.add((column + i) * to_stride), columns[i]) };
            }
        }
    }

    /// Four by four words of eight bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn square_8(from: *const f64, from_stride: usize, to: *mut f64, to_stride: usize) {
        let mut rows = [_mm256_setzero_pd(); 4];
        for row in 0..4 {
            // SAFETY: the caller's promise.
            rows[row] = unsafe { _mm256_loadu_pd(from.add(row * from_stride)) };
        }
        let (ab_low, ab_high) = (_mm256_unpacklo_pd(rows[0], rows[1]), _mm256_unpackhi_pd(rows[0], rows[1]));
        let (cd_low, cd_high) = (_mm256_unpacklo_pd(rows[2], rows[3]), _mm256_unpackhi_pd(rows[2], rows[3]));
        let columns = [
            _mm256_permute2f128_pd::<0x20>(ab_low, cd_low),
            _mm256_permute2f128_pd::<0x20>(ab_high, cd_high),
            _mm256_permute2f128_pd::<0x31>(ab_low, cd_low),
            _mm256_permute2f128_pd::<0x31>(ab_high, cd_high),
        ];
        for i in 0..4 {
            // SAFETY: the caller's promise.
            unsafe { _mm256_storeu_pd(to.add(i * to_stride), columns[i]) };
        }
    }
}
