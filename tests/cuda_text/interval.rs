//! What a graph may give when each operation is rounded as in IEEE 754 and each elementary function is off by a few ULP.

use std::cmp::Ordering;

use rectify::formula::{Arguments, Binary, Graph, Node, Precision, Unary};

/// How far an elementary function may be off. Arithmetic, roots and comparisons are exact.
const ULPS: f64 = 4.0;

/// The numbers a value may be: none at all, or from `low` to `high` in the total order of IEEE 754, which tells zeros
/// apart; and perhaps NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    numbers: Option<(f64, f64)>,
    nan: bool,
}

impl Interval {
    const EMPTY: Self = Self { numbers: None, nan: false };

    /// The numbers this close to `value`; NaN if it is NaN.
    #[allow(dead_code, reason = "one of the tests has references of its own")]
    pub fn around(value: f64, precision: Precision, ulps: f64) -> Self {
        let mut interval = Self::EMPTY;
        within_ulps(value, precision, ulps).into_iter().for_each(|end| interval.include(round(end, precision)));
        interval
    }

    /// What a function that keeps the order makes of the numbers.
    #[allow(dead_code, reason = "one of the tests rounds further")]
    pub fn map(self, function: impl Fn(f64) -> f64) -> Self {
        Self { numbers: self.numbers.map(|(low, high)| (function(low), function(high))), ..self }
    }

    /// Whether `value` is among them.
    pub fn contains(self, value: f64) -> bool {
        if value.is_nan() {
            return self.nan;
        }
        self.numbers.is_some_and(|(low, high)| {
            low.total_cmp(&value) != Ordering::Greater && value.total_cmp(&high) != Ordering::Greater
        })
    }

    fn include(&mut self, value: f64) {
        if value.is_nan() {
            self.nan = true;
            return;
        }
        let (low, high) = self.numbers.unwrap_or((value, value));
        let below = value.total_cmp(&low) == Ordering::Less;
        let above = value.total_cmp(&high) == Ordering::Greater;
        self.numbers = Some((if below { value } else { low }, if above { value } else { high }));
    }

    /// The ends of the interval, zeros if they are between them, and NaN with either sign.
    fn corners(self) -> Vec<f64> {
        let mut corners = Vec::with_capacity(4);
        if let Some((low, high)) = self.numbers {
            corners.push(low);
            if low.to_bits() != high.to_bits() {
                corners.push(high);
            }
            if low < 0.0 && high > 0.0 {
                corners.extend([0.0, -0.0]);
            }
        }
        if self.nan {
            corners.extend([f64::NAN, -f64::NAN]);
        }
        corners
    }
}

/// What each output of the graph may be for these arguments, which the precision holds exactly.
pub fn outputs(graph: &Graph, precision: Precision, arguments: Arguments<'_, f64>) -> Vec<Interval> {
    let mut intervals: Vec<Interval> = Vec::with_capacity(graph.nodes.len());
    for &node in &graph.nodes {
        let corners = node.operands().map(|operand| operand.map_or(vec![0.0], |place| intervals[place].corners()));
        let [first, second, third] = node.operands();
        let mut interval = Interval::EMPTY;
        for &a in &corners[0] {
            for &b in &corners[1] {
                for &c in &corners[2] {
                    let operand = |place| {
                        if Some(place) == first {
                            a
                        } else if Some(place) == second {
                            b
                        } else {
                            debug_assert_eq!(Some(place), third);
                            c
                        }
                    };
                    let value = match (node, precision) {
                        (Node::MulAdd(x, y, z), Precision::Single) => {
                            let [x, y, z] = [x, y, z].map(|place| operand(place) as f32);
                            f64::from(x.mul_add(y, z))
                        }
                        _ => node.evaluate(arguments, operand),
                    };
                    for value in if is_exact(node) { [value; 2] } else { within_ulps(value, precision, ULPS) } {
                        interval.include(round(value, precision));
                    }
                }
            }
        }
        intervals.push(interval);
    }
    graph.outputs.iter().map(|&place| intervals[place]).collect()
}

/// The nearest number of the precision.
pub fn round(value: f64, precision: Precision) -> f64 {
    match precision {
        Precision::Single => f64::from(value as f32),
        Precision::Double => value,
    }
}

fn is_exact(node: Node) -> bool {
    match node {
        Node::Unary(function, _) => matches!(
            function,
            Unary::neg | Unary::abs | Unary::sqrt | Unary::floor | Unary::ceil | Unary::trunc | Unary::round
        ),
        Node::Binary(Binary::Pow, ..) => false,
        _ => true,
    }
}

/// The numbers furthest from `value` that are within the tolerance and have its sign; zeros, infinities and NaN stand.
fn within_ulps(value: f64, precision: Precision, ulps: f64) -> [f64; 2] {
    if value == 0.0 || !value.is_finite() {
        return [value; 2];
    }
    let (epsilon, least) = match precision {
        Precision::Single => (f64::from(f32::EPSILON), f64::from(f32::from_bits(1))),
        Precision::Double => (f64::EPSILON, f64::from_bits(1)),
    };
    let margin = ulps * (epsilon * value.abs()).max(least);
    [(value.abs() - margin).max(0.0), value.abs() + margin].map(|magnitude| magnitude.copysign(value))
}
