//! Every operation, lane by lane, against `std`'s scalar arithmetic, on every instruction set of the machine.

use half::{bf16, f16};
use libm::Libm;

use super::convert::{narrow_on, widen_on};
use super::*;

/// Checks that expressions over lanes give in each lane what expressions over its elements give, bit for bit; any NaN
/// equals any other.
macro_rules! agree {
    ($element:ident: $($name:literal |$a:ident, $b:ident, $c:ident| $lanes:expr => $scalar:expr;)*) => {{
        struct Check;
        impl Program<$element> for Check {
            type Output = ();
            #[inline(always)]
            fn run<L: Lanes<Element = $element>>(self) {
                for [a, b, c] in operands() {
                    $({
                        let ($a, $b, $c) = (L::from_array(a), L::from_array(b), L::from_array(c));
                        let _ = ($a, $b, $c);
                        let got = L::to_array($lanes);
                        for lane in 0..L::WIDTH {
                            let ($a, $b, $c): ($element, $element, $element) = (a[lane], b[lane], c[lane]);
                            let want: $element = $scalar;
                            let same = got[lane].to_bits() == want.to_bits() || got[lane].is_nan() && want.is_nan();
                            assert!(same, "{} of {:?}: {:?}, not {want:?}", $name, ($a, $b, $c), got[lane]);
                        }
                    })*
                }
            }
        }
        for isa in Isa::available() {
            println!("{isa}");
            dispatch_on(isa, Check);
        }
    }};
}

/// Registers whose lanes together hold every pair of edge cases, each with a third.
fn operands<E: LaneElement>() -> impl Iterator<Item = [[E; MAX_WIDTH]; 3]> {
    let positive = [
        0.0,
        0.49999997,
        0.5,
        1.0,
        1.5,
        2.5,
        3.7,
        1e-3,
        7.0,
        8388609.0,
        1e9,
        1e30,
        3.4e38,
        1.5e-45,
        1e-40,
        1.1754944e-38,
        1e-310,
        1e300,
        f64::INFINITY,
    ];
    let values: Vec<E> = positive.iter().flat_map(|&x| [x, -x]).chain([f64::NAN]).map(E::from_f64).collect();
    let count = values.len();
    let value = move |index: usize| values[index % count];
    (0..count * count).map(move |pair| {
        let (first, shift) = (pair / count, pair % count);
        [first, first + shift, 7 * first + 3 * shift].map(|start| std::array::from_fn(|lane| value(start + lane)))
    })
}

fn truth<L: Lanes>(mask: L::Mask) -> L {
    L::select(mask, L::constant(1.0), L::constant(0.0))
}

/// `x` where its magnitude is below `limit`, else `otherwise`.
fn bounded<L: Lanes>(x: L, limit: f64, otherwise: f64) -> L {
    L::select(x.abs().lt(L::constant(limit)), x, L::constant(otherwise))
}

/// `x` where it is finite and not zero, else 3.
fn ordinary<L: Lanes>(x: L) -> L {
    let within = L::mask_and(L::constant(0.0).lt(x.abs()), x.abs().lt(L::constant(f64::INFINITY)));
    L::select(within, x, L::constant(3.0))
}

macro_rules! tests {
    ($element:ident, $uint:ident, $int:ident, $frexp:path) => {
        mod $element {
            use super::*;

            fn bounded(x: $element, limit: $element, otherwise: $element) -> $element {
                if x.abs() < limit { x } else { otherwise }
            }

            fn decomposed(x: $element) -> ($element, $element) {
                let (significand, exponent) = $frexp(if x.is_finite() && x != 0.0 { x } else { 3.0 });
                (2.0 * significand, (exponent - 1) as $element)
            }

            #[test]
            fn arithmetic_is_that_of_std() {
                agree! { $element:
                    "add" |a, b, c| a + b => a + b;
                    "sub" |a, b, c| a - b => a - b;
                    "mul" |a, b, c| a * b => a * b;
                    "div" |a, b, c| a / b => a / b;
                    "neg" |a, b, c| -a => -a;
                    "abs" |a, b, c| a.abs() => a.abs();
                    "sqrt" |a, b, c| a.sqrt() => a.sqrt();
                    "floor" |a, b, c| a.floor() => a.floor();
                    "ceil" |a, b, c| a.ceil() => a.ceil();
                    "trunc" |a, b, c| a.trunc() => a.trunc();
                    "round" |a, b, c| a.round() => a.round_ties_even();
                    "min" |a, b, c| a.min(b) => if a < b { a } else { b };
                    "max" |a, b, c| a.max(b) => if a > b { a } else { b };
                    "copysign" |a, b, c| a.copysign(b) => a.copysign(b);
                    "mul_add" |a, b, c| a.mul_add(b, c) => a.mul_add(b, c);
                    "constant" |a, b, c| L::constant(0.1) => 0.1;
                    "map" |a, b, c| a.map(|x| x + 1.0) => a + 1.0;
                }
            }

            #[test]
            fn comparisons_are_false_for_nan() {
                agree! { $element:
                    "lt" |a, b, c| truth(a.lt(b)) => (a < b).into();
                    "le" |a, b, c| truth(a.le(b)) => (a <= b).into();
                    "eq" |a, b, c| truth(a.eq(b)) => (a == b).into();
                    "mask_and" |a, b, c| truth(L::mask_and(a.lt(b), b.lt(c))) => (a < b && b < c).into();
                    "mask_or" |a, b, c| truth(L::mask_or(a.lt(b), b.lt(c))) => (a < b || b < c).into();
                    "mask_not" |a, b, c| truth(L::mask_not(a.lt(b))) => if a < b { 0.0 } else { 1.0 };
                    "select" |a, b, c| L::select(a.lt(b), b, c) => if a < b { b } else { c };
                }
            }

            #[test]
            fn bit_patterns_are_integers() {
                agree! { $element:
                    "add" |a, b, c| L::from_bits(L::bits_add(a.to_bits(), b.to_bits()))
                        => $element::from_bits(a.to_bits().wrapping_add(b.to_bits()));
                    "sub" |a, b, c| L::from_bits(L::bits_sub(a.to_bits(), b.to_bits()))
                        => $element::from_bits(a.to_bits().wrapping_sub(b.to_bits()));
                    "and" |a, b, c| L::from_bits(L::bits_and(a.to_bits(), b.to_bits()))
                        => $element::from_bits(a.to_bits() & b.to_bits());
                    "or" |a, b, c| L::from_bits(L::bits_or(a.to_bits(), b.to_bits()))
                        => $element::from_bits(a.to_bits() | b.to_bits());
                    "xor" |a, b, c| L::from_bits(L::bits_xor(a.to_bits(), b.to_bits()))
                        => $element::from_bits(a.to_bits() ^ b.to_bits());
                    "splat" |a, b, c| L::from_bits(L::bits_splat(0x1234_5678)) => $element::from_bits(0x1234_5678);
                    "shl" |a, b, c| L::from_bits(L::bits_shl(a.to_bits(), 5)) => $element::from_bits(a.to_bits() << 5);
                    "shr" |a, b, c| L::from_bits(L::bits_shr(a.to_bits(), 9)) => $element::from_bits(a.to_bits() >> 9);
                    "to_int" |a, b, c| L::from_bits(super::bounded(a, 2e9, 2.5).to_int())
                        => $element::from_bits(bounded(a, 2e9, 2.5).round_ties_even() as $int as $uint);
                    "from_int" |a, b, c| L::from_int(super::bounded(a, 2e9, 2.5).to_int())
                        => bounded(a, 2e9, 2.5).round_ties_even() as $int as $element;
                }
            }

            #[test]
            fn scaling_and_decomposing_are_exact() {
                agree! { $element:
                    "scale" |a, b, c| a.scale(super::bounded(b.round(), 252.0, -149.0))
                        => Libm::<$element>::scalbn(a, bounded(b.round_ties_even(), 252.0, -149.0) as i32);
                    "exp2_integral" |a, b, c| super::bounded(a.round(), 120.0, -126.0).exp2_integral()
                        => Libm::<$element>::scalbn(1.0, bounded(a.round_ties_even(), 120.0, -126.0) as i32);
                    "significand" |a, b, c| ordinary(a).decompose().0 => decomposed(a).0;
                    "exponent" |a, b, c| ordinary(a).decompose().1 => decomposed(a).1;
                }
            }

            #[test]
            fn reductions_and_partial_registers() {
                struct Check;
                impl Program<$element> for Check {
                    type Output = ();
                    fn run<L: Lanes<Element = $element>>(self) {
                        let numbers: [$element; MAX_WIDTH] = std::array::from_fn(|lane| (lane + 1) as $element);
                        let lanes = L::from_array(numbers);
                        assert_eq!(lanes.sum(), (L::WIDTH * (L::WIDTH + 1) / 2) as $element);
                        assert_eq!(lanes.reduce(L::max), L::WIDTH as $element);
                        let table = std::array::from_fn(|i| (i * i) as $element);
                        let index = numbers.map(|number| (7.0 * number) % 16.0);
                        let found = L::lookup(&table, L::from_array(index)).to_array();
                        assert_eq!(found[..L::WIDTH], index.map(|index| index * index)[..L::WIDTH]);
                        for width in (0..).map(|power| 1 << power).take_while(|&width| width < L::WIDTH) {
                            let front = L::WIDTH.min(2 * width) - width;
                            assert_eq!(lanes.upper(width).to_array()[..front], numbers[width..][..front]);
                        }
                        assert!(L::any(lanes.eq(L::constant(L::WIDTH as f64))));
                        assert!(!L::any(lanes.eq(L::constant(0.0))));
                        for count in 0..=L::WIDTH {
                            let mut to = [-1.0; MAX_WIDTH];
                            // SAFETY: both arrays hold `count` elements.
                            unsafe { L::load_first(numbers.as_ptr(), count, 9.0).store_first(to.as_mut_ptr(), count) };
                            assert_eq!(to[..count], numbers[..count]);
                            assert!(to[count..].iter().all(|&x| x == -1.0));
                            // SAFETY: the array holds `count` elements.
                            let rest = unsafe { L::load_first(numbers.as_ptr(), count, 9.0) }.to_array();
                            assert!(rest[count..L::WIDTH].iter().all(|&x| x == 9.0));
                        }
                        streams::<L>(numbers);
                    }
                }
                fn streams<L: Lanes<Element = $element>>(numbers: [$element; MAX_WIDTH]) {
                    #[repr(align(64))]
                    struct Aligned([$element; MAX_WIDTH]);
                    let mut to = Aligned([0.0; MAX_WIDTH]);
                    // SAFETY: the array holds a register and is aligned to the widest.
                    unsafe { L::from_array(numbers).stream(to.0.as_mut_ptr()) };
                    L::fence();
                    assert_eq!(to.0[..L::WIDTH], numbers[..L::WIDTH]);
                }
                for isa in Isa::available() {
                    println!("{isa}");
                    dispatch_on(isa, Check);
                }
            }
        }
    };
}

tests!(f32, u32, i32, libm::frexpf);
tests!(f64, u64, i64, libm::frexp);

#[test]
fn widening_is_exact_for_every_pattern() {
    for isa in Isa::available() {
        let patterns: Vec<u16> = (0..=u16::MAX).collect();
        let mut wide = vec![0.0; patterns.len()];
        let halves: Vec<f16> = patterns.iter().map(|&bits| f16::from_bits(bits)).collect();
        widen_on(isa, &halves, &mut wide);
        for (half, wide) in halves.iter().zip(&wide) {
            assert_eq!(wide.to_bits(), half.to_f32().to_bits(), "{isa}: {:#06x}", half.to_bits());
        }
        let brains: Vec<bf16> = patterns.iter().map(|&bits| bf16::from_bits(bits)).collect();
        widen_on(isa, &brains, &mut wide);
        for (brain, wide) in brains.iter().zip(&wide) {
            assert_eq!(wide.to_bits(), brain.to_f32().to_bits(), "{isa}: {:#06x}", brain.to_bits());
        }
    }
}

/// Every half, what lies halfway to the next, and one f32 step to either side of both; every exponent of f32; NaNs.
fn narrowing_cases() -> Vec<f32> {
    let halves = (0..=u16::MAX).flat_map(|bits| [f16::from_bits(bits).to_f32(), bf16::from_bits(bits).to_f32()]);
    let ties = |x: f32| [x.to_bits(), x.to_bits().wrapping_add(0x1000), x.to_bits().wrapping_add(0x8000)];
    let around = |bits: u32| [bits.wrapping_sub(1), bits, bits.wrapping_add(1)];
    let every_exponent = (0..=u32::MAX).step_by(0x1357).map(f32::from_bits);
    halves.flat_map(ties).flat_map(around).map(f32::from_bits).chain(every_exponent).collect()
}

#[test]
fn narrowing_rounds_to_nearest_even() {
    let cases = narrowing_cases();
    for isa in Isa::available() {
        let (mut halves, mut brains) = (vec![f16::ZERO; cases.len()], vec![bf16::ZERO; cases.len()]);
        narrow_on(isa, &cases, &mut halves);
        narrow_on(isa, &cases, &mut brains);
        for ((case, half), brain) in cases.iter().zip(&halves).zip(&brains) {
            let at = case.to_bits();
            assert_eq!(half.to_bits(), f16::from_f32_const(*case).to_bits(), "{isa}: {at:#010x}");
            assert_eq!(brain.to_bits(), bf16::from_f32(*case).to_bits(), "{isa}: {at:#010x}");
        }
    }
}

#[test]
fn conversions_stop_at_the_shorter_slice() {
    for isa in Isa::available() {
        let from = [f16::ONE; 37];
        let mut to = [0.0; 40];
        widen_on(isa, &from, &mut to);
        assert!(to[..37].iter().all(|&x| x == 1.0) && to[37..].iter().all(|&x| x == 0.0));
        let mut back = [f16::ZERO; 35];
        narrow_on(isa, &to, &mut back);
        assert!(back.iter().all(|&x| x == f16::ONE));
    }
}

#[test]
fn names_parse_and_what_is_missing_falls_back() {
    for isa in Isa::ALL {
        assert_eq!(isa.name().parse::<Isa>().unwrap(), isa);
        assert!(isa.narrowed().is_available() && isa.narrowed() <= isa);
    }
    assert!("sse9".parse::<Isa>().unwrap_err().to_string().contains("avx512"));
    assert!(Isa::current().is_available());
}
