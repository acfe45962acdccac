//! Gradients: every operation against finite differences, and what the tape promises.

mod devices;

use devices::{device, fresh, on_devices};
use rectify::autograd::{CheckOptions, Kinks, Probe, check_gradient};
use rectify::device::Seed;
use rectify::formula::catalogue::{activation, arithmetic, elementary, special};
use rectify::formula::{AnyFormula, Draw};
use rectify::nn::{Activation, Mlp};
use rectify::{DType, Device, Error, Result, Tape, Tensor, Var, formula};

on_devices! {
    every_formula_of_one_input,
    activations_keep_their_gradient_a_number_far_out,
    every_formula_of_several_inputs,
    one_variable_used_twice_gets_the_sum,
    views,
    reductions,
    equal_extrema_share_the_gradient,
    products_of_matrices,
    linear_layers_of_every_activation,
    layers_by_the_name_of_their_activation,
    a_linear_layer_on_constants_computes_no_gradient_for_them,
    rows_and_losses,
    operations_of_ones_own,
    a_way_back_that_does_not_fit_is_an_error,
    indexing_and_joining,
    conversion_passes_gradients,
    random_formulas_draw_the_same_numbers_on_the_way_back,
    the_numeric_check_catches_planted_errors,
    a_tape_is_used_up_once,
    what_has_no_gradient_is_an_error_and_never_a_cut,
    constants_are_not_recorded,
    parameters_of_one_buffer_have_one_gradient,
    unreached_parameters_have_gradient_zero,
    gradients_of_parts_of_a_batch_add_up,
    what_was_kept_last_is_released_first,
}

fn uniform(sizes: &[usize], low: f64, high: f64, key: u64) -> Tensor {
    Tensor::uniform(sizes, low, high, DType::F64, Seed::new(key, 0), &device()).unwrap()
}

/// Numbers between 0.2 and 0.9: inside the domain of every function.
fn inner(sizes: &[usize], key: u64) -> Tensor {
    uniform(sizes, 0.2, 0.9, key)
}

/// Numbers of both signs.
fn signed(sizes: &[usize], key: u64) -> Tensor {
    uniform(sizes, -2.0, 2.0, key)
}

fn check(function: impl Fn(&[Var]) -> Result<Var>, inputs: &[Tensor]) {
    check_gradient(function, inputs, &CheckOptions::default()).unwrap();
}

fn skipping_kinks() -> CheckOptions {
    CheckOptions { kinks: Kinks::Skip, ..CheckOptions::default() }
}

/// Shapes that make every path: equal, broadcast by a row, a column, a number, on both sides, and along two axes.
const SHAPES: [(&[usize], &[usize]); 6] = [
    (&[3, 5], &[3, 5]),
    (&[3, 5], &[5]),
    (&[3, 1], &[3, 5]),
    (&[], &[2, 3]),
    (&[4, 1], &[1, 3]),
    (&[2, 3, 4], &[3, 1]),
];

/// Every formula of the catalogue with one output and no draws that is not an optimiser's.
fn differentiable() -> impl Iterator<Item = &'static dyn AnyFormula> {
    let others = [arithmetic::ALL, elementary::ALL, special::ALL].into_iter().flatten().copied();
    let all = activation::all().chain(activation::parametric()).chain(others);
    all.filter(|formula| formula.signature().outputs == 1 && formula.signature().draws.is_empty())
}

fn every_formula_of_one_input() {
    for formula in differentiable().filter(|formula| formula.signature().inputs == 1) {
        for (x, options) in [(inner(&[3, 7], 1), CheckOptions::default()), (signed(&[2, 9], 2), skipping_kinks())] {
            if outside_domain(formula, &x) {
                continue;
            }
            let result =
                check_gradient(|v| Var::apply(formula, &[&v[0]], Seed::default()), std::slice::from_ref(&x), &options);
            result.unwrap_or_else(|error| panic!("{}: {error}", formula.signature().name));
            // Strides in and out: the gradient of a transposed and sliced input.
            let strided = |v: &[Var]| {
                Var::apply(formula, &[&v[0].transpose(0, 1)?.slice(0, 1..4.min(v[0].shape()[1]))?], Seed::default())
            };
            check_gradient(strided, &[x], &options).unwrap();
        }
    }
}

fn activations_keep_their_gradient_a_number_far_out() -> Result<()> {
    let far: Vec<f32> = [1e2, 1e4, 1e13, 2e19, f32::MAX].into_iter().flat_map(|x| [x, -x]).collect();
    for formula in activation::all() {
        let tape = Tape::new();
        let x = tape.variable(&Tensor::from_slice(&far, &[far.len()], &device())?)?;
        let y = Var::apply(formula, &[&x], Seed::default())?;
        let ones = Tensor::full(&[far.len()], 1.0, DType::F32, &device())?;
        let gradients = y.backward_with(&ones)?;
        if let Some(gradient) = gradients.of(&x) {
            let slopes = gradient.to_vec::<f32>()?;
            // The exponential of half of it is the only one that is as steep as it is high.
            let limit = |slope: &f32| formula.signature().name == "soft_exponential" && *slope == f32::INFINITY;
            let is_number = |slope: &f32| slope.is_finite() || limit(slope);
            assert!(slopes.iter().all(is_number), "{}: {slopes:?}", formula.signature().name);
        }
    }
    Ok(())
}

/// Whether the function has no number for one of these.
fn outside_domain(formula: &dyn AnyFormula, x: &Tensor) -> bool {
    x.to_vec::<f64>().unwrap().iter().any(|&x| formula.reference(&[x], &[])[0].is_nan())
}

fn every_formula_of_several_inputs() {
    for formula in differentiable().filter(|formula| formula.signature().inputs > 1) {
        for (a, b) in SHAPES {
            let inputs: Vec<_> =
                (0..formula.signature().inputs).map(|i| inner(if i % 2 == 0 { a } else { b }, 10 + i as u64)).collect();
            let apply = |v: &[Var]| Var::apply(formula, &v.iter().collect::<Vec<_>>(), Seed::default());
            check_gradient(apply, &inputs, &CheckOptions::default())
                .unwrap_or_else(|error| panic!("{} of {a:?} and {b:?}: {error}", formula.signature().name));
        }
    }
}

fn one_variable_used_twice_gets_the_sum() {
    check(|v| v[0].mul(&v[0]), &[signed(&[3, 4], 1)]);
    check(|v| v[0].add(&v[0])?.mul(&v[0].exp()?), &[signed(&[3, 4], 1)]);
    check(|v| v[0].sub(&v[0].transpose(0, 1)?)?.square(), &[signed(&[4, 4], 1)]);
    check(|v| Var::concatenate(&[&v[0], &v[0]], 1), &[signed(&[2, 3], 1)]);
    check(|v| v[0].matmul(&v[0]), &[signed(&[3, 3], 1)]);
}

fn views() {
    let x = || [signed(&[2, 3, 4], 3)];
    check(|v| v[0].reshape(&[6, 4])?.square(), &x());
    check(|v| v[0].transpose(0, 2)?.reshape(&[12, 2])?.square(), &x());
    check(|v| v[0].slice(1, 1..3)?.square(), &x());
    check(|v| v[0].slice(2, 0..2)?.mul(&v[0].slice(2, 1..3)?), &x());
    check(|v| v[0].slice(2, 1..1)?.sum(&[]), &x());
    check(|v| v[0].slice(0, 0..1)?.broadcast_to(&[5, 3, 4])?.square(), &x());
    check(|v| v[0].slice(0, 1..2)?.squeeze(0)?.square(), &x());
    check(|v| v[0].unsqueeze(1)?.square(), &x());
}

fn reductions() {
    for axes in [&[][..], &[0], &[1], &[2], &[0, 2], &[1, 2], &[0, 1, 2]] {
        let x = || [signed(&[2, 3, 4], 4)];
        check(|v| v[0].sum(axes)?.square(), &x());
        check(|v| v[0].mean(axes)?.square(), &x());
        check(|v| v[0].max(axes)?.square(), &x());
        check(|v| v[0].min(axes)?.square(), &x());
        check(|v| v[0].variance(axes, 0), &x());
        check(|v| v[0].transpose(0, 2)?.variance(&[1], 1)?.square(), &x());
    }
}

fn equal_extrema_share_the_gradient() -> Result<()> {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::from_slice(&[3.0, 1.0, 3.0, 2.0, 5.0, 4.0], &[2, 3], &device())?)?;
    let gradients = x.max(&[1])?.sum(&[])?.backward()?;
    assert_eq!(gradients.of(&x).unwrap().to_vec::<f64>()?, [0.5, 0.0, 0.5, 0.0, 1.0, 0.0]);
    Ok(())
}

fn products_of_matrices() {
    let shapes: [(&[usize], &[usize]); 7] = [
        (&[3, 4], &[4, 2]),
        (&[1, 1], &[1, 1]),
        (&[2, 3, 4], &[2, 4, 5]),
        (&[2, 3, 4], &[4, 5]),
        (&[3, 4], &[2, 4, 5]),
        (&[2, 1, 3, 4], &[3, 4, 2]),
        (&[1, 3, 4], &[2, 4, 5]),
    ];
    for (a, b) in shapes {
        check(|v| v[0].matmul(&v[1]), &[signed(a, 5), signed(b, 6)]);
    }
    check(|v| v[0].transpose(0, 1)?.matmul(&v[1].transpose(0, 1)?), &[signed(&[4, 3], 5), signed(&[2, 4], 6)]);
    let constant = Var::constant(&signed(&[4, 2], 7));
    check(|v| v[0].matmul(&constant), &[signed(&[3, 4], 5)]);
    check(|v| constant.matmul(&v[0]), &[signed(&[2, 3], 5)]);
}

fn linear_layers_of_every_activation() {
    let with_bias =
        ["step", "linear", "relu", "leaky_relu", "sigmoid", "tanh", "softplus", "elu", "gelu", "gelu_tanh", "silu"];
    for formula in activation::all().filter(|formula| with_bias.contains(&formula.signature().name)) {
        let name = formula.signature().name;
        for x in [&[5, 3][..], &[2, 2, 3], &[3]] {
            let inputs = [signed(x, 1), signed(&[3, 4], 2), signed(&[4], 3)];
            let run = |v: &[Var]| with_activation(name, &v[0], &v[1], &v[2]);
            check_gradient(run, &inputs, &skipping_kinks()).unwrap_or_else(|error| panic!("{name}: {error}"));
            let composed = by_hand(&inputs, formula).unwrap();
            let [x, w, b] = inputs.map(|tensor| Var::constant(&tensor));
            assert_eq!(with_activation(name, &x, &w, &b).unwrap().tensor().to_vec::<f64>().unwrap(), composed);
        }
    }
}

/// Also those whose activation is a pass of its own.
fn layers_by_the_name_of_their_activation() -> Result<()> {
    let x = signed(&[5, 3], 1);
    for &activation in Activation::ALL {
        let model =
            Mlp::new(&[3, 4], Activation::Linear).output(activation).dtype(DType::F64).seed(3).build(&device())?;
        let (layer, formula) = (&model.layers()[0], activation.formula());
        let composed = by_hand(&[x.clone(), layer.weight().clone(), layer.bias().clone()], &*formula)?;
        assert_eq!(model.infer(&x)?.to_vec::<f64>()?, composed, "{activation}");

        let gradients = model.forward(&Tape::new(), &x)?.sum(&[])?.backward()?;
        let tape = Tape::new();
        let (weight, bias) = (tape.variable(layer.weight())?, tape.variable(layer.bias())?);
        let sum = Var::constant(&x).matmul(&weight)?.add(&bias)?;
        let by_parts = Var::apply(&*formula, &[&sum], Seed::default())?.sum(&[])?.backward()?;
        let parts = [&weight, &bias].map(|part| by_parts.of(part).unwrap().to_vec::<f64>().unwrap()).concat();
        let whole = gradients.flat(model.parameters().flat()).unwrap().to_vec::<f64>()?;
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
        assert!(whole.len() == 16 && whole.iter().zip(&parts).all(near), "{activation}: {whole:?}, not {parts:?}");
    }
    Ok(())
}

/// The layer by hand: product, sum, activation.
fn by_hand([x, weight, bias]: &[Tensor; 3], formula: &dyn AnyFormula) -> Result<Vec<f64>> {
    let sum = x.reshape(&[x.count() / 3, 3])?.matmul(weight)?.add(bias)?;
    Tensor::apply(formula, &[&sum], Seed::default())?.to_vec()
}

fn with_activation(name: &str, x: &Var, weight: &Var, bias: &Var) -> Result<Var> {
    macro_rules! choose {
        ($($plain:ident)*; $($formula:ident { $field:ident: $value:expr })*) => {
            match name {
                $(stringify!($plain) => x.linear(weight, bias, activation::$plain),)*
                $(stringify!($formula) => x.linear(weight, bias, activation::$formula { $field: $value }),)*
                other => panic!("the test does not know the activation {other}"),
            }
        };
    }
    choose! {
        step linear relu sigmoid tanh softplus gelu gelu_tanh silu;
        leaky_relu { slope: 0.01 } elu { alpha: 1.0 }
    }
}

/// The CPU finishes rows as soon as they are multiplied, where a thread has them whole: of few columns; others afterwards.
#[test]
fn layers_on_the_cpu_have_the_bits_of_their_parts_however_they_are_divided() -> Result<()> {
    for (rows, inputs, outputs) in [(1, 3, 2), (1200, 4, 32), (3000, 64, 8), (50, 40, 528), (90, 20, 1100)] {
        for dtype in [DType::F32, DType::F64] {
            let made =
                |sizes: &[usize], stream| Tensor::normal(sizes, 0.0, 0.5, dtype, Seed::new(5, stream), &Device::cpu());
            let sizes: [&[usize]; 5] = [&[rows, inputs], &[inputs, outputs], &[outputs], &[outputs, 6], &[6]];
            let tensors =
                sizes.iter().zip(0..).map(|(sizes, stream)| made(sizes, stream)).collect::<Result<Vec<_>>>()?;
            let results = |layer: fn(&Var, &Var, &Var) -> Result<Var>| -> Result<Vec<Vec<f64>>> {
                let tape = Tape::new();
                let vars = tensors.iter().map(|tensor| tape.variable(tensor)).collect::<Result<Vec<_>>>()?;
                let hidden = layer(&vars[0], &vars[1], &vars[2])?;
                let y = layer(&hidden, &vars[3], &vars[4])?;
                let gradients = y.backward_with(y.tensor())?;
                let all =
                    [hidden.tensor(), y.tensor()].into_iter().chain(vars.iter().filter_map(|var| gradients.of(var)));
                all.map(|tensor| tensor.cast(DType::F64)?.to_vec()).collect()
            };
            let whole = results(|x, weight, bias| x.linear(weight, bias, activation::tanh))?;
            let by_parts = results(|x, weight, bias| x.matmul(weight)?.add(bias)?.map(activation::tanh))?;
            assert_eq!(whole.len(), 7);
            assert!(whole == by_parts, "{rows} rows of {inputs} to {outputs}, {dtype}");
        }
    }
    Ok(())
}

fn a_linear_layer_on_constants_computes_no_gradient_for_them() -> Result<()> {
    let ledger_of = fresh();
    let tape = Tape::new();
    let make = |sizes: &[usize]| Tensor::full(sizes, 0.5, DType::F32, &ledger_of);
    let (x, w, b) =
        (Var::constant(&make(&[64, 32])?), tape.variable(&make(&[32, 16])?)?, tape.variable(&make(&[16])?)?);
    let y = x.linear(&w, &b, activation::relu)?;
    let recording = ledger_of.ledger().record();
    let gradients = y.backward_with(y.tensor())?;
    let largest = recording.events().iter().map(|event| event.buffer.bytes).max();
    assert_eq!(largest, Some(64 * 16 * 4), "the gradient of the input, 64 x 32, was made");
    assert!(gradients.of(&w).is_some() && gradients.of(&x).is_none());
    Ok(())
}

fn rows_and_losses() -> Result<()> {
    let labels = Tensor::from_slice(&[2i64, 0, 3, 1, 2], &[5], &device())?;
    let logits = || [signed(&[5, 4], 8)];
    check(|v| v[0].softmax()?.square(), &logits());
    check(|v| v[0].log_softmax()?.square(), &logits());
    check(|v| v[0].transpose(0, 1)?.softmax()?.square(), &logits());
    let normalised = || [signed(&[5, 4], 8), signed(&[4], 10), signed(&[4], 11)];
    check(|v| v[0].layer_norm(&v[1], &v[2], 1e-5)?.square(), &normalised());
    check(|v| v[0].rms_norm(&v[1], 1e-5)?.mul(&v[2]), &normalised());
    check(
        |v| v[0].transpose(0, 1)?.reshape(&[2, 2, 5])?.rms_norm(&v[1], 1e-5)?.square(),
        &[signed(&[5, 4], 8), signed(&[5], 12)],
    );
    check(|v| v[0].cross_entropy(&labels), &logits());
    check(|v| v[0].cross_entropy(&labels)?.exp(), &logits());
    check(|v| v[0].map(activation::tanh)?.cross_entropy(&labels), &logits());
    let target = signed(&[5, 4], 9);
    check(|v| v[0].mean_squared_error(&target), &logits());
    check(|v| v[0].mean_squared_error(&target)?.scale_shift(3.0, 1.0), &logits());
    Ok(())
}

/// x y^2, with a way back of its own.
fn weighed(x: &Var, y: &Var) -> Result<Var> {
    Var::custom("weighed", &[x, y], |tensors| {
        let (x, y) = (tensors[0].clone(), tensors[1].clone());
        let result = x.mul(&y.square()?)?;
        let back = move |gradient: &Tensor, wanted: &[bool]| {
            let of_x = if wanted[0] { Some(y.square()?.mul(gradient)?) } else { None };
            let of_y = if wanted[1] { Some(x.mul(&y)?.scale_shift(2.0, 0.0)?.mul(gradient)?) } else { None };
            Ok(vec![of_x, of_y])
        };
        Ok((result, back))
    })
}

fn operations_of_ones_own() {
    let (x, y) = (signed(&[3, 4], 1), signed(&[3, 4], 2));
    check(|vars| weighed(&vars[0], &vars[1])?.sum(&[0]), &[x.clone(), y.clone()]);
    check(|vars| weighed(&vars[0].sin()?, &vars[0])?.mul(&vars[0]), std::slice::from_ref(&x));
    for constant in 0..2 {
        let function = |vars: &[Var]| {
            let fixed = Var::constant(&y);
            if constant == 0 { weighed(&fixed, &vars[0]) } else { weighed(&vars[0], &fixed) }
        };
        check(function, std::slice::from_ref(&x));
    }
    // Of constants alone nothing is recorded, and what was kept is gone at once.
    let device = fresh();
    let own = x.to_device(&device).unwrap();
    let (fixed, live) = (Var::constant(&own), device.ledger().live_count());
    assert!(!weighed(&fixed, &fixed).unwrap().needs_gradient());
    assert_eq!(device.ledger().live_count(), live);
}

fn a_way_back_that_does_not_fit_is_an_error() {
    let x = signed(&[2, 3], 1);
    let gradients = |gradients: fn(&Tensor) -> Vec<Option<Tensor>>| {
        let tape = Tape::new();
        let (leaf, fixed) = (tape.variable(&x).unwrap(), Var::constant(&x));
        let back = move |gradient: &Tensor, _: &[bool]| Ok(gradients(gradient));
        let result = Var::custom("own", &[&leaf, &fixed], |tensors| Ok((tensors[0].clone(), back)));
        result.unwrap().sum(&[]).unwrap().backward().map(drop)
    };
    assert!(gradients(|gradient| vec![Some(gradient.clone()), None]).is_ok());
    let name = device().name();
    for (wrong, said) in [
        ((|_| Vec::new()) as fn(&Tensor) -> _, "has 2 inputs, and its way back gave 0 gradients".to_owned()),
        (|_| vec![None, None], "its way back gave no gradient for input 0: give zeros, or detach the input".to_owned()),
        (
            |gradient| vec![Some(gradient.transpose(0, 1).unwrap()), None],
            format!(
                "its way back gave for input 0 f64 of shape [3, 2] on {name} instead of f64 of shape [2, 3] on {name}"
            ),
        ),
        (
            |gradient| vec![Some(gradient.cast(DType::F32).unwrap()), None],
            format!(
                "its way back gave for input 0 f32 of shape [2, 3] on {name} instead of f64 of shape [2, 3] on {name}"
            ),
        ),
    ] {
        let error = gradients(wrong).unwrap_err();
        assert!(matches!(error, Error::Gradient { operation: "own", .. }), "{error:?}");
        assert!(error.to_string().starts_with(&format!("own: {said}")), "{error}");
    }
    let (one, other) = (Tape::new().variable(&x).unwrap(), Tape::new().variable(&x).unwrap());
    assert!(weighed(&one, &other).unwrap_err().to_string().contains("different tapes"));
}

fn indexing_and_joining() -> Result<()> {
    let indices = Tensor::from_slice(&[2i64, 0, 2, 1], &[4], &device())?;
    for axis in 0..3 {
        check(|v| v[0].gather(axis, &indices)?.square(), &[signed(&[3, 4, 3], 1)]);
        let parts = || [signed(&[2, 3, 2], 2), signed(&[2, 3, 2], 3)];
        check(|v| Var::concatenate(&[&v[0], &v[1], &v[0]], axis)?.square(), &parts());
    }
    Ok(())
}

fn conversion_passes_gradients() -> Result<()> {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::from_slice(&[0.5f32, 2.0], &[2], &device())?)?;
    let gradients = x.cast(DType::F64)?.square()?.sum(&[])?.backward()?;
    assert_eq!(gradients.of(&x).unwrap().to_vec::<f32>()?, [1.0, 4.0]);
    Ok(())
}

formula! {
    fn dropout(x; keep; chance: uniform) = chance.lt(keep).select(x / keep, 0.0);
    fn noisy(x, scale; amount; noise: normal) = x * scale * (1.0 + amount * noise)
}

fn random_formulas_draw_the_same_numbers_on_the_way_back() {
    assert_eq!(dropout { keep: 0.5 }.signature().draws, [Draw::Uniform]);
    let seed = Seed::new(5, 2);
    check(|v| Var::zip_random(dropout { keep: 0.7 }, [&v[0]], seed), &[signed(&[8, 9], 1)]);
    check(|v| Var::zip_random(noisy { amount: 0.5 }, [&v[0], &v[1]], seed), &[signed(&[4, 5], 1), signed(&[5], 2)]);
}

formula! {
    fn half_tanh(x) = x.tanh(), derivative_from_output(y) = 0.5 * (1.0 - y * y);
    fn negative_tanh(x) = x.tanh(), derivative_from_output(y) = y * y - 1.0
}

/// What the numeric check must say of a wrong gradient.
fn refused(function: impl Fn(&[Var]) -> Result<Var>, inputs: &[Tensor], options: &CheckOptions) -> String {
    let error = check_gradient(function, inputs, options).unwrap_err();
    assert!(matches!(error, Error::Gradient { .. }));
    error.to_string()
}

fn the_numeric_check_catches_planted_errors() {
    let x = || [signed(&[2, 3], 1)];
    let every = CheckOptions::default();
    let directions = CheckOptions { probe: Probe::Directions(2), ..every };
    for options in [every, directions, CheckOptions { kinks: Kinks::Skip, ..every }] {
        refused(|v| v[0].map(half_tanh), &x(), &options);
        refused(|v| v[0].map(negative_tanh), &x(), &options);
        check_gradient(|v| v[0].map(activation::tanh), &x(), &options).unwrap();
    }
    // A cut stands for a sum that was forgotten: the gradient of one use is missing.
    let message = refused(|v| v[0].mul(&v[0].detach()), &x(), &every);
    assert!(message.starts_with("check_gradient: input 0, element [0, 0]: the backward pass gives "), "{message}");
    // One of three rows that a broadcast must sum over.
    let forgotten = |v: &[Var]| {
        let row = v[0].detach();
        Var::concatenate(&[&v[0], &row, &row], 0)
    };
    refused(forgotten, &[signed(&[1, 4], 2)], &every);
    refused(|v| v[0].detach().sum(&[])?.add(&v[0].sum(&[])?.scale_shift(0.0, 0.0)?), &x(), &directions);
}

fn a_tape_is_used_up_once() -> Result<()> {
    let tape = Tape::new();
    let x = tape.variable(&signed(&[3], 1))?;
    let loss = x.square()?.sum(&[])?;
    loss.backward()?;
    for error in [loss.backward().err(), x.square().err(), tape.variable(x.tensor()).err()] {
        assert!(matches!(error, Some(Error::Gradient { .. })), "{error:?}");
    }
    Ok(())
}

fn what_has_no_gradient_is_an_error_and_never_a_cut() -> Result<()> {
    let tape = Tape::new();
    let x = tape.variable(&signed(&[3, 2], 1))?;
    let refused = [
        x.argmax(1).err(),
        x.one_hot(3, DType::F64).err(),
        x.cast(DType::I64).err(),
        x.backward().err(),
        Var::constant(x.tensor()).sum(&[])?.backward().err(),
        x.add(&Tape::new().variable(x.tensor())?).err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(Error::Gradient { .. })), "{error:?}");
    }
    assert_eq!(x.detach().argmax(1)?.dtype(), DType::I64);
    let integers = Tensor::zeros(&[2], DType::I64, &device())?;
    assert!(matches!(tape.variable(&integers), Err(Error::DType { .. })));
    Ok(())
}

fn constants_are_not_recorded() -> Result<()> {
    let x = Var::constant(&signed(&[3, 3], 1));
    let y = x.matmul(&x)?.exp()?.softmax()?.sum(&[])?;
    assert!(!y.needs_gradient());
    let tape = Tape::new();
    let unused = tape.variable(&signed(&[2], 1))?;
    let used = tape.variable(&signed(&[2], 2))?;
    let gradients = used.sum(&[])?.backward()?;
    assert!(gradients.of(&unused).is_none() && gradients.of(&used).is_some());
    Ok(())
}

fn parameters_of_one_buffer_have_one_gradient() -> Result<()> {
    let flat = signed(&[10], 1);
    let (a, b) = (flat.slice(0, 0..6)?.reshape(&[2, 3])?, flat.slice(0, 6..9)?);
    let tape = Tape::new();
    let (x, y) = (tape.parameter(&a)?, tape.parameter(&b)?);
    assert!(tape.parameter(&flat.slice(0, 5..7)?).is_err(), "overlapping parts");
    // Used twice, and the same leaf when asked for again: every way to write a part, first and later.
    let again = tape.parameter(&a)?;
    let product = x.matmul(&y.reshape(&[3, 1])?)?;
    let loss = product.sum(&[])?.add(&again.square()?.sum(&[])?)?.add(&x.slice(1, 0..1)?.sum(&[])?)?;
    let gradients = loss.add(&x.add(&y)?.sum(&[])?)?.backward()?;
    let (av, bv) = (a.to_vec::<f64>()?, b.to_vec::<f64>()?);
    let mut expected = vec![0.0; 10];
    for i in 0..6 {
        expected[i] = bv[i % 3] + 2.0 * av[i] + if i % 3 == 0 { 1.0 } else { 0.0 } + 1.0;
        expected[6 + i % 3] += av[i] + 1.0;
    }
    let found = gradients.flat(&flat).unwrap().to_vec::<f64>()?;
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    assert!(gradients.of(&x).unwrap().shares_buffer(gradients.flat(&flat).unwrap()));
    Ok(())
}

fn unreached_parameters_have_gradient_zero() -> Result<()> {
    let flat = signed(&[6], 1);
    let tape = Tape::new();
    let (reached, _unreached) = (tape.parameter(&flat.slice(0, 0..2)?)?, tape.parameter(&flat.slice(0, 2..6)?)?);
    let gradients = reached.sum(&[])?.backward()?;
    assert_eq!(gradients.flat(&flat).unwrap().to_vec::<f64>()?, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    Ok(())
}

fn gradients_of_parts_of_a_batch_add_up() -> Result<()> {
    let (flat, free, data) = (signed(&[4], 1), signed(&[3], 2), signed(&[6, 4], 3));
    let gradients = |rows: std::ops::Range<usize>| {
        let tape = Tape::new();
        let (w, b) = (tape.parameter(&flat)?, tape.variable(&free)?);
        let x = Var::constant(&data.slice(0, rows)?);
        let product = x.matmul(&w.reshape(&[4, 1])?)?.mul(&b)?.square()?.sum(&[])?;
        Ok::<_, Error>((product.backward()?, b))
    };
    let (whole, b) = gradients(0..6)?;
    let (mut sum, first) = gradients(0..2)?;
    sum.accumulate(gradients(2..6)?.0)?;
    sum.scale(0.5)?;
    for (whole, half) in [(whole.flat(&flat), sum.flat(&flat)), (whole.of(&b), sum.of(&first))] {
        for (whole, half) in whole.unwrap().to_vec::<f64>()?.iter().zip(half.unwrap().to_vec::<f64>()?) {
            assert!((whole - 2.0 * half).abs() < 1e-9 * whole.abs().max(1.0), "{whole} {half}");
        }
    }
    Ok(())
}

fn what_was_kept_last_is_released_first() -> Result<()> {
    let device = fresh();
    let x = Tensor::full(&[8, 8], 0.5, DType::F32, &device)?;
    let recording = device.ledger().record();
    let tape = Tape::new();
    let mut y = tape.variable(&x)?;
    let mut kept = Vec::new();
    for _ in 0..5 {
        y = y.map(activation::tanh)?;
        kept.push(y.tensor().buffer().id());
    }
    let loss = y.sum(&[])?;
    drop(y);
    drop(loss.backward()?);
    kept.reverse();
    let released: Vec<_> = recording.release_order().iter().map(|buffer| buffer.id).collect();
    let released: Vec<_> = released.into_iter().filter(|id| kept.contains(id)).collect();
    assert_eq!(released, kept);
    // A tape that is dropped unused keeps the order too.
    let mark = device.ledger().sequence();
    let abandoned = Tape::new();
    let a = abandoned.variable(&x)?.map(activation::tanh)?;
    let b = a.map(activation::tanh)?;
    let ids = [b.tensor().buffer().id(), a.tensor().buffer().id()];
    drop((a, b, abandoned));
    let order: Vec<_> = recording.release_order_since(mark).iter().map(|buffer| buffer.id).collect();
    assert_eq!(order, ids);
    Ok(())
}
