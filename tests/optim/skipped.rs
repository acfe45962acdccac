//! Steps that a loss scale says to skip.

use rectify::nn::{Initializer, ParameterSpec, Parameters};
use rectify::optim::{Adagrad, Adam, AdamW, Lion, LossScale, Optimizer, RmsProp, Rule, Sgd};
use rectify::{DType, Device, Result, Tensor};

use super::{device, gradients, numbers, on_devices, recorded, rows};
use crate::devices::is_cuda;

on_devices! {
    a_skipped_step_changes_nothing,
    weights_rounded_by_chance_stay_too,
}

/// Weights of this type from the recorded start.
fn model(dtype: DType) -> Result<Parameters> {
    let spec = ParameterSpec::new("weight", &[5], Initializer::Constant(0.0));
    let parameters = Parameters::new(&[spec], dtype, 0, &device())?;
    parameters.set("weight", &Tensor::from_slice(&numbers(&recorded("start")), &[5], &device())?.cast(dtype)?)?;
    Ok(parameters)
}

/// The bits of weights and state, as f64 has them.
fn bits(model: &Parameters, optimizer: &Optimizer) -> Result<Vec<u64>> {
    let all = [model.flat()].into_iter().chain(optimizer.state().map(|(_, state)| state));
    let values = all.map(|tensor| tensor.to_device(&Device::cpu())?.cast(DType::F64)?.to_vec::<f64>());
    Ok(values.collect::<Result<Vec<_>>>()?.concat().into_iter().map(f64::to_bits).collect())
}

/// A step with gradients that were scaled.
fn step(optimizer: &mut Optimizer, model: &Parameters, scale: &mut LossScale, gradient: &[f64]) -> Result<()> {
    let factor = scale.scale().item()?;
    let scaled: Vec<f64> = gradient.iter().map(|gradient| gradient * factor).collect();
    let mut gradients = gradients(model, &scaled)?;
    scale.unscale(&mut gradients)?;
    optimizer.step(model, &gradients)
}

/// Weights and state after four steps, and `broken` steps, which change nothing, before each.
fn trained(rule: impl Rule, dtype: DType, broken: usize, by_chance: bool) -> Result<Vec<u64>> {
    let model = model(dtype)?;
    let (mut optimizer, mut scale) = (rule.for_model(&model)?, LossScale::new(&device())?);
    if by_chance {
        optimizer = optimizer.rounding_by_chance(&model, 3)?;
    }
    for gradient in rows(&recorded("gradients")).iter().take(4) {
        let before = bits(&model, &optimizer)?;
        for nth in 0..broken {
            let mut gradient = gradient.clone();
            gradient[nth % 5] = [f64::INFINITY, f64::NAN][nth % 2];
            step(&mut optimizer, &model, &mut scale, &gradient)?;
            assert_eq!(bits(&model, &optimizer)?, before, "{optimizer:?} of {dtype}");
        }
        step(&mut optimizer, &model, &mut scale, gradient)?;
        assert_ne!(bits(&model, &optimizer)?, before, "{optimizer:?} of {dtype}");
    }
    bits(&model, &optimizer)
}

/// What would move something without a gradient: momentum, decay, and corrections and rates that follow the step.
fn check(rule: impl Rule + Copy) -> Result<()> {
    // Kernels of one type are enough.
    for dtype in if is_cuda() { &[DType::F32][..] } else { &[DType::F32, DType::F64, DType::Bf16] } {
        let without = trained(rule, *dtype, 0, false)?;
        assert_eq!(trained(rule, *dtype, 3, false)?, without, "{} of {dtype}: the good steps", rule.name());
    }
    Ok(())
}

fn a_skipped_step_changes_nothing() -> Result<()> {
    check(Sgd::new(0.1).weight_decay(0.01))?;
    check(Sgd::new(0.05).momentum(0.9).dampening(0.3).weight_decay(0.02))?;
    check(RmsProp::new(0.01).weight_decay(0.01))?;
    check(RmsProp::new(0.01).momentum(0.8).weight_decay(0.01))?;
    check(RmsProp::new(0.01).centered(true).weight_decay(0.01))?;
    check(RmsProp::new(0.01).centered(true).momentum(0.8).weight_decay(0.01))?;
    check(Adagrad::new(0.1).rate_decay(0.05).weight_decay(0.01))?;
    check(Adam::new(0.05).weight_decay(0.05))?;
    check(AdamW::new(0.05).weight_decay(0.3))?;
    check(Lion::new(0.01).weight_decay(0.1))
}

fn weights_rounded_by_chance_stay_too() -> Result<()> {
    let rule = Sgd::new(0.05).momentum(0.9).weight_decay(0.02);
    // The draws follow the step, so that the good steps have others.
    trained(rule, DType::Bf16, 3, true)?;
    // Below a power of two neighbours are half as far as above.
    let spec = ParameterSpec::new("weight", &[999], Initializer::Constant(1.0));
    let model = Parameters::new(&[spec], DType::Bf16, 0, &device())?;
    let mut optimizer = rule.for_model(&model)?.rounding_by_chance(&model, 3)?;
    let before = bits(&model, &optimizer)?;
    step(&mut optimizer, &model, &mut LossScale::new(&device())?, &[f64::NAN; 999])?;
    assert_eq!(bits(&model, &optimizer)?, before);
    Ok(())
}
