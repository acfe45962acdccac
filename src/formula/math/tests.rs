//! How far each function is from the exact value, on every instruction set of the machine.
//!
//! f32 is swept over bit patterns of every sign and exponent against f64; f64 is held against the arbitrary-precision values
//! of `tests/data/elementary.txt` and, densely, against `std`.

use std::marker::PhantomData;

use crate::formula::lanes::{Isa, LaneElement, Lanes, Program, dispatch_on};

/// A function of one argument: what is under test, what it must equal, and how far it may be off in ULP.
trait Unary {
    const NAME: &'static str;
    const BOUND: f64;
    fn apply<L: Lanes>(x: L) -> L;
    fn reference(x: f64) -> f64;
}

macro_rules! functions {
    ($($name:ident: $bound:literal, |$x:ident| $reference:expr;)*) => {
        #[allow(non_camel_case_types)]
        mod functions {
            $(pub struct $name;)*
        }

        $(impl Unary for functions::$name {
            const NAME: &'static str = stringify!($name);
            const BOUND: f64 = $bound;
            #[inline(always)]
            fn apply<L: Lanes>(x: L) -> L { super::$name(x) }
            fn reference($x: f64) -> f64 { $reference }
        })*

        mod f32_is_within_its_bound {
            $(#[test] fn $name() { super::sweep_f32::<super::functions::$name>(super::STRIDE); })*
        }

        mod f64_is_within_its_bound {
            $(#[test] fn $name() { super::sweep_f64::<super::functions::$name>(); })*
        }

        mod f32_is_within_its_bound_densely {
            $(#[test] #[ignore = "minutes"] fn $name() { super::sweep_f32::<super::functions::$name>(super::DENSE_STRIDE); })*
        }
    };
}

functions! {
    exp: 1.1, |x| x.exp();
    exp2: 1.1, |x| x.exp2();
    exp_m1: 1.75, |x| x.exp_m1();
    sigmoid: 2.4, |x| if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) };
    ln: 1.0, |x| x.ln();
    ln_1p: 1.0, |x| x.ln_1p();
    log2: 1.0, |x| x.log2();
    log10: 1.0, |x| x.log10();
    sin: 1.0, |x| x.sin();
    cos: 1.0, |x| x.cos();
    tan: 2.3, |x| x.tan();
    asin: 2.0, |x| x.asin();
    acos: 1.1, |x| x.acos();
    atan: 2.0, |x| x.atan();
    sinh: 2.2, |x| x.sinh();
    cosh: 1.5, |x| x.cosh();
    tanh: 1.5, |x| x.tanh();
    erf: 1.5, |x| libm::erf(x);
    erfc: 4.0, |x| libm::erfc(x);
    cbrt: 1.0, |x| x.cbrt();
    softplus: 2.5, |x| x.max(0.0) + (-x.abs()).exp().ln_1p();
}

/// Odd, so that low bits vary, and small enough for 2^20 patterns in all.
const STRIDE: usize = 4093;
const DENSE_STRIDE: usize = 61;
const POW_BOUND: f64 = 1.25;

/// Arithmetic on errors for an element type.
trait Measured: LaneElement {
    /// The distance in f64 between neighbouring numbers of this type around `value`.
    fn spacing(value: f64) -> f64;
    /// The largest finite number.
    const LARGEST: f64;
}

impl Measured for f32 {
    const LARGEST: f64 = f32::MAX as f64;

    fn spacing(value: f64) -> f64 {
        let normal = value.abs().clamp(f32::MIN_POSITIVE.into(), Self::LARGEST);
        f64::from_bits(normal.to_bits() & f64::INFINITY.to_bits()) * f64::from(f32::EPSILON)
    }
}

impl Measured for f64 {
    const LARGEST: f64 = f64::MAX;

    fn spacing(value: f64) -> f64 {
        let next = f64::from_bits(value.abs().min(f64::MAX).to_bits() & f64::INFINITY.to_bits());
        (next * f64::EPSILON).max(f64::from_bits(1))
    }
}

/// The error of `got` in ULP, where the exact value is `high + low`; infinite if only one is NaN, or zero of the other sign.
/// Infinity is one step beyond the largest finite number.
fn ulps<E: Measured>(got: E, high: f64, low: f64) -> f64 {
    let rounded = E::from_f64(high).to_f64();
    let got = got.to_f64();
    if got.is_nan() || rounded.is_nan() {
        return if got.is_nan() && rounded.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if high == 0.0 && got.to_bits() != high.to_bits() {
        return f64::INFINITY;
    }
    if got.is_infinite() || rounded.is_infinite() {
        let neighbours = got.abs().min(rounded.abs()) == E::LARGEST && got.signum() == rounded.signum();
        return if got == rounded {
            0.0
        } else if neighbours {
            1.0
        } else {
            f64::INFINITY
        };
    }
    ((got - high) - low).abs() / E::spacing(high)
}

/// The largest error seen, and where.
#[derive(Debug, Clone, Copy, Default)]
struct Worst {
    error: f64,
    at: f64,
}

impl Worst {
    fn see(&mut self, error: f64, at: f64) {
        if error > self.error {
            *self = Self { error, at };
        }
    }

    fn hold(self, what: &str, bound: f64) {
        println!("{what}: {:.3} ULP at {:e}", self.error, self.at);
        assert!(self.error <= bound, "{what}: {:.3} ULP at {:e}, more than {bound}", self.error, self.at);
    }
}

struct Apply<'a, E, F> {
    function: PhantomData<F>,
    from: &'a [E],
    to: &'a mut [E],
}

impl<E: LaneElement, F: Unary> Program<E> for Apply<'_, E, F> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        for (from, to) in self.from.chunks(L::WIDTH).zip(self.to.chunks_mut(L::WIDTH)) {
            // SAFETY: both chunks hold as many elements as is said.
            unsafe {
                F::apply(L::load_first(from.as_ptr(), from.len(), E::default())).store_first(to.as_mut_ptr(), to.len())
            };
        }
    }
}

/// The results of `F` on `from`: those of the portable lanes, after checking that every instruction set gives the same bits.
fn results<E: Measured, F: Unary>(from: &[E]) -> Vec<E> {
    let on = |isa| {
        let mut to = vec![E::default(); from.len()];
        dispatch_on(isa, Apply { function: PhantomData::<F>, from, to: &mut to });
        to
    };
    let plain = on(Isa::Plain);
    for isa in Isa::available().skip(1) {
        for ((x, a), b) in from.iter().zip(&plain).zip(on(isa)) {
            let same = a.to_f64().to_bits() == b.to_f64().to_bits() || a.to_f64().is_nan() && b.to_f64().is_nan();
            assert!(same, "{} of {x:?}: {a:?} on plain lanes, {b:?} on {isa}", F::NAME);
        }
    }
    plain
}

/// Numbers at which functions have limits, kinks or switch between formulas, for both element types.
const EDGES: [f64; 30] = [
    0.0,
    f64::INFINITY,
    f64::NAN,
    1.0,
    0.5,
    2.0,
    10.0,
    100.0,
    1e-45,
    1e-40,
    1.1754942e-38,
    1.1754944e-38,
    3.4028234e38,
    5e-324,
    1e-310,
    2.2250738585072014e-308,
    f64::MAX,
    87.33654,
    88.72283,
    89.41598,
    103.97208,
    709.782712893384,
    710.4758600739439,
    745.1332191019411,
    0.41421357,
    2.4142135,
    9.010914,
    18.714973875118524,
    1e5,
    1e22,
];

fn edges<E: Measured>() -> Vec<E> {
    EDGES.iter().flat_map(|&x| [E::from_f64(x), E::from_f64(-x)]).collect()
}

fn sweep_f32<F: Unary>(stride: usize) {
    let mut worst = Worst::default();
    let mut see = |from: &[f32]| {
        for (&x, got) in from.iter().zip(results::<f32, F>(from)) {
            worst.see(ulps(got, F::reference(x.into()), 0.0), x.into());
        }
    };
    see(&edges());
    let patterns: Vec<u32> = (0..=u32::MAX).step_by(stride).collect();
    patterns.chunks(1 << 16).for_each(|chunk| see(&chunk.iter().map(|&bits| f32::from_bits(bits)).collect::<Vec<_>>()));
    worst.hold(&format!("{} of f32", F::NAME), F::BOUND);
}

fn sweep_f64<F: Unary>() {
    let (mut worst, mut worst_beside_std) = (Worst::default(), Worst::default());
    let rows = recorded(F::NAME, 3);
    let from: Vec<f64> = rows.iter().map(|row| row[0]).collect();
    for (row, got) in rows.iter().zip(results::<f64, F>(&from)) {
        worst.see(ulps(got, row[1], row[2]), row[0]);
    }
    worst.hold(&format!("{} of f64", F::NAME), F::BOUND);

    let dense = (0..1u64 << 17).map(|i| f64::from_bits(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let moderate = (0..1u32 << 16).map(|i| f64::from(i) * 0.000_610_7 - 20.0);
    let from: Vec<f64> = edges().into_iter().chain(dense).chain(moderate).collect();
    for (&x, got) in from.iter().zip(results::<f64, F>(&from)) {
        worst_beside_std.see(ulps(got, F::reference(x), 0.0), x);
    }
    worst_beside_std.hold(&format!("{} of f64 beside std", F::NAME), F::BOUND + 1.0);
}

/// The rows of a function in the recorded table: arguments, then the exact value in two parts.
fn recorded(name: &str, columns: usize) -> Vec<Vec<f64>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/elementary.txt");
    let table = std::fs::read_to_string(path).unwrap();
    let number = |field: &str| f64::from_bits(u64::from_str_radix(field, 16).unwrap());
    let rows = table.lines().skip_while(|line| *line != format!("function {name}")).skip(1);
    let rows: Vec<Vec<f64>> = rows
        .take_while(|line| !line.starts_with("function"))
        .map(|line| line.split(' ').map(number).collect())
        .collect();
    assert!(rows.len() >= 100 && rows.iter().all(|row| row.len() == columns));
    rows
}

struct ApplyPow<'a, E> {
    bases: &'a [E],
    exponents: &'a [E],
    to: &'a mut [E],
}

impl<E: LaneElement> Program<E> for ApplyPow<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        let arguments = self.bases.chunks(L::WIDTH).zip(self.exponents.chunks(L::WIDTH));
        for ((base, exponent), to) in arguments.zip(self.to.chunks_mut(L::WIDTH)) {
            // SAFETY: all chunks are of the same length.
            unsafe {
                let base = L::load_first(base.as_ptr(), base.len(), E::default());
                let exponent = L::load_first(exponent.as_ptr(), exponent.len(), E::default());
                super::pow(base, exponent).store_first(to.as_mut_ptr(), to.len());
            }
        }
    }
}

fn hold_pow<E: Measured>(what: &str, bound: f64, arguments: &[(E, E)], exact: impl Fn(usize) -> (f64, f64)) {
    let (bases, exponents): (Vec<E>, Vec<E>) = arguments.iter().copied().unzip();
    let on = |isa| {
        let mut to = vec![E::default(); bases.len()];
        dispatch_on(isa, ApplyPow { bases: &bases, exponents: &exponents, to: &mut to });
        to
    };
    let plain = on(Isa::Plain);
    let mut worst = Worst::default();
    for isa in Isa::available() {
        for (i, (got, plain)) in on(isa).into_iter().zip(&plain).enumerate() {
            let (high, low) = exact(i);
            let error = ulps(got, high, low);
            let (base, exponent) = arguments[i];
            assert!(error <= bound, "{what}({base:?}, {exponent:?}) = {got:?}: {error:.3} ULP from {high:e} on {isa}");
            assert!(
                got == *plain || high.is_nan(),
                "{what}({base:?}, {exponent:?}) = {got:?} on {isa}, {plain:?} on plain lanes"
            );
            worst.see(error, base.to_f64());
        }
    }
    worst.hold(what, bound);
}

/// Pairs whose powers cover the range of f32, and every pair of edges.
fn pow_arguments() -> Vec<(f32, f32)> {
    let random = |i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    let spread = (0..1u64 << 20).map(|i| {
        let base = f32::from_bits(random(i) as u32);
        let target = (random(3 * i + 1) as f32 / (1u64 << 31) as f32 - 0.54) * 192.0;
        (base, if i % 5 == 0 { (target / 8.0).round() } else { target / base.ln() })
    });
    let edges = [
        -3.0f32,
        -2.5,
        -2.0,
        -1.0,
        -0.5,
        -0.0,
        0.0,
        0.5,
        1.0,
        1.5,
        2.0,
        3.0,
        1e30,
        -1e30,
        1e-40,
        16777217.0,
        2147483648.0,
    ];
    let specials = edges.into_iter().chain([f32::INFINITY, f32::NEG_INFINITY, f32::NAN]);
    let pairs = specials.clone().flat_map(|base| specials.clone().map(move |exponent| (base, exponent)));
    let negative = (0..4096).map(|i| (-(i as f32) * 0.37, (i % 41 - 20) as f32));
    spread.chain(pairs).chain(negative).collect()
}

#[test]
fn log2_is_exact_for_powers_of_two() {
    let powers: Vec<f64> = (-1074..1024).map(|power| libm::scalbn(1.0, power)).collect();
    for (exponent, got) in (-1074..1024).zip(results::<f64, functions::log2>(&powers)) {
        assert_eq!(got, f64::from(exponent));
    }
}

#[test]
fn pow_of_f32_is_within_its_bound() {
    let arguments = pow_arguments();
    let exact = |i: usize| (f64::from(arguments[i].0).powf(arguments[i].1.into()), 0.0);
    hold_pow("pow of f32", POW_BOUND, &arguments, exact);
}

#[test]
fn pow_of_f64_is_within_its_bound() {
    let rows = recorded("pow", 4);
    let arguments: Vec<(f64, f64)> = rows.iter().map(|row| (row[0], row[1])).collect();
    hold_pow("pow of f64", POW_BOUND, &arguments, |i| (rows[i][2], rows[i][3]));

    let arguments: Vec<(f64, f64)> = pow_arguments().iter().map(|&(x, y)| (x.into(), f64::from(y) * 7.0)).collect();
    let exact = |i: usize| (arguments[i].0.powf(arguments[i].1), 0.0);
    hold_pow("pow of f64 beside std", POW_BOUND + 1.0, &arguments, exact);
}
