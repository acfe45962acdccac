//! Expressions: a formula evaluated with them gives its graph, with shared subexpressions and exact simplification.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use super::definition::{Arguments, Formula, MAX_INPUTS, MAX_OUTPUTS, MAX_PARAMETERS};
use super::scalar::{Mask, Scalar, elementary, mix_with_f64};

/// A formula as a graph: nodes in an order in which each uses only earlier ones, and which of them are the outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// The nodes reachable from the outputs.
    pub nodes: Vec<Node>,
    /// One place in `nodes` per output.
    pub outputs: Vec<usize>,
}

/// One operation of a graph; operands are places of earlier nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    /// A constant, as the bits of an f64 so that nodes can be compared.
    Constant(u64),
    /// An input of the formula.
    Input(usize),
    /// A run-time scalar of the formula.
    Parameter(usize),
    /// A random draw of the formula.
    Draw(usize),
    /// A function of one number.
    Unary(Unary, usize),
    /// A function of two numbers.
    Binary(Binary, usize, usize),
    /// `a * b + c`, rounded once.
    MulAdd(usize, usize, usize),
    /// A comparison: a truth value.
    Compare(Comparison, usize, usize),
    /// Both truth values.
    And(usize, usize),
    /// Either truth value.
    Or(usize, usize),
    /// The opposite truth value.
    Not(usize),
    /// The second where the first, a truth value, holds; else the third.
    Select(usize, usize, usize),
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident $(|$x:ident, $y:ident| $derivative:expr)?;)*) => {
        /// A function of one number, under the name of the method that computes it.
        #[allow(non_camel_case_types, missing_docs)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Unary { neg, abs, $($name),* }

        impl Unary {
            /// Every function.
            pub const ALL: &[Self] = &[Self::neg, Self::abs, $(Self::$name),*];

            /// The function's value in f64.
            pub fn evaluate(self, x: f64) -> f64 {
                match self {
                    Self::neg => -x,
                    Self::abs => x.abs(),
                    $(Self::$name => Scalar::$name(x)),*
                }
            }
        }
    };
}

elementary! { unary }

/// A function of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binary {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
    /// Magnitude of the first with the sign of the second.
    Copysign,
    /// The first to the power of the second.
    Pow,
}

impl Binary {
    /// The function's value in f64.
    pub fn evaluate(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Copysign => a.copysign(b),
            Self::Pow => a.powf(b),
        }
    }
}

/// A comparison of two numbers; false where either is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Below.
    Lt,
    /// At most.
    Le,
    /// Equal.
    Eq,
}

impl Comparison {
    /// The comparison in f64.
    pub fn evaluate(self, a: f64, b: f64) -> bool {
        match self {
            Self::Lt => a < b,
            Self::Le => a <= b,
            Self::Eq => a == b,
        }
    }
}

impl Graph {
    /// The graph of a formula.
    pub fn of<F: Formula>() -> Self {
        let outer = BUILDER.take();
        let inputs: [_; MAX_INPUTS] = std::array::from_fn(|i| Expression::node(Node::Input(i)));
        let parameters: [_; MAX_PARAMETERS] = std::array::from_fn(|i| Expression::node(Node::Parameter(i)));
        let draws: [_; MAX_INPUTS] = std::array::from_fn(|i| Expression::node(Node::Draw(i)));
        let mut outputs = [Expression::from(0.0); MAX_OUTPUTS];
        F::evaluate(Arguments { inputs: &inputs, parameters: &parameters, draws: &draws }, &mut outputs);
        let built = BUILDER.replace(outer);
        Self::reachable(&built.nodes, &outputs[..F::SIGNATURE.outputs])
    }

    /// Whether the outputs depend on this node.
    pub fn uses(&self, node: Node) -> bool {
        self.nodes.contains(&node)
    }

    /// What one element costs: arithmetic operations, and calls of elementary functions.
    pub fn cost(&self) -> Cost {
        let mut cost = Cost { arithmetic: 0, special: 0 };
        for node in &self.nodes {
            match node {
                Node::Constant(_) | Node::Input(_) | Node::Parameter(_) | Node::Draw(_) => {}
                Node::Unary(Unary::neg | Unary::abs, _) => cost.arithmetic += 1,
                Node::Unary(..) | Node::Binary(Binary::Div | Binary::Pow, ..) => cost.special += 1,
                Node::MulAdd(..) => cost.arithmetic += 2,
                _ => cost.arithmetic += 1,
            }
        }
        cost
    }

    /// The outputs in f64, node by node: the check on the graph and its simplification.
    pub fn evaluate(&self, arguments: Arguments<'_, f64>) -> Vec<f64> {
        let mut values: Vec<f64> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            values.push(node.evaluate(arguments, |place| values[place]));
        }
        self.outputs.iter().map(|&place| values[place]).collect()
    }

    /// Keeps the nodes the outputs depend on, in their order.
    fn reachable(nodes: &[Node], outputs: &[Expression]) -> Self {
        let mut needed = vec![false; nodes.len()];
        outputs.iter().for_each(|output| needed[output.0] = true);
        for place in (0..nodes.len()).rev() {
            if needed[place] {
                nodes[place].operands().into_iter().flatten().for_each(|operand| needed[operand] = true);
            }
        }
        let mut places = vec![0; nodes.len()];
        let mut kept = Vec::new();
        for (place, &node) in nodes.iter().enumerate().filter(|&(place, _)| needed[place]) {
            places[place] = kept.len();
            kept.push(node.map(|operand| places[operand]));
        }
        Self { nodes: kept, outputs: outputs.iter().map(|output| places[output.0]).collect() }
    }
}

/// The work of one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Additions, multiplications, comparisons and choices; a fused multiply-add counts two.
    pub arithmetic: usize,
    /// Divisions, roots, powers and elementary functions.
    pub special: usize,
}

impl Node {
    /// The places of the operands.
    pub fn operands(self) -> [Option<usize>; 3] {
        match self {
            Self::Constant(_) | Self::Input(_) | Self::Parameter(_) | Self::Draw(_) => [None; 3],
            Self::Unary(_, a) | Self::Not(a) => [Some(a), None, None],
            Self::Binary(_, a, b) | Self::Compare(_, a, b) | Self::And(a, b) | Self::Or(a, b) => {
                [Some(a), Some(b), None]
            }
            Self::MulAdd(a, b, c) | Self::Select(a, b, c) => [Some(a), Some(b), Some(c)],
        }
    }

    /// The value in f64, where `operand` gives those of earlier nodes; of truth values 0 or 1.
    pub fn evaluate(self, arguments: Arguments<'_, f64>, operand: impl Fn(usize) -> f64) -> f64 {
        let v = operand;
        let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
        match self {
            Self::Constant(bits) => f64::from_bits(bits),
            Self::Input(i) => arguments.inputs[i],
            Self::Parameter(i) => arguments.parameters[i],
            Self::Draw(i) => arguments.draws[i],
            Self::Unary(function, x) => function.evaluate(v(x)),
            Self::Binary(function, a, b) => function.evaluate(v(a), v(b)),
            Self::MulAdd(a, b, c) => v(a).mul_add(v(b), v(c)),
            Self::Compare(comparison, a, b) => truth(comparison.evaluate(v(a), v(b))),
            Self::And(a, b) => v(a) * v(b),
            Self::Or(a, b) => v(a).max(v(b)),
            Self::Not(a) => 1.0 - v(a),
            Self::Select(mask, yes, no) => v(if v(mask) != 0.0 { yes } else { no }),
        }
    }

    /// The same operation on other places.
    fn map(self, place: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::Constant(_) | Self::Input(_) | Self::Parameter(_) | Self::Draw(_) => self,
            Self::Unary(f, a) => Self::Unary(f, place(a)),
            Self::Not(a) => Self::Not(place(a)),
            Self::Binary(f, a, b) => Self::Binary(f, place(a), place(b)),
            Self::Compare(f, a, b) => Self::Compare(f, place(a), place(b)),
            Self::And(a, b) => Self::And(place(a), place(b)),
            Self::Or(a, b) => Self::Or(place(a), place(b)),
            Self::MulAdd(a, b, c) => Self::MulAdd(place(a), place(b), place(c)),
            Self::Select(a, b, c) => Self::Select(place(a), place(b), place(c)),
        }
    }
}

/// A number still to be computed: a place in the graph being built on this thread.
#[derive(Debug, Clone, Copy)]
pub struct Expression(usize);

/// A truth value still to be computed.
#[derive(Debug, Clone, Copy)]
pub struct Condition(usize);

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    known: HashMap<Node, usize>,
}

thread_local! {
    static BUILDER: RefCell<Builder> = RefCell::default();
}

/// The place of `node` in the graph being built; equal nodes share one place.
fn place(node: Node) -> usize {
    BUILDER.with_borrow_mut(|builder| {
        *builder.known.entry(node).or_insert_with(|| {
            builder.nodes.push(node);
            builder.nodes.len() - 1
        })
    })
}

impl Expression {
    fn node(node: Node) -> Self {
        Self(place(node))
    }

    /// The value, if it is a constant.
    fn constant(self) -> Option<f64> {
        match BUILDER.with_borrow(|builder| builder.nodes[self.0]) {
            Node::Constant(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// Whether it is the constant of these very bits.
    fn is(self, value: f64) -> bool {
        self.constant().is_some_and(|constant| constant.to_bits() == value.to_bits())
    }

    /// What it is the negative of.
    fn negated(self) -> Option<Self> {
        match BUILDER.with_borrow(|builder| builder.nodes[self.0]) {
            Node::Unary(Unary::neg, inner) => Some(Self(inner)),
            _ => None,
        }
    }

    fn unary(self, function: Unary) -> Self {
        match self.constant() {
            Some(x) => Self::from(function.evaluate(x)),
            None => Self::node(Node::Unary(function, self.0)),
        }
    }

    /// Folds constants and drops neutral operands, only where the result keeps every bit for every argument.
    fn binary(self, function: Binary, other: Self) -> Self {
        match (function, self.constant(), other.constant()) {
            (_, Some(a), Some(b)) => return Self::from(function.evaluate(a, b)),
            (Binary::Add, ..) if other.is(-0.0) => return self,
            (Binary::Add, ..) if self.is(-0.0) => return other,
            (Binary::Sub, ..) if other.is(0.0) => return self,
            (Binary::Mul | Binary::Div, ..) if other.is(1.0) => return self,
            (Binary::Mul, ..) if self.is(1.0) => return other,
            (Binary::Mul | Binary::Div, ..) if other.is(-1.0) => return -self,
            (Binary::Mul, ..) if self.is(-1.0) => return -other,
            _ => {}
        }
        match (function, self.negated(), other.negated()) {
            (Binary::Add, _, Some(negated)) => return self - negated,
            (Binary::Add, Some(negated), None) => return other - negated,
            (Binary::Sub, _, Some(negated)) => return self + negated,
            _ => {}
        }
        let commutes = matches!(function, Binary::Add | Binary::Mul);
        let (a, b) = if commutes && other.0 < self.0 { (other.0, self.0) } else { (self.0, other.0) };
        Self::node(Node::Binary(function, a, b))
    }

    fn compare(self, comparison: Comparison, other: Self) -> Condition {
        Condition(place(Node::Compare(comparison, self.0, other.0)))
    }
}

impl From<f64> for Expression {
    fn from(value: f64) -> Self {
        Self::node(Node::Constant(value.to_bits()))
    }
}

impl Neg for Expression {
    type Output = Self;

    fn neg(self) -> Self {
        self.negated().unwrap_or_else(|| self.unary(Unary::neg))
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident),*) => {
        $(impl $trait for Expression {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                self.binary(Binary::$trait, other)
            }
        })*
    };
}

arithmetic! { Add add, Sub sub, Mul mul, Div div }
mix_with_f64! { Expression, [] }

macro_rules! elementary_nodes {
    ($($(#[$doc:meta])* $name:ident $(|$x:ident, $y:ident| $derivative:expr)?;)*) => {
        $(fn $name(self) -> Self { self.unary(Unary::$name) })*
    };
}

impl Scalar for Expression {
    type Mask = Condition;

    fn lt(self, other: impl Into<Self>) -> Condition {
        self.compare(Comparison::Lt, other.into())
    }

    fn le(self, other: impl Into<Self>) -> Condition {
        self.compare(Comparison::Le, other.into())
    }

    fn eq(self, other: impl Into<Self>) -> Condition {
        self.compare(Comparison::Eq, other.into())
    }

    fn mul_add(self, factor: Self, term: Self) -> Self {
        if let (Some(a), Some(b), Some(c)) = (self.constant(), factor.constant(), term.constant()) {
            return Self::from(a.mul_add(b, c));
        }
        // Where the product or the sum is exact by itself there is nothing to fuse.
        if [self, factor].into_iter().any(|e| e.is(1.0) || e.is(-1.0)) || term.is(-0.0) {
            return self * factor + term;
        }
        let (a, b) = (self.0.min(factor.0), self.0.max(factor.0));
        Self::node(Node::MulAdd(a, b, term.0))
    }

    fn abs(self) -> Self {
        self.unary(Unary::abs)
    }

    fn copysign(self, sign: Self) -> Self {
        self.binary(Binary::Copysign, sign)
    }

    fn pow(self, exponent: Self) -> Self {
        self.binary(Binary::Pow, exponent)
    }

    elementary! { elementary_nodes }
}

impl Mask<Expression> for Condition {
    fn select(self, yes: impl Into<Expression>, no: impl Into<Expression>) -> Expression {
        let (yes, no) = (yes.into(), no.into());
        if yes.0 == no.0 { yes } else { Expression::node(Node::Select(self.0, yes.0, no.0)) }
    }
}

impl BitAnd for Condition {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(place(Node::And(self.0, other.0)))
    }
}

impl BitOr for Condition {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(place(Node::Or(self.0, other.0)))
    }
}

impl Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        Self(place(Node::Not(self.0)))
    }
}
