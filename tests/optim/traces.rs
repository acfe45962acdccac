//! Twenty steps of every optimiser.

use rectify::optim::{Adagrad, Adam, AdamW, Lion, Optimizer, RmsProp, Rule, Schedule, Sgd};
use rectify::{DType, Error, Gradients, Result, Tensor};

use super::{device, difference, gradients, numbers, on_devices, parameters, recorded, rows};

on_devices! {
    steps_are_those_of_pytorch,
    a_cycle_of_rate_and_momentum_is_that_of_pytorch,
    steps_go_on_from_what_was_kept,
}

/// How far weights may be from PyTorch's, relative to them.
const TOLERANCE: f64 = 1e-12;

/// The weights after each step from the recorded start, with recorded gradients; `before` is called before each with the optimiser
/// and the gradients.
fn trace(
    rule: impl Rule,
    mut before: impl FnMut(&mut Optimizer, &mut Gradients) -> Result<()>,
) -> Result<Vec<Vec<f64>>> {
    let model = parameters(&[("weight", &[5], &numbers(&recorded("start")))])?;
    let mut optimizer = rule.for_model(&model)?;
    let step = |gradient: Vec<f64>| {
        let mut gradients = gradients(&model, &gradient)?;
        before(&mut optimizer, &mut gradients)?;
        optimizer.step(&model, &gradients)?;
        model.flat().to_vec::<f64>()
    };
    rows(&recorded("gradients")).into_iter().map(step).collect()
}

/// By the formula for gradients as they are, and by that for those which may be skipped.
fn check(name: &str, rule: impl Rule + Copy) -> Result<()> {
    compare(name, &trace(rule, |_, _| Ok(()))?);
    let one = Tensor::full(&[], 1.0, DType::F32, &device())?;
    compare(name, &trace(rule, |_, gradients| gradients.divide(&one).map(drop))?);
    Ok(())
}

fn compare(name: &str, weights: &[Vec<f64>]) {
    let expected = rows(&recorded(&format!("trace {name}")));
    assert_eq!((weights.len(), expected.len()), (20, 20));
    let worst = weights.iter().zip(&expected).map(|(got, want)| difference(got, want)).fold(0.0, f64::max);
    println!("{name}: {worst:e}");
    assert!(worst < TOLERANCE, "{name}: {worst:e}");
}

fn steps_are_those_of_pytorch() -> Result<()> {
    check("sgd", Sgd::new(0.1).weight_decay(0.01))?;
    check("sgd_momentum", Sgd::new(0.05).momentum(0.9))?;
    check("sgd_dampened", Sgd::new(0.05).momentum(0.9).dampening(0.3).weight_decay(0.02))?;
    check("sgd_nesterov", Sgd::new(0.05).momentum(0.9).nesterov(true).weight_decay(0.01))?;
    check("rmsprop", RmsProp::new(0.01))?;
    check("rmsprop_momentum", RmsProp::new(0.01).alpha(0.9).epsilon(1e-6).momentum(0.8).weight_decay(0.01))?;
    check("rmsprop_centered", RmsProp::new(0.01).alpha(0.95).centered(true).weight_decay(0.01))?;
    check("rmsprop_centered_momentum", RmsProp::new(0.01).alpha(0.95).centered(true).momentum(0.8))?;
    check("adagrad", Adagrad::new(0.1))?;
    let decayed = Adagrad::new(0.1).rate_decay(0.05).initial_sum(0.2).epsilon(1e-8).weight_decay(0.01);
    check("adagrad_decayed", decayed)?;
    check("adam", Adam::new(0.05))?;
    check("adam_decayed", Adam::new(0.05).betas(0.8, 0.95).epsilon(1e-6).weight_decay(0.05))?;
    check("adamw", AdamW::new(0.05))?;
    check("adamw_decayed", AdamW::new(0.05).betas(0.8, 0.95).epsilon(1e-6).weight_decay(0.3))?;
    check("lion", Lion::new(0.01).weight_decay(0.1))
}

fn a_cycle_of_rate_and_momentum_is_that_of_pytorch() -> Result<()> {
    let (rates, momenta) = (Schedule::one_cycle(0.2, 21)?, Schedule::one_cycle_momentum(21)?);
    let set = |optimizer: &mut Optimizer, _: &mut Gradients| {
        optimizer.set_rate(rates.at(optimizer.steps()));
        optimizer.set_momentum(momenta.at(optimizer.steps()))
    };
    compare("sgd_one_cycle", &trace(Sgd::new(0.1).momentum(0.9), set)?);
    compare("adam_one_cycle", &trace(Adam::new(0.1), set)?);
    Ok(())
}

/// Two halves, the second with what a checkpoint keeps of the first, are the whole.
fn steps_go_on_from_what_was_kept() -> Result<()> {
    let rule = || Adagrad::new(0.1).rate_decay(0.05).initial_sum(0.2).epsilon(1e-8).weight_decay(0.01);
    let model = parameters(&[("weight", &[5], &numbers(&recorded("start")))])?;
    let mut first = rule().for_model(&model)?;
    let mut second = rule().for_model(&model)?;
    for (step, gradient) in rows(&recorded("gradients")).iter().enumerate() {
        if step == 10 {
            second.restore(first.steps(), &first.state().collect::<Vec<_>>())?;
        }
        let half = if step < 10 { &mut first } else { &mut second };
        half.step(&model, &gradients(&model, gradient)?)?;
    }
    let expected = rows(&recorded("trace adagrad_decayed"));
    assert!(difference(&model.flat().to_vec::<f64>()?, &expected[19]) < TOLERANCE);
    Ok(())
}

/// What a rule says of a setting that is out of its range.
fn refused(rule: impl Rule) -> String {
    let model = parameters(&[("weight", &[1], &[0.0])]).unwrap();
    let error = rule.for_model(&model).unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn settings_out_of_their_range_are_refused() {
    assert_eq!(refused(Sgd::new(-0.1)), "sgd: rate -0.1 is not a number from 0");
    assert_eq!(refused(Sgd::new(0.1).momentum(f64::NAN)), "sgd: momentum NaN is not from 0 to below 1");
    assert_eq!(refused(Sgd::new(0.1).momentum(0.9).dampening(1.1)), "sgd: dampening 1.1 is not from 0 to 1");
    let undamped = "sgd: nesterov needs momentum above 0 and no dampening";
    assert_eq!(refused(Sgd::new(0.1).momentum(0.9).dampening(0.1).nesterov(true)), undamped);
    assert_eq!(refused(Sgd::new(0.1).nesterov(true)), undamped);
    assert_eq!(refused(RmsProp::new(0.1).alpha(1.0)), "rmsprop: alpha 1 is not from 0 to below 1");
    assert_eq!(refused(RmsProp::new(0.1).momentum(-0.5)), "rmsprop: momentum -0.5 is not from 0 to below 1");
    assert_eq!(refused(RmsProp::new(f64::INFINITY)), "rmsprop: rate inf is not a number from 0");
    assert_eq!(refused(Adagrad::new(0.1).rate_decay(-1.0)), "adagrad: rate decay -1 is not a number from 0");
    assert_eq!(refused(Adagrad::new(0.1).initial_sum(-1.0)), "adagrad: initial sum -1 is not a number from 0");
    assert_eq!(refused(AdamW::new(0.1).betas(0.9, 1.0)), "adamw: beta2 1 is not from 0 to below 1");
    assert_eq!(refused(AdamW::new(0.1).weight_decay(-1.0)), "adamw: weight decay -1 is not a number from 0");
    assert_eq!(refused(Lion::new(0.1).betas(1.5, 0.9)), "lion: beta1 1.5 is not from 0 to below 1");
}

#[test]
fn momentum_can_be_set_where_there_is_some() -> Result<()> {
    let model = parameters(&[("weight", &[1], &[0.0])])?;
    let said = |optimizer: Result<Optimizer>, momentum| match optimizer.unwrap().set_momentum(momentum) {
        Ok(()) => "set".to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(said(Sgd::new(0.1).momentum(0.9).for_model(&model), 0.0), "set");
    assert_eq!(said(RmsProp::new(0.1).momentum(0.9).for_model(&model), 0.5), "set");
    assert_eq!(said(Lion::new(0.1).for_model(&model), 0.5), "set");
    let without = "set_momentum: sgd was made without momentum and keeps no velocity: make it with some";
    assert_eq!(said(Sgd::new(0.1).for_model(&model), 0.5), without);
    let none = "set_momentum: adagrad has no momentum that could become 0.5";
    assert_eq!(said(Adagrad::new(0.1).for_model(&model), 0.5), none);
    let outside = "set_momentum: beta1 1 is not from 0 to below 1";
    assert_eq!(said(AdamW::new(0.1).for_model(&model), 1.0), outside);
    // A momentum of 0 on the way is one like any other: the velocity is then the gradient.
    let mut sgd = Sgd::new(0.1).momentum(0.9).for_model(&model)?;
    for momentum in [0.9, 0.0] {
        sgd.set_momentum(momentum)?;
        sgd.step(&model, &gradients(&model, &[2.0])?)?;
    }
    let (name, velocity) = sgd.state().next().unwrap();
    assert_eq!((name, velocity.to_vec::<f64>()?), ("velocity", vec![2.0]));
    Ok(())
}
