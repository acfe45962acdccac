//! Maps: a formula applied to every element.

use std::fmt::{Display, Write};

use super::operands::Pattern;
use super::{THREADS, list, unroll};
use crate::formula::any::AnyFormula;
use crate::formula::catalogue::create::box_muller;
use crate::formula::cuda::Precision;
use crate::formula::definition::Draw;
use crate::formula::expression::{Binary, Graph, Node, Unary};
use crate::kernels::{DRAWS, MAP, OPERANDS, PRELUDE, Unit};

/// The unit that applies a formula to operands of this pattern.
///
/// There are as many inputs and outputs as the formula's signature says. The kernel's arguments are a pointer per input and
/// per output, the run-time scalars in the pattern's precision, the key (64 bits) and the stream (32 bits) of the random
/// draws, and the words of the [`Walk`](super::Walk). Any number of blocks of [`THREADS`] threads does all of the work. The
/// CPU rounds a product before it is added to something: with `--fmad=false` the kernel does, too.
///
/// ```
/// use rectify::formula::catalogue::arithmetic::add;
/// use rectify::formula::unit::{Operand, Walk, map_unit};
/// use rectify::{DType, Layout, Shape};
/// let layout = Layout::contiguous(Shape::new(&[6])?);
/// let operand = Operand { dtype: DType::F32, layout: &layout, address: 0 };
/// let unit = map_unit(&add, &Walk::new(&[operand, operand], &[operand]).pattern);
/// assert_eq!(unit.kernel, "map_add");
/// assert!(unit.text.contains("= v0 + v1;"));
/// # Ok::<(), rectify::Error>(())
/// ```
pub fn map_unit(formula: &dyn AnyFormula, pattern: &Pattern) -> Unit {
    told_map_unit(formula, pattern, ToldAtRun::default())
}

/// As [`map_unit`]; the address of what is [told](ToldAtRun) takes the place of its values among the kernel's arguments.
pub fn told_map_unit(formula: &dyn AnyFormula, pattern: &Pattern, told: ToldAtRun) -> Unit {
    let signature = formula.signature();
    let arity = (pattern.inputs.len(), pattern.outputs.len());
    debug_assert_eq!(arity, (signature.inputs, signature.outputs), "{}", signature.name);
    let precision = pattern.precision();
    // What takes longer to compute than to move needs no copies, which take long to compile.
    let graph = formula.graph();
    let long = is_long(&graph, precision);
    let unroll = if long || !signature.draws.is_empty() { 1 } else { unroll(pattern) };
    let copies = if long { 1 } else { pattern.width };
    let parameters = list(signature.parameters.iter().map(|_| String::new()));
    let draws = list(signature.draws.iter().map(|draw| draw.class().to_string()));
    let (real, operands) = (precision.real(), pattern.definitions());
    let mut definitions: Vec<(_, &dyn Display)> = vec![
        ("REAL", &real),
        ("THREADS", &THREADS),
        ("UNROLL", &unroll),
        ("COPIES", &copies),
        ("PARAMETERS(X)", &parameters),
        ("DRAWS(X)", &draws),
    ];
    let told = [(told.scalars, "TOLD_SCALARS"), (told.key, "TOLD_KEY")];
    definitions.extend(told.into_iter().filter(|(is_told, _)| *is_told).map(|(_, name)| (name, &"" as &dyn Display)));
    definitions.extend(operands.iter().map(|(name, value)| (*name, value as &dyn Display)));
    let kernel = format!("{}_{}", MAP.name, signature.full_name());
    let mut unit = Unit::new(kernel, &definitions, &[PRELUDE, OPERANDS]);
    if signature.draws.contains(&Draw::Normal) {
        let pair = box_muller.graph().cuda_source(box_muller.signature(), precision);
        let _ = writeln!(unit.text, "#define DRAWS_NORMAL\nnamespace box_muller {{\n{pair}}}");
    }
    if !signature.draws.is_empty() {
        unit.text.push_str(DRAWS.text);
    }
    unit.text.push_str(&graph.cuda_source(signature, precision));
    unit.text.push_str(MAP.text);
    unit
}

/// What a kernel reads from memory when it runs, instead of being given it at its launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ToldAtRun {
    /// The run-time scalars of the formula, as f64.
    pub scalars: bool,
    /// The key of the random draws.
    pub key: bool,
}

/// The blocks that cover `count` elements in one step each; fewer take more steps.
pub fn map_blocks(pattern: &Pattern, count: usize) -> usize {
    count.div_ceil(THREADS * pattern.width as usize * unroll(pattern))
}

/// Whether the code of one element is so long that more than one copy of it is too much.
fn is_long(graph: &Graph, precision: Precision) -> bool {
    // These reduce any argument, or compute in more than the precision.
    let is_slow = |node: &Node| {
        matches!(node, Node::Unary(Unary::sin | Unary::cos | Unary::tan, _) | Node::Binary(Binary::Pow, ..))
    };
    graph.nodes.iter().any(is_slow) || precision == Precision::Double && graph.cost().special > 0
}

impl Draw {
    /// The class of `kernels/draws.cuh` that makes these numbers.
    const fn class(self) -> &'static str {
        match self {
            Self::Uniform => "Uniform",
            Self::Normal => "Normal",
            Self::Position => "Position",
        }
    }
}
