//! Losses: values and gradients recorded from PyTorch (tools/record_optimizers.py), finite differences, and far logits.

mod devices;

use devices::{device, on_devices, settled};
use rectify::autograd::{Aggregate, CheckOptions, CrossEntropy, Kinks, check_gradient};
use rectify::formula::catalogue::{arithmetic, loss};
use rectify::{DType, Error, Result, Tape, Tensor, Var};
use serde_json::Value;

on_devices! {
    losses_of_elements_are_those_of_pytorch,
    losses_of_rows_are_those_of_pytorch,
    shorthands_are_the_means,
    gradients_meet_finite_differences,
    a_gradient_is_scaled_by_what_follows,
    far_logits_do_not_overflow,
    zero_logits_have_the_gradient_of_both_sides,
    certain_targets_need_no_logarithm_of_zero,
    a_target_of_another_shape_is_refused,
    labels_that_are_no_classes_are_refused,
    options_out_of_their_range_are_refused,
    losses_of_16_bits,
}

type Loss<'a> = &'a dyn Fn(&Var) -> Result<Var>;

const BOTH: [(Aggregate, &str); 2] = [(Aggregate::Mean, "mean"), (Aggregate::Sum, "sum")];

fn recorded(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("data/losses.json")).unwrap();
    all.get(name).unwrap_or_else(|| panic!("{name} was not recorded")).clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// A recorded input of shape [6, 4].
fn table(name: &str) -> Tensor {
    Tensor::from_slice(&numbers(&recorded(name)), &[6, 4], &device()).unwrap()
}

fn labels() -> Tensor {
    let labels: Vec<u8> = numbers(&recorded("labels")).into_iter().map(|label| label as u8).collect();
    Tensor::from_slice(&labels, &[6], &device()).unwrap()
}

fn class_weights() -> Tensor {
    Tensor::from_slice(&numbers(&recorded("weights")), &[4], &device()).unwrap()
}

/// Value and gradient at the recorded input.
fn evaluate(function: impl Fn(&Var) -> Result<Var>) -> Result<(f64, Vec<f64>)> {
    let x = Tape::new().variable(&table("x"))?;
    let loss = function(&x)?;
    assert_eq!(loss.shape().rank(), 0);
    let value = loss.item()?;
    Ok((value, loss.backward()?.of(&x).unwrap().to_vec()?))
}

/// Compares a loss and its gradient with the recording, as mean and as sum, and its value without a tape.
fn check(name: &str, function: impl Fn(&Var, Aggregate) -> Result<Var>) -> Result<()> {
    for (aggregate, key) in BOTH {
        let expected = &recorded(&format!("loss {name}"))[key];
        let (value, gradient) = evaluate(|x| function(x, aggregate))?;
        let (want, slopes) = (expected["value"].as_f64().unwrap(), numbers(&expected["gradient"]));
        assert!((value - want).abs() < 1e-13 * want.abs(), "{name}, {key}: {value} is not {want}");
        let scale = slopes.iter().fold(0.0f64, |most, slope| most.max(slope.abs()));
        for (got, want) in gradient.iter().zip(&slopes) {
            assert!((got - want).abs() < 1e-13 * scale, "{name}, {key}: {gradient:?} is not {slopes:?}");
        }
        let constant = function(&Var::constant(&table("x")), aggregate)?;
        assert_eq!((constant.item()?, constant.needs_gradient()), (value, false), "{name}, {key}");
    }
    Ok(())
}

fn losses_of_elements_are_those_of_pytorch() -> Result<()> {
    let (target, shares, signs) = (table("target"), table("shares"), table("signs"));
    check("mean_squared_error", |x, a| x.loss(arithmetic::squared_difference, &target, a))?;
    check("mean_absolute_error", |x, a| x.loss(loss::absolute_error, &target, a))?;
    check("huber", |x, a| x.loss(loss::huber { delta: 0.8 }, &target, a))?;
    check("binary_cross_entropy", |x, a| x.loss(loss::binary_cross_entropy, &shares, a))?;
    check("hinge", |x, a| x.loss(loss::hinge { margin: 1.0 }, &signs, a))?;
    let probabilities = table("probabilities");
    check("kl_divergence", |x, a| x.log_softmax()?.loss(loss::kl_divergence, &probabilities, a))
}

fn losses_of_rows_are_those_of_pytorch() -> Result<()> {
    let (labels, weights, probabilities) = (labels(), class_weights(), table("probabilities"));
    check("multi_class_hinge", |x, a| x.multi_class_hinge(&labels, 1.5, a))?;
    let options = [
        ("", CrossEntropy::new()),
        ("_smoothed", CrossEntropy::new().label_smoothing(0.2)),
        ("_weighted", CrossEntropy::new().class_weights(&weights)),
        ("_weighted_smoothed", CrossEntropy::new().class_weights(&weights).label_smoothing(0.2)),
    ];
    for (name, options) in options {
        let with = |a| options.clone().aggregate(a);
        check(&format!("labels{name}"), |x, a| with(a).of_labels(x, &labels))?;
        check(&format!("probabilities{name}"), |x, a| with(a).of_probabilities(x, &probabilities))?;
    }
    Ok(())
}

fn shorthands_are_the_means() -> Result<()> {
    let (x, target, shares) = (Var::constant(&table("x")), table("target"), table("shares"));
    let mean = |name: &str| recorded(&format!("loss {name}"))["mean"]["value"].as_f64().unwrap();
    let log = x.log_softmax()?;
    let values = [
        ("mean_squared_error", x.mean_squared_error(&target)?),
        ("mean_absolute_error", x.mean_absolute_error(&target)?),
        ("huber", x.huber(&target, 0.8)?),
        ("binary_cross_entropy", x.binary_cross_entropy(&shares)?),
        ("hinge", x.hinge(&table("signs"), 1.0)?),
        ("kl_divergence", log.kl_divergence(&table("probabilities"))?),
        ("labels", x.cross_entropy(&labels())?),
    ];
    for (name, value) in values {
        assert!((value.item()? - mean(name)).abs() < 1e-13 * mean(name), "{name}");
    }
    Ok(())
}

fn check_slopes(name: &str, function: impl Fn(&Var) -> Result<Var>, options: &CheckOptions) {
    let checked = check_gradient(|vars| function(&vars[0]), &[table("x")], options);
    checked.unwrap_or_else(|error| panic!("{name}: {error}"));
}

fn gradients_meet_finite_differences() -> Result<()> {
    let (target, shares, signs) = (table("target"), table("shares"), table("signs"));
    let (labels, weights, probabilities) = (labels(), class_weights(), table("probabilities"));
    let options = CrossEntropy::new().class_weights(&weights).label_smoothing(0.2);
    let plain = CrossEntropy::new().aggregate(Aggregate::Sum);
    let skip = CheckOptions { kinks: Kinks::Skip, ..CheckOptions::default() };
    let smooth = CheckOptions::default();
    check_slopes("absolute", |x| x.mean_absolute_error(&target), &skip);
    check_slopes("huber", |x| x.huber(&target, 0.8), &smooth);
    check_slopes("binary", |x| x.binary_cross_entropy(&shares), &smooth);
    check_slopes("hinge", |x| x.hinge(&signs, 1.0), &skip);
    check_slopes("multi-class hinge", |x| x.multi_class_hinge(&labels, 1.5, Aggregate::Sum), &skip);
    check_slopes("divergence", |x| x.log_softmax()?.kl_divergence(&probabilities), &smooth);
    check_slopes("labels", |x| plain.of_labels(x, &labels), &smooth);
    check_slopes("labels, weighted and smoothed", |x| options.of_labels(x, &labels), &smooth);
    check_slopes("probabilities", |x| options.of_probabilities(x, &probabilities), &smooth);
    // Transposed inputs and targets.
    let turned = |tensor: &Tensor| tensor.transpose(0, 1);
    check_slopes("turned", |x| x.transpose(0, 1)?.huber(&turned(&target)?, 0.8), &smooth);
    let across = Tensor::from_slice(&[5i64, 0, 3, 3], &[4], &device())?;
    check_slopes(
        "turned labels",
        |x| CrossEntropy::new().label_smoothing(0.1).of_labels(&x.transpose(0, 1)?, &across),
        &smooth,
    );
    Ok(())
}

fn a_gradient_is_scaled_by_what_follows() -> Result<()> {
    let (target, labels, weights) = (table("target"), labels(), class_weights());
    let losses: [Loss; 3] =
        [&|x| x.huber(&target, 0.8), &|x| x.multi_class_hinge(&labels, 1.5, Aggregate::Mean), &|x| {
            CrossEntropy::new().class_weights(&weights).of_labels(x, &labels)
        }];
    for loss in losses {
        let (_, once) = evaluate(loss)?;
        let (_, thrice) = evaluate(|x| loss(x)?.scale_shift(3.0, 1.0))?;
        assert!(
            once.iter().zip(&thrice).all(|(once, thrice)| (3.0 * once - thrice).abs() < 1e-14),
            "{once:?} {thrice:?}"
        );
    }
    Ok(())
}

/// Value and gradient of a loss of these numbers, in f32.
fn at(numbers: &[f32], sizes: &[usize], function: impl Fn(&Var) -> Result<Var>) -> Result<(f64, Vec<f32>)> {
    let x = Tape::new().variable(&Tensor::from_slice(numbers, sizes, &device())?)?;
    let loss = function(&x)?;
    Ok((loss.item()?, loss.backward()?.of(&x).unwrap().to_vec()?))
}

fn single(numbers: &[f32], sizes: &[usize]) -> Tensor {
    Tensor::from_slice(numbers, sizes, &device()).unwrap()
}

fn far_logits_do_not_overflow() -> Result<()> {
    let sum = Aggregate::Sum;
    let far = [1000.0, -1000.0, 1000.0, -1000.0];
    let right = single(&[1.0, 0.0, 0.0, 1.0], &[4]);
    let (value, slopes) = at(&far, &[4], |x| x.loss(loss::binary_cross_entropy, &right, sum))?;
    assert_eq!((value, slopes), (2000.0, vec![0.0, 0.0, 1.0, -1.0]));
    let label = Tensor::from_slice(&[1u8], &[1], &device())?;
    let rows = |function: Loss| at(&[1000.0, -1000.0], &[1, 2], function);
    let weighted = CrossEntropy::new().class_weights(&single(&[1.0, 3.0], &[2])).aggregate(sum);
    assert_eq!(rows(&|x| weighted.of_labels(x, &label))?, (6000.0, vec![3.0, -3.0]));
    let smoothed = CrossEntropy::new().label_smoothing(0.5);
    assert_eq!(rows(&|x| smoothed.of_labels(x, &label))?, (1500.0, vec![0.75, -0.75]));
    let certain = single(&[0.0, 1.0], &[1, 2]);
    assert_eq!(rows(&|x| CrossEntropy::new().of_probabilities(x, &certain))?, (2000.0, vec![1.0, -1.0]));
    assert_eq!(rows(&|x| x.log_softmax()?.loss(loss::kl_divergence, &certain, sum))?, (2000.0, vec![1.0, -1.0]));
    assert_eq!(rows(&|x| x.multi_class_hinge(&label, 1.0, sum))?, (1000.5, vec![0.5, -0.5]));
    assert_eq!(
        at(&[1e30, -1e30], &[2], |x| x.loss(loss::huber { delta: 1.0 }, &single(&[0.0; 2], &[2]), sum))?.1,
        [1.0, -1.0]
    );
    Ok(())
}

fn zero_logits_have_the_gradient_of_both_sides() -> Result<()> {
    let target = single(&[0.0, 1.0, 0.25], &[3]);
    let (value, slopes) = at(&[0.0, 0.0, -0.0], &[3], |x| x.loss(loss::binary_cross_entropy, &target, Aggregate::Sum))?;
    assert!((value - 3.0 * std::f64::consts::LN_2).abs() < 1e-6);
    assert_eq!(slopes, [0.5, -0.5, 0.25]);
    // A small loss keeps its digits on either side.
    let one = single(&[1.0, 0.0], &[2]);
    let (value, _) = at(&[20.0, -20.0], &[2], |x| x.binary_cross_entropy(&one))?;
    assert!((value / 2.0611536e-9 - 1.0).abs() < 1e-6, "{value:e}");
    Ok(())
}

fn certain_targets_need_no_logarithm_of_zero() -> Result<()> {
    let certain = single(&[1.0, 0.0, 0.0], &[1, 3]);
    // The last class is impossible: the logarithm of its probability is minus infinity.
    let log = [0.5f32.ln(), 0.5f32.ln(), f32::NEG_INFINITY];
    let (value, slopes) = at(&log, &[1, 3], |x| x.loss(loss::kl_divergence, &certain, Aggregate::Sum))?;
    assert!((value - std::f64::consts::LN_2).abs() < 1e-6);
    assert_eq!(slopes, [-1.0, 0.0, 0.0]);
    let options = CrossEntropy::new();
    let (value, slopes) = at(&[0.0, 0.0, f32::NEG_INFINITY], &[1, 3], |x| options.of_probabilities(x, &certain))?;
    assert!((value - std::f64::consts::LN_2).abs() < 1e-6);
    assert_eq!(slopes, [-0.5, 0.5, 0.0]);
    Ok(())
}

fn a_target_of_another_shape_is_refused() -> Result<()> {
    let x = Var::constant(&table("x"));
    let row = Tensor::zeros(&[4], DType::F64, &device())?;
    let coarse = table("target").cast(DType::F32)?;
    let error = x.huber(&row, 1.0).unwrap_err();
    assert_eq!(error.to_string(), "huber: shapes [6, 4] and [4] differ: each element has its target (in loss)");
    for error in [
        x.mean_squared_error(&row).err(),
        x.mean_absolute_error(&row).err(),
        x.kl_divergence(&row).err(),
        CrossEntropy::new().of_probabilities(&x, &row).err(),
        CrossEntropy::new().label_smoothing(0.1).of_labels(&x, &labels().slice(0, 0..5)?).err(),
        CrossEntropy::new().class_weights(&row.slice(0, 0..3)?).of_labels(&x, &labels()).err(),
        x.multi_class_hinge(&labels().slice(0, 0..5)?, 1.0, Aggregate::Mean).err(),
        x.reshape(&[24])?.multi_class_hinge(&labels(), 1.0, Aggregate::Mean).err(),
    ] {
        assert!(matches!(error, Some(Error::Shape { .. })), "{error:?}");
    }
    for error in [
        x.binary_cross_entropy(&coarse).err(),
        CrossEntropy::new().of_probabilities(&x, &coarse).err(),
        CrossEntropy::new().class_weights(&coarse.slice(0, 0..1)?.squeeze(0)?).of_labels(&x, &labels()).err(),
        x.multi_class_hinge(&row, 1.0, Aggregate::Mean).err(),
        Var::constant(&labels()).hinge(&labels(), 1.0).err(),
    ] {
        assert!(matches!(error, Some(Error::DType { .. })), "{error:?}");
    }
    Ok(())
}

fn labels_that_are_no_classes_are_refused() -> Result<()> {
    let x = Var::constant(&table("x"));
    let wrong = Tensor::from_slice(&[0i32, 1, 4, 0, 0, 0], &[6], &device())?;
    let losses: [&dyn Fn() -> Result<Var>; 4] = [
        &|| x.multi_class_hinge(&wrong, 1.0, Aggregate::Mean),
        &|| CrossEntropy::new().aggregate(Aggregate::Sum).of_labels(&x, &wrong),
        &|| CrossEntropy::new().label_smoothing(0.1).of_labels(&x, &wrong),
        &|| CrossEntropy::new().class_weights(&class_weights()).of_labels(&x, &wrong),
    ];
    for loss in losses {
        let error = settled(loss()).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error:?}");
        assert!(error.to_string().contains("4 at position 2 is out of range"), "{error}");
    }
    Ok(())
}

fn options_out_of_their_range_are_refused() -> Result<()> {
    let (x, target) = (Var::constant(&table("x")), table("target"));
    let refused = |loss: Result<Var>, said: &str| {
        let error = loss.unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error:?}");
        assert!(error.to_string().starts_with(said), "{error}");
    };
    refused(x.huber(&target, 0.0), "huber: delta 0 is not a number above 0");
    refused(x.hinge(&target, f64::NAN), "hinge: margin NaN is not a number");
    refused(
        x.multi_class_hinge(&labels(), f64::INFINITY, Aggregate::Mean),
        "multi_class_hinge: margin inf is not a number",
    );
    for share in [-0.1, 1.5, f64::NAN] {
        let options = CrossEntropy::new().label_smoothing(share);
        let said = format!("cross_entropy: label smoothing {share} is not from 0 to 1");
        refused(options.of_labels(&x, &labels()), &said);
        refused(options.of_probabilities(&x, &table("probabilities")), &said);
    }
    refused(x.loss(arithmetic::square, &target, Aggregate::Mean), "square: takes 1 inputs, 2 were given");
    Ok(())
}

fn losses_of_16_bits() -> Result<()> {
    for (dtype, tolerance) in [(DType::F16, 2e-3), (DType::Bf16, 1e-2)] {
        let x = Tape::new().variable(&table("x").cast(dtype)?)?;
        let loss = x.huber(&table("target").cast(dtype)?, 0.8)?;
        let want = recorded("loss huber")["mean"]["value"].as_f64().unwrap();
        assert!((loss.item()? / want - 1.0).abs() < tolerance);
        assert_eq!(loss.backward()?.of(&x).unwrap().dtype(), dtype);
    }
    Ok(())
}
