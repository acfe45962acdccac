//! The text of a few formulas and of the units around them.

use rectify::DType;
use rectify::formula::catalogue::activation::relu;
use rectify::formula::catalogue::{arithmetic, create};
use rectify::formula::{Access, AnyFormula, MapInput, Precision, THREADS, map_source};

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

#[test]
fn a_unit_names_its_operands() {
    let inputs = [DType::F16.into(), MapInput { dtype: DType::F32, access: Access::Broadcast }];
    let source = map_source(&arithmetic::scale_shift { factor: 2.0, term: 1.0 }, &inputs[..1], &[DType::Bf16]);
    for line in [
        "#define REAL float",
        "#define KERNEL map_scale_shift",
        "#define WIDTH 8",
        "#define UNROLL 2",
        "#define INPUTS(X) X(0, Contiguous, f16)",
        "#define OUTPUTS(X) X(0, bf16)",
        "#define PARAMETERS(X) X(0) X(1)",
        "#define DRAWS(X) ",
    ] {
        assert!(source.text.lines().any(|found| found == line), "{line}");
    }
    assert_eq!((source.kernel.as_str(), source.precision), ("map_scale_shift", Precision::Single));
    assert!(!source.text.contains("philox"), "only formulas that draw bring the generator along");
    let step = THREADS * 8 * 2;
    assert_eq!([0, 1, step, step + 1].map(|count| source.blocks(count)), [0, 1, 1, 2]);

    let source = map_source(&arithmetic::add, &inputs, &[DType::F32]);
    assert!(source.text.contains("#define INPUTS(X) X(0, Contiguous, f16) X(1, Broadcast, f32)\n"));
    let source = map_source(&*arithmetic::mul.gradient(1).unwrap(), &[DType::F64.into(); 3], &[DType::F64]);
    assert_eq!((source.kernel.as_str(), source.precision), ("map_mul_gradient1", Precision::Double));
    let source = map_source(&create::normal { mean: 0.0, deviation: 1.0 }, &[], &[DType::F32]);
    assert!(source.text.contains("#define DRAWS(X) X(0, Normal)\n") && source.text.contains("namespace box_muller"));
}
