//! What is done to weights after a step.

use rectify::device::Seed;
use rectify::nn::layer::{BatchNorm, Dense};
use rectify::nn::{Activation, Mlp, Network};
use rectify::optim::{Average, Rule, Sgd, limit_norms};
use rectify::{DType, Error, Result, Tape, Tensor};

use super::{device, difference, fresh, numbers, on_devices, parameters, recorded, rows};

on_devices! {
    averages_are_those_of_pytorch,
    averaged_weights_are_swapped_in_and_out_to_the_bit,
    an_average_allocates_nothing_in_a_step,
    statistics_are_averaged_with_the_weights,
    norms_are_limited_as_by_pytorch,
    weights_of_16_bits_are_limited_by_norms_of_32,
}

fn averages_are_those_of_pytorch() -> Result<()> {
    let model = parameters(&[("weight", &[5], &numbers(&recorded("start")))])?;
    let mut average = Average::new(&model, 0.9)?;
    assert_eq!(average.values().to_vec::<f64>()?, numbers(&recorded("start")));
    for (weights, want) in rows(&recorded("trace sgd")).iter().zip(rows(&recorded("average"))) {
        model.set("weight", &Tensor::from_slice(weights, &[5], &device())?)?;
        average.update(&model)?;
        assert!(difference(&average.values().to_vec::<f64>()?, &want) < 1e-12);
    }
    Ok(())
}

fn averaged_weights_are_swapped_in_and_out_to_the_bit() -> Result<()> {
    for dtype in [DType::F32, DType::Bf16] {
        let model = Mlp::new(&[3, 4, 2], Activation::Tanh).dtype(dtype).seed(1).build(&device())?;
        let weights = || model.parameters().flat().cast(DType::F32)?.to_vec::<f32>();
        let average = Average::new(&model, 0.5)?;
        let first = weights()?;
        let zeros = Tensor::zeros(&[3, 4], dtype, &device())?;
        model.parameters().set("hidden1.weight", &zeros)?;
        let own = weights()?;
        assert_ne!(own, first);
        assert_eq!(average.swapped_in(&model, weights)?, first);
        assert_eq!(weights()?, own);
        // What fails inside has the weights given back too.
        let failed = average.swapped_in(&model, || model.parameters().set("none", &zeros));
        assert!(matches!(failed, Err(Error::Argument { .. })));
        assert_eq!(weights()?, own);
        assert_eq!(average.values().cast(DType::F32)?.to_vec::<f32>()?, first);
    }
    let (small, large) = (parameters(&[("a", &[1], &[0.0])])?, parameters(&[("a", &[2], &[0.0; 2])])?);
    let mut average = Average::new(&small, 0.5)?;
    assert!(matches!(average.update(&large), Err(Error::Shape { .. })));
    assert!(matches!(average.swapped_in(&large, || Ok(())), Err(Error::Shape { .. })));
    let error = Average::new(&small, 1.0).unwrap_err();
    assert_eq!(error.to_string(), "average: decay 1 is not from 0 to below 1");
    Ok(())
}

fn an_average_allocates_nothing_in_a_step() -> Result<()> {
    let device = fresh();
    let model = Mlp::new(&[3, 4, 2], Activation::Tanh).build(&device)?;
    let x = Tensor::full(&[5, 3], 0.5, DType::F32, &device)?;
    let target = Tensor::zeros(&[5, 2], DType::F32, &device)?;
    let gradients = model.forward(&Tape::new(), &x)?.mean_squared_error(&target)?.backward()?;
    let mut sgd = Sgd::new(0.1).for_model(&model)?;
    let mut average = Average::new(&model, 0.9)?;
    let recording = device.ledger().record();
    sgd.step(&model, &gradients)?;
    average.update(&model)?;
    assert_eq!(recording.events().len(), 0);
    Ok(())
}

fn statistics_are_averaged_with_the_weights() -> Result<()> {
    let device = fresh();
    let network = Network::new(&[3]).add(BatchNorm::default()).add(Dense::new(2)).seed(1).build(&device)?;
    let of = |name: &str| {
        let tensor = network.parameters().get(name).expect("a statistic");
        Ok::<_, Error>(tensor.to_vec::<f32>()?.into_iter().map(f64::from).collect::<Vec<_>>())
    };
    let names = ["batch_norm1.running_mean", "batch_norm1.running_var"];
    let mut average = Average::new(&network, 0.75)?;
    let mut expected: Vec<Vec<f64>> = Vec::new();
    for step in 0..5 {
        let x = Tensor::normal(&[8, 3], f64::from(step), 2.0, DType::F32, Seed::new(3, step as u32), &device)?;
        network.forward(&Tape::new(), &x)?;
        let recording = device.ledger().record();
        average.update(&network)?;
        assert_eq!(recording.events().len(), 0);
        let now = names.map(of).into_iter().collect::<Result<Vec<_>>>()?;
        // The first is taken as it is.
        let mixed =
            |(old, new): (&Vec<f64>, &Vec<f64>)| old.iter().zip(new).map(|(a, b)| 0.75 * a + 0.25 * b).collect();
        expected = if step == 0 { now } else { expected.iter().zip(&now).map(mixed).collect() };
    }
    let own = names.map(of).into_iter().collect::<Result<Vec<_>>>()?;
    let averaged = average.swapped_in(&network, || names.map(of).into_iter().collect::<Result<Vec<_>>>())?;
    for (nth, (averaged, expected)) in averaged.iter().zip(&expected).enumerate() {
        assert!(difference(averaged, expected) < 1e-5, "{averaged:?} {expected:?}");
        assert!(difference(averaged, &own[nth]) > 1e-2, "the latest are others");
    }
    assert_eq!(names.map(of).into_iter().collect::<Result<Vec<_>>>()?, own, "to the bit");

    // An average that goes on from what was kept is the same; one of another model is refused.
    let mut other = Average::new(&network, 0.75)?;
    other.restore(average.updates(), average.values(), average.statistics())?;
    let kept = |average: &Average| average.statistics().iter().map(Tensor::to_vec::<f32>).collect::<Result<Vec<_>>>();
    assert_eq!((kept(&other)?, other.updates()), (kept(&average)?, 5));
    assert!(matches!(other.restore(9, average.values(), &[]), Err(Error::Argument { .. })));
    let few = Tensor::zeros(&[2], DType::F32, &device)?;
    assert!(matches!(other.restore(9, average.values(), &[few.clone(), few]), Err(Error::Shape { .. })));
    assert_eq!((kept(&other)?, other.updates()), (kept(&average)?, 5));
    Ok(())
}

fn norms_are_limited_as_by_pytorch() -> Result<()> {
    let matrix = rows(&recorded("matrix")).concat();
    let model = parameters(&[("weight", &[4, 3], &matrix), ("bias", &[3], &[9.0; 3])])?;
    limit_norms(&model, 1.5)?;
    let limited = rows(&recorded("max_norm")).concat();
    // PyTorch divides by the norm and 1e-7.
    assert!(difference(&model.get("weight").unwrap().to_vec::<f64>()?, &limited) < 1e-6);
    assert_eq!(model.get("bias").unwrap().to_vec::<f64>()?, [9.0; 3]);
    // A column of zeros, one at the limit and one beyond it, by hand.
    let model = parameters(&[("weight", &[2, 3], &[0.0, 3.0, 6.0, 0.0, 4.0, 8.0])])?;
    limit_norms(&model, 5.0)?;
    assert_eq!(model.flat().to_vec::<f64>()?, [0.0, 3.0, 3.0, 0.0, 4.0, 4.0]);
    let error = limit_norms(&model, 0.0).unwrap_err();
    assert_eq!(error.to_string(), "limit_norms: limit 0 is not a number above 0");
    Ok(())
}

fn weights_of_16_bits_are_limited_by_norms_of_32() -> Result<()> {
    let model = Mlp::new(&[4, 1], Activation::Linear).dtype(DType::F16).build(&device())?;
    model.parameters().set("output.weight", &Tensor::full(&[4, 1], 512.0, DType::F16, &device())?)?;
    limit_norms(&model, 2.0)?;
    let weights = model.parameters().get("output.weight").unwrap().cast(DType::F32)?.to_vec::<f32>()?;
    assert_eq!(weights, [1.0; 4]);
    Ok(())
}
