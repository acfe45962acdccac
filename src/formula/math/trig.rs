//! Trigonometric functions and their inverses.

use std::f64::consts::FRAC_2_PI;

use super::{Elementary, constants, polynomial};
use crate::dtype::Element;
use crate::formula::lanes::{LaneElement, Lanes, MAX_WIDTH};

/// The sine of an angle in radians. Error below 1 ULP, for every finite angle.
#[inline(always)]
pub fn sin<L: Lanes>(x: L) -> L {
    let reduced = Reduced::new(x);
    let result = reduced.flip(L::select(reduced.is_odd(), reduced.cos(), reduced.sin()), L::constant(0.0));
    huge_by_scalar(x, with_sign_of(x, result), libm::sin)
}

/// The cosine of an angle in radians. Error below 1 ULP, for every finite angle.
#[inline(always)]
pub fn cos<L: Lanes>(x: L) -> L {
    let reduced = Reduced::new(x);
    let result = reduced.flip(L::select(reduced.is_odd(), reduced.sin(), reduced.cos()), L::constant(1.0));
    huge_by_scalar(x, result, libm::cos)
}

/// The tangent of an angle in radians. Error below 2.3 ULP, for every finite angle.
#[inline(always)]
pub fn tan<L: Lanes>(x: L) -> L {
    let reduced = Reduced::new(x);
    let (sin, cos, odd) = (reduced.sin(), reduced.cos(), reduced.is_odd());
    let result = L::select(odd, -cos, sin) / L::select(odd, sin, cos);
    huge_by_scalar(x, with_sign_of(x, result), libm::tan)
}

/// The angle with this sine, from -pi/2 to pi/2. Error below 2 ULP; NaN outside [-1, 1].
#[inline(always)]
pub fn asin<L: Lanes>(x: L) -> L {
    let [high, low, _] = constants::<L, 3>(L::Element::HALF_PI);
    let (near, angle) = half_asin(x.abs());
    L::select(near, angle, high - (angle + angle - low)).copysign(x)
}

/// The angle with this cosine, from 0 to pi. Error below 1.1 ULP; NaN outside [-1, 1].
#[inline(always)]
pub fn acos<L: Lanes>(x: L) -> L {
    let [high, low, _] = constants::<L, 3>(L::Element::HALF_PI);
    let (near, angle) = half_asin(x.abs());
    let beside = high - (angle.copysign(x) - low);
    let opposite = high - (angle - low);
    let far = L::select(x.lt(L::constant(0.0)), opposite, angle);
    L::select(near, beside, far + far)
}

/// The angle with this tangent, from -pi/2 to pi/2. Error below 2 ULP.
#[inline(always)]
pub fn atan<L: Lanes>(x: L) -> L {
    const TAN_PI_8: f64 = 0.414_213_562_373_095_05;
    const TAN_3_PI_8: f64 = 2.414_213_562_373_095;
    let a = x.abs();
    let one = L::constant(1.0);
    let range = (L::constant(TAN_PI_8).lt(a), L::constant(TAN_3_PI_8).lt(a));
    // atan a = pi/4 + atan((a - 1) / (a + 1)) = pi/2 + atan(-1 / a)
    let t = by_range(range, [a, a - one, -one]) / by_range(range, [one, a + one, a]);
    let [high, low, _] = L::Element::HALF_PI;
    let high = by_range::<L>(range, constants([0.0, 0.5 * high, high]));
    let low = by_range::<L>(range, constants([0.0, 0.5 * low, low]));
    let square = t * t;
    (high + (t + (t * square).mul_add(polynomial(square, L::Element::ATAN), low))).copysign(x)
}

/// The first value where neither mask holds, the last where both do, the second elsewhere.
#[inline(always)]
fn by_range<L: Lanes>((beyond_first, beyond_second): (L::Mask, L::Mask), [first, second, third]: [L; 3]) -> L {
    L::select(beyond_second, third, L::select(beyond_first, second, first))
}

/// Whether 0 <= a <= 1/2, and asin a if it is, else half of acos a.
#[inline(always)]
fn half_asin<L: Lanes>(a: L) -> (L::Mask, L) {
    let half = L::constant(0.5);
    let near = a.le(half);
    let square = L::select(near, a * a, (L::constant(1.0) - a) * half);
    let root = square.sqrt();
    let root_error = (-root).mul_add(root, square) / (root + root).max(L::constant(1e-30));
    let (t, low) = (L::select(near, a, root), L::select(near, L::constant(0.0), root_error));
    (near, t + (t * square).mul_add(polynomial(square, L::Element::ASIN), low))
}

/// |x| = quadrant * pi/2 + high + low with |high + low| <= pi/4, for magnitudes up to `TRIG_LIMIT`.
struct Reduced<L> {
    quadrant: L,
    high: L,
    low: L,
}

impl<L: Lanes> Reduced<L> {
    #[inline(always)]
    fn new(x: L) -> Self {
        let a = x.abs();
        let [first, second, third] = constants::<L, 3>(L::Element::HALF_PI);
        let quadrant = (a * L::constant(FRAC_2_PI)).round();
        let rest = quadrant.mul_add(-first, a); // exact: both are multiples of the last place of `first`
        let product = quadrant * second;
        let product_error = quadrant.mul_add(second, -product);
        let high = rest - product;
        let taken = rest - high;
        let error = (rest - (high + taken)) + (taken - product);
        Self { quadrant, high, low: quadrant.mul_add(-third, error - product_error) }
    }

    #[inline(always)]
    fn sin(&self) -> L {
        let square = self.high * self.high;
        let low = (square * self.low).mul_add(L::constant(-0.5), self.low);
        self.high + (self.high * square).mul_add(polynomial(square, L::Element::SIN), low)
    }

    #[inline(always)]
    fn cos(&self) -> L {
        let one = L::constant(1.0);
        let square = self.high * self.high;
        let half = square * L::constant(0.5);
        let leading = one - half;
        let rest = (square * square).mul_add(polynomial(square, L::Element::COS), -(self.high * self.low));
        leading + (((one - leading) - half) + rest)
    }

    #[inline(always)]
    fn is_odd(&self) -> L::Mask {
        let half = self.quadrant * L::constant(0.5);
        L::mask_not(half.eq(half.floor()))
    }

    /// Changes the sign in the quadrants where `quadrant + offset` has its second bit set.
    #[inline(always)]
    fn flip(&self, value: L, offset: L) -> L {
        let sign_position = L::Element::DTYPE.size() as u32 * 8 - 1;
        let second_bit = L::bits_shr((self.quadrant + offset).to_int(), 1);
        L::from_bits(L::bits_xor(value.to_bits(), L::bits_shl(second_bit, sign_position)))
    }
}

/// `value`, negated where `x` is.
#[inline(always)]
fn with_sign_of<L: Lanes>(x: L, value: L) -> L {
    let sign = L::bits_and(x.to_bits(), L::constant(-0.0).to_bits());
    L::from_bits(L::bits_xor(value.to_bits(), sign))
}

/// `result`, or the scalar function where the magnitude is too large for the reduction.
#[inline(always)]
fn huge_by_scalar<L: Lanes>(x: L, result: L, scalar: fn(f64) -> f64) -> L {
    let huge = L::constant(L::Element::TRIG_LIMIT).lt(x.abs());
    if L::any(huge) {
        return L::select(huge, L::from_array(by_scalar(x.to_array(), scalar)), result);
    }
    result
}

#[cold]
#[inline(never)]
fn by_scalar<E: LaneElement>(lanes: [E; MAX_WIDTH], scalar: fn(f64) -> f64) -> [E; MAX_WIDTH] {
    lanes.map(|x| E::from_f64(scalar(x.to_f64())))
}
