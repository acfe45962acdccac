//! The text of a few formulas and of the units around them.

use std::collections::HashSet;

use rectify::DType;
use rectify::formula::catalogue::activation::relu;
use rectify::formula::catalogue::{arithmetic, create};
use rectify::formula::unit::{
    Combine, Copy, Operand, Reduce, THREADS, ToldAtRun, Walk, copy_unit, examples, map_blocks, map_unit, reduce_unit,
    told_map_unit, transpose_unit,
};
use rectify::formula::{AnyFormula, Precision};
use rectify::kernels::Unit;
use rectify::{Layout, Shape};

use super::formulas::{constants, dropout, mish, neutral};

/// The statements of the printed function.
fn statements(formula: &dyn AnyFormula, precision: Precision) -> Vec<String> {
    let text = formula.graph().cuda_source(formula.signature(), precision);
    let inside = text.lines().filter_map(|line| line.strip_prefix("    "));
    inside.filter(|line| !line.starts_with("(void)")).map(str::to_owned).collect()
}

#[test]
fn a_formula_is_one_statement_per_operation() {
    let expected = [
        "const REAL v0 = inputs[0];",
        "const REAL v1 = 0.0f;",
        "const bool v2 = v0 <= v1;",
        "const REAL v3 = v2 ? v1 : v0;",
        "const REAL v4 = fabsf(v0);",
        "const REAL v5 = -v4;",
        "const REAL v6 = expf(v5);",
        "const REAL v7 = log1pf(v6);",
        "const REAL v8 = v3 + v7;",
        "const REAL v9 = tanhf(v8);",
        "const REAL v10 = v0 * v9;",
        "outputs[0] = v10;",
    ];
    assert_eq!(statements(&mish, Precision::Single), expected);
}

/// The derivative of the softplus is a logistic function: it shares its exponential. The factor 1 of the product rule is
/// gone, and so is the sum with a negative.
#[test]
fn a_gradient_shares_what_it_needs_of_the_value() {
    let expected = [
        "const REAL v0 = inputs[0];",
        "const REAL v1 = inputs[1];",
        "const REAL v2 = 0.0;",
        "const REAL v3 = 1.0;",
        "const bool v4 = v0 <= v2;",
        "const REAL v5 = v4 ? v2 : v0;",
        "const REAL v6 = fabs(v0);",
        "const REAL v7 = -v6;",
        "const REAL v8 = exp(v7);",
        "const REAL v9 = log1p(v8);",
        "const REAL v10 = v5 + v9;",
        "const bool v11 = v0 < v2;",
        "const REAL v12 = v11 ? v8 : v3;",
        "const REAL v13 = v3 + v8;",
        "const REAL v14 = v12 / v13;",
        "const REAL v15 = tanh(v10);",
        "const REAL v16 = v15 * v15;",
        "const REAL v17 = v3 - v16;",
        "const REAL v18 = v14 * v17;",
        "const REAL v19 = v0 * v18;",
        "const REAL v20 = v15 + v19;",
        "const REAL v21 = v1 * v20;",
        "outputs[0] = v21;",
    ];
    assert_eq!(statements(&*mish.gradient(0).unwrap(), Precision::Double), expected);
}

#[test]
fn a_gradient_from_the_output_does_not_read_the_input() {
    let expected = [
        "const REAL v0 = inputs[0];",
        "const REAL v1 = inputs[1];",
        "const REAL v2 = 0.0f;",
        "const bool v3 = v2 < v0;",
        "const REAL v4 = 1.0f;",
        "const REAL v5 = v3 ? v4 : v2;",
        "const REAL v6 = v1 * v5;",
        "outputs[0] = v6;",
    ];
    assert_eq!(statements(&*relu.gradient_from_output().unwrap(), Precision::Single), expected);
}

#[test]
fn scalars_and_draws_are_arguments() {
    let expected = [
        "const REAL v0 = inputs[0];",
        "const REAL v1 = parameters[0];",
        "const REAL v2 = draws[0];",
        "const REAL v3 = 0.0f;",
        "const bool v4 = v2 < v1;",
        "const REAL v5 = v0 / v1;",
        "const REAL v6 = v4 ? v5 : v3;",
        "outputs[0] = v6;",
    ];
    assert_eq!(statements(&dropout { keep: 0.75 }, Precision::Single), expected);
    assert_eq!(statements(&dropout { keep: 0.5 }, Precision::Single), expected);
}

#[test]
fn only_what_changes_no_bit_is_simplified() {
    let expected =
        ["const REAL v0 = inputs[0];", "const REAL v1 = 0.0f;", "const REAL v2 = v0 + v1;", "outputs[0] = v2;"];
    assert_eq!(statements(&neutral, Precision::Single), expected);
    rectify::formula! { fn four_times(x) = x + x + (x + x) }
    let expected =
        ["const REAL v0 = inputs[1];", "const REAL v1 = 4.0f;", "const REAL v2 = v0 * v1;", "outputs[0] = v2;"];
    assert_eq!(statements(&*four_times.gradient(0).unwrap(), Precision::Single), expected);
}

#[test]
fn constants_are_those_of_the_precision() {
    let lines = |precision| statements(&constants, precision).join("\n");
    for (precision, literals) in [
        (
            Precision::Single,
            ["= REAL_NAN;", "= -REAL_INFINITY;", "= 0.1f;", "= 1e-42f;", "= -0.0f;", "= REAL_INFINITY;"],
        ),
        (Precision::Double, ["= REAL_NAN;", "= -REAL_INFINITY;", "= 0.1;", "= 1e-42;", "= -0.0;", "= -1e300;"]),
    ] {
        let lines = lines(precision);
        literals.iter().for_each(|literal| assert!(lines.contains(literal), "{literal} in\n{lines}"));
    }
    assert!(!lines(Precision::Single).contains("1e300"));
}

/// C's `fmax` would drop a NaN.
#[test]
fn extrema_keep_nan() {
    for extremum in [&arithmetic::maximum as &dyn AnyFormula, &arithmetic::minimum] {
        let lines = statements(extremum, Precision::Single).join("\n");
        assert!(!lines.contains("fm") && lines.contains("!") && lines.contains("?"), "{lines}");
    }
}

/// The walk of operands of these shapes, each laid out without gaps, broadcast to that of the output.
fn walk(inputs: &[(DType, &[usize])], output: (DType, &[usize])) -> Walk {
    let layout = |&(_, sizes): &(DType, &[usize])| Layout::contiguous(Shape::new(sizes).unwrap());
    let target = layout(&output);
    let layouts: Vec<_> =
        inputs.iter().map(|input| layout(input).broadcast_to("map", target.shape()).unwrap()).collect();
    let operand = |(&(dtype, _), layout)| Operand { dtype, layout, address: 0 };
    let inputs: Vec<_> = inputs.iter().zip(&layouts).map(operand).collect();
    Walk::new(&inputs, &[operand((&output, &target))])
}

fn assert_lines(unit: &Unit, lines: &[&str]) {
    for line in lines {
        assert!(unit.text.lines().any(|found| found == *line), "{line}");
    }
}

#[test]
fn a_unit_names_its_operands() {
    let pattern = walk(&[(DType::F16, &[6])], (DType::Bf16, &[6])).pattern;
    let unit = map_unit(&arithmetic::scale_shift { factor: 2.0, term: 1.0 }, &pattern);
    assert_lines(
        &unit,
        &[
            "#define REAL float",
            "#define KERNEL map_scale_shift",
            "#define WIDTH 8",
            "#define UNROLL 2",
            "#define RANK 0",
            "#define INPUTS(X) X(0, Contiguous, f16, 0)",
            "#define OUTPUTS(X) X(0, Contiguous, bf16, 0)",
            "#define PARAMETERS(X) X(0) X(1)",
            "#define DRAWS(X) ",
        ],
    );
    assert_eq!((unit.kernel.as_str(), pattern.precision()), ("map_scale_shift", Precision::Single));
    assert!(!unit.text.contains("philox"), "only formulas that draw bring the generator along");
    let step = THREADS * 8 * 2;
    assert_eq!([0, 1, step, step + 1].map(|count| map_blocks(&pattern, count)), [0, 1, 1, 2]);

    let pattern = walk(&[(DType::F16, &[2, 3]), (DType::F32, &[1])], (DType::F32, &[2, 3])).pattern;
    let unit = map_unit(&arithmetic::add, &pattern);
    assert_lines(&unit, &["#define INPUTS(X) X(0, Contiguous, f16, 0) X(1, Broadcast, f32, 0)"]);
    let double: (_, &[usize]) = (DType::F64, &[6]);
    let unit = map_unit(&*arithmetic::mul.gradient(1).unwrap(), &walk(&[double; 3], double).pattern);
    assert_eq!(unit.kernel, "map_mul_gradient1");
    assert_lines(&unit, &["#define REAL double", "#define WIDTH 2"]);
    let pattern = walk(&[], (DType::F32, &[6])).pattern;
    let unit = map_unit(&create::normal { mean: 0.0, deviation: 1.0 }, &pattern);
    assert!(unit.text.contains("#define DRAWS(X) X(0, Normal)\n") && unit.text.contains("namespace box_muller"));
}

/// What captured work is told comes by address; everything else is as ever.
#[test]
fn a_unit_reads_what_it_is_told_from_memory() {
    let pattern = walk(&[(DType::F32, &[6])], (DType::F32, &[6])).pattern;
    let formula = arithmetic::scale_shift { factor: 2.0, term: 1.0 };
    let given = map_unit(&formula, &pattern).text;
    for (scalars, key, defined) in [(true, false, "#define TOLD_SCALARS "), (false, true, "#define TOLD_KEY ")] {
        let told = told_map_unit(&formula, &pattern, ToldAtRun { scalars, key });
        assert_lines(&told, &[defined]);
        assert_eq!(told.text.replace(&format!("{defined}\n"), ""), given);
    }
    assert_eq!(told_map_unit(&formula, &pattern, ToldAtRun::default()).text, given);
}

/// Which axes an operand steps along is in the code; sizes and strides are not.
#[test]
fn other_sizes_are_the_same_unit() {
    let bias = |rows, columns| {
        let whole: (_, &[usize]) = (DType::F32, &[rows, columns]);
        walk(&[whole, (DType::F32, &[1, columns]), (DType::F32, &[rows, 1])], whole)
    };
    let (walk, other) = (bias(3, 8), bias(1000, 12));
    assert_eq!(walk.pattern, other.pattern);
    assert_eq!(walk.pattern.bytes(), other.pattern.bytes());
    assert_ne!(walk.words, other.words);
    assert_lines(
        &map_unit(&arithmetic::choose, &walk.pattern),
        &[
            "#define RANK 2",
            "#define WIDTH 4",
            "#define INPUTS(X) X(0, Contiguous, f32, 1) X(1, Contiguous, f32, 0) X(2, Repeated, f32, 1)",
            "#define OUTPUTS(X) X(0, Contiguous, f32, 1)",
        ],
    );
    assert_eq!(bias(3, 7).pattern.width, 1, "vectors do not end with rows");
    assert!(bias(1 << 20, 1 << 12).pattern.wide);
}

/// The reduction of contiguous elements of these sizes down to others.
fn reduce(dtype: DType, sizes: &[usize], kept: &[usize]) -> Reduce {
    let [whole, kept] = [sizes, kept].map(|sizes| Layout::contiguous(Shape::new(sizes).unwrap()));
    let output = kept.broadcast_to("sum", whole.shape()).unwrap();
    let operand = |layout| Operand { dtype, layout, address: 0 };
    Reduce::new(&[operand(&whole)], operand(&output))
}

#[test]
fn a_reduction_names_what_is_reduced() {
    let rows = reduce(DType::Bf16, &[100, 64], &[100, 1]);
    let unit = reduce_unit(Combine::Max, &arithmetic::abs, &rows);
    assert_eq!(unit.kernel, "reduce_max_rows_abs");
    assert_lines(
        &unit,
        &["#define COMBINE Max", "#define ROWS 1", "#define DENSE 1", "#define WIDTH 8", "#define RANK 0"],
    );
    let columns = reduce(DType::Bf16, &[100, 64], &[1, 64]);
    let unit = reduce_unit(Combine::Sum, &arithmetic::abs, &columns);
    assert_eq!(unit.kernel, "reduce_sum_columns_abs");
    assert_lines(&unit, &["#define COMBINE Sum", "#define ROWS 0"]);
    assert_ne!(rows.bytes(), columns.bytes());
    assert_eq!(rows.bytes(), reduce(DType::Bf16, &[7, 800], &[7, 1]).bytes(), "other sizes are the same unit");
}

/// Pieces make up their group, and their results are reduced in turn until there is one for each.
#[test]
fn the_pieces_of_a_reduction_are_all_of_it() {
    let sizes = [1, 2, 3, 10, 64, 100, 257, 4096, 10_007, 1 << 20, (1 << 25) + 1];
    for (rows, columns) in sizes.into_iter().flat_map(|rows| sizes.map(|columns| (rows, columns))) {
        for kept in [[rows, 1], [1, columns], [1, 1], [rows, columns]] {
            for dtype in [DType::U8, DType::F32, DType::F64] {
                let (mut stage, mut stages) = (reduce(dtype, &[rows, columns], &kept), 1);
                let mut count = rows * columns;
                loop {
                    let ([groups, members, columns, piece, pieces, team], _) = stage.words();
                    assert_eq!((groups * members * columns) as usize, count, "{stage:?}");
                    assert!(
                        piece * (pieces - 1) < members && members <= piece * pieces && piece < 1 << 32,
                        "{stage:?}"
                    );
                    assert!(team.is_power_of_two() && team <= THREADS as u64 && stage.blocks() > 0, "{stage:?}");
                    let Some(results) = stage.pieces() else { break };
                    count = (groups * pieces * columns) as usize;
                    assert_eq!(results.bytes(), count * stage.pattern().precision().dtype().size());
                    (stage, stages) = (results.reduce(0, 0), stages + 1);
                }
                assert!(stages <= 4, "{rows} x {columns} to {kept:?} in {stages} stages");
            }
        }
    }
}

#[test]
fn elements_are_copied_by_the_fastest_way() {
    let layout = |sizes: &[usize]| Layout::contiguous(Shape::new(sizes).unwrap());
    fn operand(layout: &Layout) -> Operand<'_> {
        Operand { dtype: DType::F16, layout, address: 0 }
    }
    let copy = |from: &Layout| Copy::new(operand(from), operand(&layout(from.shape())));
    assert!(matches!(copy(&layout(&[3, 4])), Copy::Bytes(24)));
    let turned = layout(&[64, 3, 32]).transpose(0, 2).unwrap();
    let Copy::Tiles(tiles) = copy(&turned) else { panic!("not by tiles") };
    assert_lines(&transpose_unit(&tiles), &["#define T f16", "#define PACK 2", "#define RANK 1"]);
    assert_eq!(tiles.blocks(), 3);
    assert!(matches!(copy(&turned.slice(0, 0, 3).unwrap()), Copy::Vectors(_)), "tiles would be nearly empty");
    let Copy::Vectors(part) = copy(&layout(&[5, 40]).slice(1, 8, 32).unwrap()) else { panic!("not by vectors") };
    assert_lines(&copy_unit(&part), &["#define WIDTH 8", "#define RANK 2"]);
    // Both turned alike: no gaps, whatever the order.
    let both = operand(&turned);
    assert!(matches!(Copy::new(both, both), Copy::Bytes(12_288)));
}

#[test]
fn examples_are_units_of_their_own() {
    let examples = examples().unwrap();
    let texts: HashSet<_> = examples.iter().map(|example| &example.unit.text).collect();
    let names: HashSet<_> = examples.iter().map(|example| (&example.unit.kernel, &example.operands)).collect();
    assert_eq!((names.len(), texts.len()), (examples.len(), examples.len()));
    let has = |part: &str| examples.iter().any(|example| example.unit.kernel.contains(part));
    assert!(["map_gelu_gradient0", "reduce_sum_rows", "reduce_max_columns", "copy", "transpose"].into_iter().all(has));
}
