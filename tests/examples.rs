//! The examples find what they say they find.

#![allow(dead_code, missing_docs, reason = "what only the programs use")]
#![allow(clippy::duplicate_mod, reason = "each program has what supports it for itself")]

use rectify::{Device, Result};

#[path = "../examples/autoencoder.rs"]
mod autoencoder;
#[path = "../examples/cnn.rs"]
mod cnn;
#[path = "../examples/depth.rs"]
mod depth;
#[path = "../examples/initial_weights.rs"]
mod initial_weights;
#[path = "../examples/layerwise.rs"]
mod layerwise;
#[path = "../examples/perceptron.rs"]
mod perceptron;
#[path = "../examples/regression.rs"]
mod regression;
#[path = "../examples/saddle.rs"]
mod saddle;
#[cfg(all(feature = "cuda", target_os = "linux"))]
mod simulated;
#[path = "../examples/threshold.rs"]
mod threshold;
#[path = "../examples/threshold_linear.rs"]
mod threshold_linear;
#[cfg(all(feature = "cuda", target_os = "linux"))]
#[path = "../examples/user_kernel.rs"]
mod user_kernel;

/// Fails unless both lists hold the same numbers to so many digits after the point.
fn assert_printed(found: &[f64], expected: &[f64], digits: i32) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        // Half a unit of the last digit, and room for a tie.
        assert!((a - b).abs() <= 0.500001 * 10f64.powi(-digits), "{found:?} is not {expected:?}");
    }
}

#[test]
fn threshold_units_have_the_published_values_and_costs() -> Result<()> {
    use threshold::BiasUpdate::{Downhill, Published};
    let device = Device::cpu();
    let found = threshold::Toy::new(&device)?.answers(&threshold::input(&device)?)?;
    assert_eq!(found.step, [0.0, 1.0, 1.0, 0.0]);
    assert_printed(&found.relu, &[0.0, 1.63, 2.5, 0.0], 2);
    assert_printed(&found.tanh, &[-0.07, 0.93, 0.99, -0.8], 2);
    assert_printed(&found.sigmoid, &[0.48, 0.84, 0.92, 0.25], 2);
    assert_printed(&[found.output], &[0.4352126044], 10);
    let at = |costs: Vec<f64>| [1, 21, 221].map(|epoch| costs[epoch - 1] * 1e3);
    assert_printed(&at(threshold::costs(Downhill, 221, &device)?), &[2.0987033, 1.1995524, 3.9567e-3], 7);
    assert_printed(&at(threshold::costs(Published, 221, &device)?), &[2.0987033, 1.7663573, 0.30462971], 7);
    let corners = rectify::Tensor::from_slice(&[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], &[4, 2], &device)?;
    assert_eq!(threshold::exclusive_or(&corners)?.to_vec::<f64>()?, [0.0, 1.0, 1.0, 0.0]);
    Ok(())
}

#[cfg(all(feature = "cuda", target_os = "linux"))]
#[test]
fn a_kernel_of_ones_own_is_the_formula_forwards_and_backwards() -> Result<()> {
    let [value, gradient] = user_kernel::run(1000, &simulated::device())?;
    assert!(value < 1e-5 && gradient < 1e-4, "{value} and {gradient}");
    Ok(())
}

#[test]
fn a_perceptron_finds_a_line_where_there_is_one() -> Result<()> {
    let device = Device::cpu();
    let task = perceptron::separable(&device)?;
    let outcome = perceptron::run(&task, 1000)?;
    assert!(outcome.is_solved(), "{:?}", outcome.mistakes);
    let mistakes: usize = outcome.mistakes.iter().sum();
    assert!(mistakes > 0 && mistakes as f64 <= task.bound, "{mistakes} mistakes, at most {}", task.bound);
    let never = perceptron::run(&perceptron::exclusive_or(&device)?, 300)?;
    assert_eq!(never.mistakes.len(), 300);
    assert!(never.mistakes.iter().all(|&mistakes| mistakes > 0));
    Ok(())
}

#[test]
fn threshold_linear_networks_rest_in_permitted_sets() -> Result<()> {
    let device = Device::cpu();
    let mut choices = 0;
    for key in 1..=6 {
        let network = threshold_linear::Network::random(6, key, &device)?;
        let permitted = network.permitted();
        let count = permitted.iter().filter(|&&permitted| permitted).count();
        assert!((7..64).contains(&count), "no set, single units and some others are permitted: {count}");
        assert_eq!(threshold_linear::violations(&permitted), 0);
        let states = threshold_linear::settled(&network, (8, 8), key, &device)?;
        let differ = |states: &&[threshold_linear::SteadyState]| states.iter().any(|s| s.active != states[0].active);
        choices += states.chunks(8).filter(differ).count();
        for state in states {
            assert!(permitted[state.active], "{:?} rests in a forbidden set", state.activity);
            assert!(state.speed < 1e-9, "still moves at {}", state.speed);
            assert!(state.error.is_some_and(|error| error < 1e-9), "{:?} is not the solution", state.activity);
        }
    }
    assert!(choices > 0, "under some inputs the start decides which units stay active");
    // A table that breaks the rule is seen to: both units together, but not the first alone.
    assert_eq!(threshold_linear::violations(&[true, false, true, true]), 1);
    Ok(())
}

#[test]
fn momentum_leaves_a_saddle_sooner() -> Result<()> {
    let [plain, momentum] = saddle::run(&Device::cpu())?.map(|path| path.arrived.unwrap_or(usize::MAX));
    assert!(momentum < plain / 3, "{momentum} steps with momentum, {plain} without");
    Ok(())
}

#[test]
fn small_networks_learn_the_function_better_than_published() -> Result<()> {
    let device = Device::cpu();
    let [data, unseen] = [1, 2].map(|key| regression::points(10_000, rectify::DType::F32, key, &device));
    let (data, unseen) = (data?, unseen?);
    for published in &regression::PUBLISHED {
        let network = regression::network(published.sizes, &device)?;
        let costs = regression::train(&network, &data, published.rate, regression::EPOCHS)?;
        let found = regression::cost(&network, &unseen)?;
        assert!(costs.len() < published.epochs && costs[0] > 0.1, "{} at first", costs[0]);
        assert!(found < published.cost, "{:?}: {found} on other points", published.sizes);
    }
    Ok(())
}

#[test]
fn a_small_convolutional_network_learns_synthetic_digits() -> Result<()> {
    let small = cnn::Settings { filters: [8, 16], units: 64, samples: 3000, epochs: 4 };
    let outcome = cnn::run(&small, &Device::cpu())?;
    assert!(outcome.accuracy > 0.92, "{}", outcome.accuracy);
    Ok(())
}

#[test]
fn a_sparse_code_has_the_zeros_that_were_asked_for() -> Result<()> {
    let device = Device::cpu();
    let (free, sparse) = (autoencoder::run(None, 40, &device)?, autoencoder::run(Some(0.8), 40, &device)?);
    assert!((sparse.zeros - 0.8).abs() < 0.02, "{}", sparse.zeros);
    assert!((free.zeros - 0.8).abs() > 0.1, "which is not what comes of itself: {}", free.zeros);
    assert!(free.error < sparse.error && sparse.error < sparse.error_of_mean / 3.0, "{} {}", free.error, sparse.error);
    Ok(())
}

#[test]
fn layers_can_be_learned_one_by_one() -> Result<()> {
    let device = Device::cpu();
    let errors = layerwise::polynomial_layers(&device)?;
    assert!(errors.len() > 2 && errors.windows(2).all(|pair| pair[1] < pair[0]), "{errors:?}");
    assert!(errors[errors.len() - 1] < 1e-3, "of a variance of 0.22: {errors:?}");
    let last = |shares: Vec<f64>| shares[shares.len() - 1];
    let (scratch, pretrained) = (last(layerwise::deep(0, 20, &device)?), last(layerwise::deep(30, 20, &device)?));
    assert!(pretrained > 0.7 && scratch < 0.4, "{pretrained} against {scratch}");
    Ok(())
}

#[test]
fn gradients_vanish_in_depth_behind_sigmoids() -> Result<()> {
    use rectify::Activation::{Relu, Sigmoid};
    let device = Device::cpu();
    let [shallow, deep] = [depth::run(Sigmoid, 1, 0, &device)?, depth::run(Sigmoid, 8, 10, &device)?];
    let [shallow_relu, deep_relu] = [depth::run(Relu, 1, 0, &device)?, depth::run(Relu, 8, 10, &device)?];
    assert!(deep.gradient < 1e-4 * shallow.gradient, "{} of {}", deep.gradient, shallow.gradient);
    let kept = deep_relu.gradient / shallow_relu.gradient;
    assert!((0.1..10.0).contains(&kept), "{kept}");
    assert!(deep.accuracy < 0.5 && deep_relu.accuracy > 0.9, "{} and {}", deep.accuracy, deep_relu.accuracy);
    Ok(())
}

#[test]
fn large_initial_weights_saturate_and_stall() -> Result<()> {
    let device = Device::cpu();
    let [usual, large] = [initial_weights::run(1.0, 3, &device)?, initial_weights::run(32.0, 3, &device)?];
    assert!(usual.saturated < 0.1 && large.saturated > 0.8, "{} and {}", usual.saturated, large.saturated);
    assert!(usual.loss < 0.5 * large.loss, "{} and {}", usual.loss, large.loss);
    Ok(())
}
