//! Prints a formula as CUDA C++: the device function that `kernels/map.cu` applies to every element.

use std::fmt::Write;

use super::definition::Signature;
use super::expression::{Binary, Comparison, Graph, Node, Unary};
use crate::dtype::DType;

/// The type a printed formula computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// `float`: tensors of f32, f16 and bf16.
    Single,
    /// `double`.
    Double,
}

impl Graph {
    /// The formula as the device function `formula` on arrays of `REAL`, one statement per node.
    ///
    /// It uses nothing but the C mathematical functions and the constants of `kernels/prelude.cuh`, so a host compiler
    /// accepts it as well.
    pub fn cuda_source(&self, signature: &Signature, precision: Precision) -> String {
        let mut text = format!(
            "// {}: {:?}\n__device__ inline void formula(const REAL* inputs, const REAL* parameters, const REAL* draws, \
             REAL* outputs) {{\n",
            signature.name, signature.role
        );
        for unused in ["inputs", "parameters", "draws"] {
            let _ = writeln!(text, "    (void){unused};");
        }
        for (place, node) in self.nodes.iter().enumerate() {
            let kind = if node.is_condition() { "bool" } else { "REAL" };
            let _ = writeln!(text, "    const {kind} v{place} = {};", precision.node(*node));
        }
        for (output, place) in self.outputs.iter().enumerate() {
            let _ = writeln!(text, "    outputs[{output}] = v{place};");
        }
        text.push_str("}\n");
        text
    }
}

impl Precision {
    /// What operands of these types are computed with in: double precision where single could not hold every value exactly.
    pub fn of(dtypes: impl IntoIterator<Item = DType>) -> Self {
        let wide = |dtype| matches!(dtype, DType::F64 | DType::I64 | DType::I32 | DType::U32);
        if dtypes.into_iter().any(wide) { Self::Double } else { Self::Single }
    }

    /// The type as that of elements.
    pub const fn dtype(self) -> DType {
        match self {
            Self::Single => DType::F32,
            Self::Double => DType::F64,
        }
    }

    /// The C++ type.
    pub const fn real(self) -> &'static str {
        match self {
            Self::Single => "float",
            Self::Double => "double",
        }
    }

    fn node(self, node: Node) -> String {
        match node {
            Node::Constant(bits) => self.constant(f64::from_bits(bits)),
            Node::Input(i) => format!("inputs[{i}]"),
            Node::Parameter(i) => format!("parameters[{i}]"),
            Node::Draw(i) => format!("draws[{i}]"),
            Node::Unary(Unary::neg, a) => format!("-v{a}"),
            Node::Unary(function, a) => self.call(unary_name(function), &[a]),
            Node::Binary(Binary::Add, a, b) => format!("v{a} + v{b}"),
            Node::Binary(Binary::Sub, a, b) => format!("v{a} - v{b}"),
            Node::Binary(Binary::Mul, a, b) => format!("v{a} * v{b}"),
            Node::Binary(Binary::Div, a, b) => format!("v{a} / v{b}"),
            Node::Binary(Binary::Copysign, a, b) => self.call("copysign", &[a, b]),
            Node::Binary(Binary::Pow, a, b) => self.call("pow", &[a, b]),
            Node::MulAdd(a, b, c) => self.call("fma", &[a, b, c]),
            Node::Compare(Comparison::Lt, a, b) => format!("v{a} < v{b}"),
            Node::Compare(Comparison::Le, a, b) => format!("v{a} <= v{b}"),
            Node::Compare(Comparison::Eq, a, b) => format!("v{a} == v{b}"),
            Node::And(a, b) => format!("v{a} && v{b}"),
            Node::Or(a, b) => format!("v{a} || v{b}"),
            Node::Not(a) => format!("!v{a}"),
            Node::Select(mask, yes, no) => format!("v{mask} ? v{yes} : v{no}"),
        }
    }

    fn call(self, function: &str, operands: &[usize]) -> String {
        let suffix = if self == Self::Single { "f" } else { "" };
        let list: Vec<_> = operands.iter().map(|operand| format!("v{operand}")).collect();
        format!("{function}{suffix}({})", list.join(", "))
    }

    /// A literal that reads back as the same number.
    fn constant(self, value: f64) -> String {
        match (self, value) {
            (_, value) if value.is_nan() => "REAL_NAN".into(),
            (_, f64::INFINITY) => "REAL_INFINITY".into(),
            (_, f64::NEG_INFINITY) => "-REAL_INFINITY".into(),
            (Self::Single, value) if (value as f32).is_infinite() => {
                if value > 0.0 {
                    "REAL_INFINITY".into()
                } else {
                    "-REAL_INFINITY".into()
                }
            }
            (Self::Single, value) => format!("{:?}f", value as f32),
            (Self::Double, value) => format!("{value:?}"),
        }
    }
}

impl Node {
    /// Whether the node's value is a truth value.
    pub const fn is_condition(self) -> bool {
        matches!(self, Self::Compare(..) | Self::And(..) | Self::Or(..) | Self::Not(_))
    }
}

/// The C name of a function of one number.
fn unary_name(function: Unary) -> &'static str {
    match function {
        Unary::neg => "-",
        Unary::abs => "fabs",
        Unary::exp => "exp",
        Unary::exp2 => "exp2",
        Unary::exp_m1 => "expm1",
        Unary::ln => "log",
        Unary::ln_1p => "log1p",
        Unary::log2 => "log2",
        Unary::log10 => "log10",
        Unary::sqrt => "sqrt",
        Unary::cbrt => "cbrt",
        Unary::sin => "sin",
        Unary::cos => "cos",
        Unary::tan => "tan",
        Unary::asin => "asin",
        Unary::acos => "acos",
        Unary::atan => "atan",
        Unary::sinh => "sinh",
        Unary::cosh => "cosh",
        Unary::tanh => "tanh",
        Unary::erf => "erf",
        Unary::erfc => "erfc",
        Unary::floor => "floor",
        Unary::ceil => "ceil",
        Unary::trunc => "trunc",
        // Halves to even, as everywhere in the crate.
        Unary::round => "rint",
    }
}
