use half::{bf16, f16};

use super::*;
use crate::dtype::Element;
use crate::formula::lanes::{Isa, LaneElement, dispatch_on};

/// How a factor lies in memory: row after row, column after column, or with gaps both ways.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Rows,
    Columns,
    Gaps,
}

const ORDERS: [Order; 3] = [Order::Rows, Order::Columns, Order::Gaps];

/// A matrix with the elements that hold it.
#[derive(Debug)]
struct Stored<E> {
    elements: Vec<E>,
    sizes: [usize; 2],
    strides: [usize; 2],
}

impl<E: Element> Stored<E> {
    fn new(sizes: [usize; 2], order: Order, mut value: impl FnMut() -> f64) -> Self {
        let strides = match order {
            Order::Rows => [sizes[1], 1],
            Order::Columns => [1, sizes[0]],
            Order::Gaps => [2, 2 * sizes[0] + 1],
        };
        let count = sizes[0] * strides[0] + sizes[1] * strides[1];
        let elements = (0..count).map(|_| E::from_f64(value())).collect();
        Self { elements, sizes, strides }
    }

    fn matrix(&self) -> MatrixRef<'_, E> {
        MatrixRef::new(&self.elements, self.sizes, self.strides).unwrap()
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.elements[row * self.strides[0] + column * self.strides[1]].to_f64()
    }
}

/// Numbers in -1..1 from a linear congruential generator; `small_integers` makes them integers in -4..=4.
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

fn small_integers(seed: u64) -> impl FnMut() -> f64 {
    let mut next = numbers(seed);
    move || (next() * 4.5).trunc()
}

const UNTOUCHED: f64 = 77.0;

/// Multiplies into a C that is wider than the product and returns it whole, row after row of `n + 3` elements.
fn multiply<E: Factor>(threads: &Threads, a: &Stored<E>, b: &Stored<E>, before: f64, accumulate: bool) -> Vec<E> {
    let [m, n] = [a.sizes[0], b.sizes[1]];
    let mut c = vec![E::from_f64(UNTOUCHED); (m + 1) * (n + 3)];
    for row in 0..m {
        c[row * (n + 3)..][..n].fill(E::from_f64(before));
    }
    gemm(threads, a.matrix(), b.matrix(), MatrixMut::new(&mut c, [m, n], n + 3).unwrap(), accumulate).unwrap();
    c
}

/// Checks a product of small integers, which every element type holds exactly, and all that lies around it.
fn check_exact<E: Factor>(threads: &Threads, [m, k, n]: [usize; 3], orders: [Order; 2], accumulate: bool) {
    let a = Stored::<E>::new([m, k], orders[0], small_integers(1 + m as u64));
    let b = Stored::<E>::new([k, n], orders[1], small_integers(2 + n as u64));
    // Not a number: a C that is not accumulated must not be read.
    let before = if accumulate { 5.0 } else { f64::NAN };
    let c = multiply(threads, &a, &b, before, accumulate);
    for (index, &value) in c.iter().enumerate() {
        let (row, column) = (index / (n + 3), index % (n + 3));
        let expected = if row < m && column < n {
            (0..k).map(|term| a.at(row, term) * b.at(term, column)).sum::<f64>() + if accumulate { 5.0 } else { 0.0 }
        } else {
            UNTOUCHED
        };
        assert_eq!(
            value.to_f64(),
            E::from_f64(expected).to_f64(),
            "{:?} {m}x{k}x{n} {orders:?} accumulate {accumulate} at ({row}, {column})",
            E::DTYPE
        );
    }
}

#[test]
fn small_sizes_are_exact_for_all_orders_and_types() {
    let threads = Threads::new(1);
    let sizes: &[usize] =
        if cfg!(miri) { &[0, 1, 9] } else { &[0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25, 31, 33, 40] };
    for (i, &m) in sizes.iter().enumerate() {
        for (j, &n) in sizes.iter().enumerate() {
            for (l, &k) in sizes.iter().enumerate() {
                let orders = [ORDERS[(i + j + l) % 3], ORDERS[(i + 2 * j) % 3]];
                check_exact::<f32>(&threads, [m, k, n], orders, (i + l) % 2 == 0);
                check_exact::<f64>(&threads, [m, k, n], orders, (j + l) % 2 == 0);
            }
            check_exact::<f16>(&threads, [m, 9, n], [ORDERS[i % 3], ORDERS[j % 3]], i % 2 == 0);
            check_exact::<bf16>(&threads, [m, 9, n], [ORDERS[j % 3], ORDERS[i % 3]], j % 2 == 0);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn edges_of_tiles_and_blocks_are_exact_for_all_orders() {
    let threads = Threads::new(2);
    for sizes in [
        [8, 511, 48],
        [9, 512, 47],
        [7, 513, 49],
        [65, 520, 337],
        [513, 30, 335],
        [63, 1030, 97],
        [4, 600, 64],
        [70, 300, 9],
    ] {
        for a in ORDERS {
            for b in ORDERS {
                for accumulate in [false, true] {
                    check_exact::<f32>(&threads, sizes, [a, b], accumulate);
                }
                check_exact::<f64>(&threads, sizes, [a, b], false);
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn vectors_are_exact_for_all_orders() {
    let threads = Threads::new(2);
    for sizes in
        [[1, 700, 1500], [1500, 700, 1], [1, 5, 1], [1, 1, 37], [37, 1, 1], [1, 70, 3], [3, 70, 1], [700, 20, 1]]
    {
        for a in ORDERS {
            for b in ORDERS {
                check_exact::<f32>(&threads, sizes, [a, b], false);
                check_exact::<f64>(&threads, sizes, [a, b], true);
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn columns_of_a_on_separate_pages_are_exact() {
    let threads = Threads::new(2);
    check_exact::<f32>(&threads, [1030, 70, 50], [Order::Columns, Order::Rows], true);
    check_exact::<f64>(&threads, [517, 70, 50], [Order::Columns, Order::Columns], false);
}

/// |error| <= (terms + 2) * eps * sum |a||b|: every order of summation stays within.
fn check_close<E: Factor>(epsilon: f64, [m, k, n]: [usize; 3]) {
    let a = Stored::<E>::new([m, k], Order::Rows, numbers(3));
    let b = Stored::<E>::new([k, n], Order::Columns, numbers(4));
    let c = multiply(&Threads::new(2), &a, &b, 0.0, false);
    for row in 0..m {
        for column in 0..n {
            let products = (0..k).map(|term| a.at(row, term) * b.at(term, column));
            let (sum, magnitude) = products.fold((0.0, 0.0), |(sum, all), x| (sum + x, all + x.abs()));
            let error = (c[row * (n + 3) + column].to_f64() - sum).abs();
            let bound = (k as f64 + 2.0) * f64::from(f32::EPSILON).min(epsilon) * magnitude + epsilon * sum.abs();
            assert!(error <= bound, "{:?} {m}x{k}x{n} at ({row}, {column}): {error} > {bound}", E::DTYPE);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn real_numbers_are_within_the_bound_of_rounding() {
    for sizes in [[33, 784, 65], [1, 3000, 40], [40, 3000, 1], [10, 1000, 10]] {
        check_close::<f32>(f32::EPSILON.into(), sizes);
        check_close::<f64>(f64::EPSILON, sizes);
        check_close::<f16>(f16::EPSILON.into(), sizes);
        check_close::<bf16>(bf16::EPSILON.into(), sizes);
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn any_number_of_threads_gives_the_same_bits() {
    let pools = [1, 2, 5].map(Threads::new);
    // Among them sizes of which a part has but one row or one column.
    let thin = [[9, 700, 337], [513, 700, 9], [300, 700, 673]];
    let more = [
        [200, 700, 300],
        [1, 900, 2000],
        [2000, 900, 1],
        [700, 2000, 3],
        [64, 784, 128],
        [1030, 70, 400],
        [5, 9000, 33],
        [60, 600, 9],
        [40, 700, 50],
    ];
    for sizes in thin.into_iter().chain(more) {
        for orders in [[Order::Rows, Order::Rows], [Order::Columns, Order::Rows], [Order::Rows, Order::Columns]] {
            let a = Stored::<f32>::new([sizes[0], sizes[1]], orders[0], numbers(5));
            let b = Stored::<f32>::new([sizes[1], sizes[2]], orders[1], numbers(6));
            let [one, others @ ..] = pools.each_ref().map(|threads| multiply(threads, &a, &b, 0.5, true));
            for other in others {
                assert!(one.iter().zip(&other).all(|(x, y)| x.to_bits() == y.to_bits()), "{sizes:?} {orders:?}");
            }
        }
    }
}

/// The product of one chunk on an instruction set.
fn on<E: LaneElement>(isa: Isa, a: &Stored<E>, b: &Stored<E>) -> Vec<E> {
    let sizes = [a.sizes[0], b.sizes[1]];
    let mut elements = vec![E::default(); sizes[0] * sizes[1]];
    let c = MatrixMut::new(&mut elements, sizes, sizes[1]).unwrap();
    dispatch_on(isa, Chunk { a: a.matrix(), b: b.matrix(), c, accumulate: false, is_vector: false });
    elements
}

#[test]
#[cfg_attr(miri, ignore)]
fn every_instruction_set_gives_the_same_bits() {
    for sizes in [[13, 600, 70], [3, 40, 64], [70, 20, 11]] {
        let a = Stored::<f32>::new([sizes[0], sizes[1]], Order::Columns, numbers(7));
        let b = Stored::<f32>::new([sizes[1], sizes[2]], Order::Rows, numbers(8));
        let plain = on(Isa::Plain, &a, &b);
        for isa in Isa::available() {
            assert_eq!(on(isa, &a, &b), plain, "{isa} {sizes:?}");
        }
    }
}

#[test]
fn what_is_not_a_number_spreads() {
    let threads = Threads::new(1);
    for sizes in [[9, 20, 17], [1, 20, 17], [9, 20, 1]] {
        let mut a = Stored::<f32>::new([sizes[0], sizes[1]], Order::Rows, || 0.0);
        let b = Stored::<f32>::new([sizes[1], sizes[2]], Order::Rows, || f64::INFINITY);
        assert!(multiply(&threads, &a, &b, 0.0, false)[0].is_nan(), "0 * inf in {sizes:?}");
        a.elements.fill(1.0);
        assert_eq!(multiply(&threads, &a, &b, 0.0, false)[0], f32::INFINITY);
        a.elements[19] = f32::NAN;
        let c = multiply(&threads, &a, &b, 0.0, false);
        assert!(c[..sizes[2]].iter().all(|x| x.is_nan()), "a NaN in the first row of A in {sizes:?}");
    }
}

#[test]
fn a_batch_is_as_many_products() {
    let threads = Threads::new(2);
    for (count, sizes) in [(0, [3, 4, 5]), (7, [3, 4, 5]), (3, if cfg!(miri) { [2, 3, 4] } else { [60, 200, 70] })] {
        let [m, k, n] = sizes;
        let a = Stored::<f32>::new([count * m, k], Order::Rows, small_integers(9));
        let b = Stored::<f32>::new([k, n], Order::Rows, small_integers(10));
        let mut c = vec![0.0; count * m * n];
        // SAFETY: the matrices of the batch follow each other within the three vectors.
        unsafe {
            let batch = Batch { count, a_stride: m * k, b_stride: 0, c_stride: m * n };
            let first = MatrixRef::from_raw(a.elements.as_ptr(), [m, k], [k, 1]);
            let to = MatrixMut::from_raw(c.as_mut_ptr(), [m, n], n);
            batched(&threads, batch, first, b.matrix(), to, false, None).unwrap();
        }
        // With a shared B, a batch is one tall product.
        let tall = multiply(&threads, &a, &b, 0.0, false);
        for (row, c) in c.chunks(n).enumerate() {
            assert_eq!(c, &tall[row * (n + 3)..][..n]);
        }
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let elements = [1.0f32; 12];
    let (mut c, threads) = ([0.0f32; 12], Threads::new(1));
    let a = MatrixRef::new(&elements, [3, 4], [4, 1]).unwrap();
    let error = gemm(&threads, a, a, MatrixMut::new(&mut c, [3, 4], 4).unwrap(), false).unwrap_err();
    assert_eq!(error.to_string(), "matmul: [3, 4] by [3, 4] does not give [3, 4]");
    assert!(MatrixRef::new(&elements, [3, 4], [4, 2]).is_err());
    assert!(MatrixRef::new(&elements, [usize::MAX, 2], [usize::MAX, 1]).is_err());
    assert!(MatrixRef::new(&elements, [0, 4], [usize::MAX, 1]).is_ok());
    assert!(MatrixMut::new(&mut c, [3, 4], 3).is_err(), "rows overlap");
    assert!(MatrixMut::new(&mut c, [3, 4], 5).is_err(), "ends past the slice");
}
