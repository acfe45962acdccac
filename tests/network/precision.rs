//! Computing in 16 bits with parameters in 32.

use rectify::nn::layer::{BatchNorm, Conv2d, Dense, Dropout, Flatten, LayerNorm};
use rectify::nn::{Activation, Initializer, Network, NetworkBuilder, compute_in};
use rectify::optim::{AdamW, LossScale, Rule, Sgd};
use rectify::{DType, Result, Tape, Tensor};

use super::devices::{device, is_cuda, on_devices};
use super::random;

on_devices! {
    sixteen_bits_train_to_what_thirty_two_do,
    parameters_and_their_gradients_stay_in_their_type,
    a_scale_saves_small_gradients_and_survives_large_ones,
    a_scope_says_what_to_compute_in,
    what_rounding_loses_comes_back_by_chance,
}

fn classifier() -> NetworkBuilder {
    Network::new(&[6, 6, 1])
        .add(Conv2d::new(4, [3, 3]).activation(Activation::Relu))
        .add(BatchNorm::default())
        .add(Flatten)
        .add(Dense::new(16).activation(Activation::GeluTanh))
        .add(LayerNorm::default())
        .add(Dropout(0.1))
        .add(Dense::new(2))
        .seed(2)
}

/// Whether the upper or the lower half is bright.
fn samples() -> Result<(Tensor, Tensor)> {
    let noise = random(&[32, 6, 6, 1], 9)?.scale_shift(0.3, 0.0)?.to_vec::<f64>()?;
    let labels: Vec<i64> = (0..32).map(|n| n % 2).collect();
    let bright = |i: usize| f32::from((i % 36 / 18) as i64 == labels[i / 36]);
    let pixels: Vec<f32> = noise.iter().enumerate().map(|(i, x)| *x as f32 + bright(i)).collect();
    Ok((Tensor::from_slice(&pixels, &[32, 6, 6, 1], &device())?, Tensor::from_slice(&labels, &[32], &device())?))
}

fn sixteen_bits_train_to_what_thirty_two_do() -> Result<()> {
    let (images, labels) = samples()?;
    let steps = if is_cuda() { 6 } else { 30 };
    let mut losses = Vec::new();
    for compute in [DType::F32, DType::Bf16, DType::F16] {
        let network = classifier().compute(compute).build(&device())?;
        let mut adam = AdamW::new(0.01).for_model(&network)?;
        let mut scale = LossScale::new(&device())?;
        let mut last = f64::NAN;
        for _ in 0..steps {
            let loss = network.forward(&Tape::new(), &images)?.cross_entropy(&labels)?;
            last = loss.item()?;
            let mut gradients = scale.scaled(&loss)?.backward()?;
            scale.unscale(&mut gradients)?;
            adam.step(&network, &gradients)?;
        }
        let found = network.infer(&images)?.argmax(1)?.to_vec::<i64>()?;
        let right = found.iter().zip(labels.to_vec::<i64>()?).filter(|(a, b)| **a == *b).count();
        println!("{compute}: loss {last:.5}, {right} of 32");
        assert!(is_cuda() || right >= 31, "{compute}: {right} of 32");
        losses.push(last);
    }
    let [full, brain, half] = losses[..] else { panic!("three") };
    assert!((brain - full).abs() < 0.1 * full + 0.02 && (half - full).abs() < 0.05 * full + 0.01, "{losses:?}");
    Ok(())
}

fn parameters_and_their_gradients_stay_in_their_type() -> Result<()> {
    let (images, labels) = samples()?;
    let mut network = classifier().compute(DType::Bf16).build(&device())?;
    network.parameters_mut().freeze("dense1", true)?;
    let flat = network.parameters().flat();
    let (result, watched) = network.forward_watched(&Tape::new(), &images)?;
    assert_eq!((flat.dtype(), result.dtype()), (DType::F32, DType::F32));
    assert_eq!(watched.get("conv2d1").map(|var| var.dtype()), Some(DType::Bf16));
    let gradients = result.cross_entropy(&labels)?.backward()?;
    let gradient = gradients.flat(flat).expect("one tensor for all");
    assert_eq!((gradient.dtype(), gradient.shape()), (DType::F32, flat.shape()));
    // The same network in f32 has nearly the same gradients, and none for what is frozen.
    let mut exact = classifier().build(&device())?;
    exact.parameters_mut().freeze("dense1", true)?;
    let twin = exact.forward(&Tape::new(), &images)?.cross_entropy(&labels)?.backward()?;
    let (a, b) = (gradient.to_vec::<f32>()?, twin.flat(exact.parameters().flat()).expect("it").to_vec::<f32>()?);
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let apart = norm(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied());
    assert!(apart < 0.05, "{apart}");
    assert!(Network::new(&[3]).add(Dense::new(1)).compute(DType::I64).build(&device()).is_err());
    Ok(())
}

/// One weight, so small a gradient that f16 has nothing for it, and so large a one that it has only infinity.
fn a_scale_saves_small_gradients_and_survives_large_ones() -> Result<()> {
    let network = Network::new(&[1]).add(Dense::new(1).bias(None)).compute(DType::F16).build(&device())?;
    let weight =
        |value: f32| network.parameters().set("dense1.weight", &Tensor::from_slice(&[value], &[1, 1], &device())?);
    let gradient = |factor: f64, scale: &mut LossScale| -> Result<f32> {
        weight(1.0)?;
        let x = Tensor::full(&[1, 1], 1e-3, DType::F32, &device())?;
        let loss = network.forward(&Tape::new(), &x)?.scale_shift(factor, 0.0)?.sum(&[])?;
        let mut gradients = scale.scaled(&loss)?.backward()?;
        scale.unscale(&mut gradients)?;
        Ok(gradients.flat(network.parameters().flat()).expect("it").to_vec::<f32>()?[0])
    };
    let mut scale = LossScale::new(&device())?.interval(2)?;
    let unscaled = network.forward(&Tape::new(), &Tensor::full(&[1, 1], 1e-3, DType::F32, &device())?)?;
    let lost = unscaled.scale_shift(1e-6, 0.0)?.sum(&[])?.backward()?;
    let lost = lost.flat(network.parameters().flat()).expect("it").to_vec::<f32>()?[0];
    assert_eq!(lost, 0.0, "1e-9 is nothing in f16");
    let saved = gradient(1e-6, &mut scale)?;
    assert!((saved / 1e-9 - 1.0).abs() < 1e-2, "{saved}");
    let now = |scale: &LossScale| scale.scale().item();
    assert_eq!(now(&scale)?, 65_536.0);
    gradient(1e-6, &mut scale)?;
    assert_eq!(now(&scale)?, 131_072.0, "doubled after two good steps");
    assert!(gradient(1e6, &mut scale)?.is_nan(), "131 million is infinite in f16, and says to skip the step");
    assert_eq!(now(&scale)?, 65_536.0);
    let before = network.parameters().flat().to_vec::<f32>()?;
    let mut sgd = Sgd::new(0.1).for_model(&network)?;
    let x = Tensor::full(&[1, 1], 1e3, DType::F32, &device())?;
    let loss = network.forward(&Tape::new(), &x)?.scale_shift(1e3, 0.0)?.sum(&[])?;
    let mut gradients = scale.scaled(&loss)?.backward()?;
    scale.unscale(&mut gradients)?;
    sgd.step(&network, &gradients)?;
    assert_eq!(network.parameters().flat().to_vec::<f32>()?, before);
    assert!(LossScale::new(&device())?.interval(0).is_err());
    Ok(())
}

fn a_scope_says_what_to_compute_in() -> Result<()> {
    let network = Network::new(&[3]).add(Dense::new(2)).build(&device())?;
    let x = Tensor::full(&[4, 3], 0.3, DType::F32, &device())?;
    let inner = || -> Result<Option<DType>> {
        let (result, watched) = network.forward_watched(&Tape::new(), &x)?;
        assert_eq!(result.dtype(), DType::F32);
        Ok(watched.get("dense1").map(|var| var.dtype()))
    };
    assert_eq!(inner()?, Some(DType::F32));
    let outer = compute_in(DType::F16)?;
    {
        let _innermost = compute_in(DType::Bf16)?;
        assert_eq!(inner()?, Some(DType::Bf16));
    }
    assert_eq!(inner()?, Some(DType::F16));
    drop(outer);
    assert_eq!(inner()?, Some(DType::F32));
    assert!(compute_in(DType::I32).is_err());
    Ok(())
}

/// Steps of a tenth of the distance of neighbours: to the nearest, nothing ever moves.
fn what_rounding_loses_comes_back_by_chance() -> Result<()> {
    let count = 512;
    let build = || Network::new(&[1]).add(Dense::new(count).bias(None).weight(Initializer::Constant(1.5)));
    let run = |by_chance: bool| -> Result<Vec<f32>> {
        let network = build().dtype(DType::Bf16).build(&device())?;
        let sgd = Sgd::new(1.0).for_model(&network)?;
        let mut sgd = if by_chance { sgd.rounding_by_chance(&network, 3)? } else { sgd };
        let x = Tensor::full(&[1, 1], 1.0, DType::Bf16, &device())?;
        for _ in 0..20 {
            // The gradient of each weight is a tenth of 2^-7.
            let loss = network.forward(&Tape::new(), &x)?.scale_shift(0.000_781_25, 0.0)?.sum(&[])?;
            sgd.step(&network, &loss.backward()?)?;
        }
        network.parameters().flat().cast(DType::F32)?.to_vec()
    };
    assert!(run(false)?.iter().all(|&weight| weight == 1.5), "to the nearest, each step is lost");
    let moved = run(true)?;
    let mean = moved.iter().sum::<f32>() / count as f32;
    // Twenty tenths are two distances; one weight is off by about 1.3 of them, the mean of 512 by a 17th.
    assert!((f64::from(mean) - (1.5 - 2.0 / 128.0)).abs() < 0.25 / 128.0, "{mean}");
    assert!(moved.iter().any(|&weight| weight != moved[0]), "each weight has draws of its own");
    assert_eq!(moved, run(true)?, "the same key, the same weights");
    let wide = build().build(&device())?;
    assert!(Sgd::new(1.0).for_model(&wide)?.rounding_by_chance(&wide, 3).is_err());
    Ok(())
}
