//! Networks: parameters by name, shared and frozen; stacks that collapse; two ways to have a bias; training.

use rectify::nn::layer::{AppendOne, BatchNorm, Conv2d, Dense, Dropout, Embedding, Flatten, MaxPool2d};
use rectify::nn::{Activation, Initializer, Network};
use rectify::optim::Rule;
use rectify::{DType, Result, Sgd, Shape, Tape, Tensor};

use super::devices::{device, is_cuda, on_devices};
use super::{assert_close, random};

on_devices! {
    parameters_are_counted_and_named,
    linear_layers_collapse_to_one_matrix,
    a_bias_and_an_input_of_one_agree,
    layers_of_one_name_share_their_parameters,
    what_is_frozen_stays,
    a_small_convolutional_network_learns,
    an_embedding_takes_indices,
    inputs_of_another_shape_are_refused,
}

/// The two networks of the field's textbook example: 3-4-2 and 3-4-4-1.
fn parameters_are_counted_and_named() -> Result<()> {
    let two = Network::new(&[3]).add(Dense::new(4).activation(Activation::Sigmoid)).add(Dense::new(2));
    let three = Network::new(&[3]).add(Dense::new(4)).add(Dense::new(4)).add(Dense::new(1));
    assert_eq!([two.build(&device())?.parameter_count(), three.build(&device())?.parameter_count()], [26, 41]);
    let network = Network::new(&[6, 6, 1])
        .add(Conv2d::new(2, [3, 3]))
        .add(BatchNorm::default())
        .add(Flatten)
        .add(Dropout(0.5))
        .add(Dense::new(3))
        .build(&device())?;
    let names: Vec<_> = network.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
    let conv = ["conv2d1.weight", "conv2d1.bias"];
    let norm = ["batch_norm1.weight", "batch_norm1.bias", "batch_norm1.running_mean", "batch_norm1.running_var"];
    assert_eq!(names, [&conv[..], &norm, &["dense1.weight", "dense1.bias"]].concat());
    assert_eq!(network.parameter_count(), 18 + 2 + 4 + 32 * 3 + 3, "running statistics are not trained");
    let table = network.to_string();
    let row =
        |name: &str| table.lines().find(|line| line.starts_with(name)).map(|line| line.split_whitespace().collect());
    assert_eq!(row("conv2d1"), Some(vec!["conv2d1", "4", "x", "4", "x", "2", "20"]), "{table}");
    assert_eq!(row("trained"), Some(vec!["trained", "123"]), "{table}");
    Ok(())
}

fn linear_layers_collapse_to_one_matrix() -> Result<()> {
    let dense = |units| Dense::new(units).bias(None);
    let build = |activation| {
        let network = Network::new(&[5]).add(dense(7).activation(activation)).add(dense(4)).add(dense(3));
        network.dtype(DType::F64).seed(3).build(&device())
    };
    let collapsed = |network: &Network| -> Result<(Tensor, Tensor)> {
        let weight = |name: &str| network.parameters().get(name).expect("a weight").clone();
        let product = weight("dense1.weight").matmul(&weight("dense2.weight"))?.matmul(&weight("dense3.weight"))?;
        let x = random(&[6, 5], 1)?;
        Ok((network.infer(&x)?, x.matmul(&product)?))
    };
    let (stack, one) = collapsed(&build(Activation::Linear)?)?;
    assert_close("a linear stack", &stack, &one.to_vec::<f64>()?)?;
    let (stack, one) = collapsed(&build(Activation::Relu)?)?;
    let apart = stack.sub(&one)?.abs()?.max(&[])?.item()?;
    assert!(apart > 0.01, "with ReLU it does not collapse: {apart}");
    Ok(())
}

fn a_bias_and_an_input_of_one_agree() -> Result<()> {
    let with_bias = Network::new(&[4]).add(Dense::new(3).bias(Some(Initializer::Constant(0.25))));
    let with_one = Network::new(&[4]).add(AppendOne).add(Dense::new(3).bias(None));
    let (with_bias, with_one) =
        (with_bias.dtype(DType::F64).seed(1).build(&device())?, with_one.dtype(DType::F64).build(&device())?);
    let get = |name: &str| with_bias.parameters().get(name).expect("a parameter").clone();
    let rows = Tensor::concatenate(&[&get("dense1.weight"), &get("dense1.bias").reshape(&[1, 3])?], 0)?;
    with_one.parameters().set("dense1.weight", &rows)?;
    let x = random(&[5, 4], 2)?;
    let mut after = Vec::new();
    for network in [&with_bias, &with_one] {
        let loss = network.forward(&Tape::new(), &x)?.square()?.mean(&[])?;
        Sgd::new(0.5).for_model(network)?.step(network, &loss.backward()?)?;
        after.push(network.infer(&x)?);
    }
    assert_close("after a step", &after[0], &after[1].to_vec::<f64>()?)
}

fn layers_of_one_name_share_their_parameters() -> Result<()> {
    let network = Network::new(&[4]).add_named("block", Dense::new(4)).add_named("block", Dense::new(4));
    let network = network.dtype(DType::F64).build(&device())?;
    assert_eq!(network.parameter_count(), 20);
    let misfit = Network::new(&[4]).add_named("block", Dense::new(3)).add_named("block", Dense::new(3));
    let error = misfit.build(&device()).expect_err("3 inputs are not 4").to_string();
    assert!(error.contains("'block.weight' cannot be shared"), "{error}");
    Ok(())
}

fn what_is_frozen_stays() -> Result<()> {
    let network = Network::new(&[4]).add(Dense::new(5)).add(Dense::new(5)).add(Dense::new(2));
    let mut network = network.dtype(DType::F64).build(&device())?;
    network.parameters_mut().freeze("dense2", true)?;
    assert!(network.parameters_mut().freeze("dense", true).is_err(), "no parameter is named so");
    let value = |network: &Network, name: &str| network.parameters().get(name).expect("it").to_vec::<f64>();
    let before = ["dense1.weight", "dense2.weight", "dense2.bias", "dense3.bias"].map(|name| value(&network, name));
    let mut sgd = Sgd::new(0.1).momentum(0.9).weight_decay(0.1).for_model(&network)?;
    for _ in 0..2 {
        let loss = network.forward(&Tape::new(), &random(&[6, 4], 1)?)?.square()?.mean(&[])?;
        sgd.step(&network, &loss.backward()?)?;
    }
    let after = ["dense1.weight", "dense2.weight", "dense2.bias", "dense3.bias"].map(|name| value(&network, name));
    let changed: Vec<_> = before.into_iter().zip(after).map(|(a, b)| a.unwrap() != b.unwrap()).collect();
    assert_eq!(changed, [true, false, false, true]);
    Ok(())
}

/// Tells a bright upper half from a bright lower half.
fn a_small_convolutional_network_learns() -> Result<()> {
    let network = Network::new(&[6, 6, 1])
        .add(Conv2d::new(4, [3, 3]).activation(Activation::Relu))
        .add(MaxPool2d::new([2, 2]))
        .add(Flatten)
        .add(Dropout(0.1))
        .add(Dense::new(2))
        .seed(2)
        .build(&device())?;
    let noise = random(&[24, 6, 6, 1], 9)?.scale_shift(0.3, 0.0)?.cast(DType::F32)?.to_vec::<f32>()?;
    let labels: Vec<i64> = (0..24).map(|n| n % 2).collect();
    let bright = |i: usize| f32::from((i % 36 / 18) as i64 == labels[i / 36]);
    let pixels: Vec<f32> = noise.iter().enumerate().map(|(i, x)| x + bright(i)).collect();
    let images = Tensor::from_slice(&pixels, &[24, 6, 6, 1], &device())?;
    let labels = Tensor::from_slice(&labels, &[24], &device())?;
    let mut sgd = Sgd::new(0.1).momentum(0.9).for_model(&network)?;
    let mut step = || -> Result<usize> {
        let loss = network.forward(&Tape::new(), &images)?.cross_entropy(&labels)?;
        sgd.step(&network, &loss.backward()?)?;
        drop(loss);
        Ok(device().ledger().live_bytes())
    };
    let after_one = step()?;
    for _ in 0..20 {
        // The CPU is everybody's while tests run side by side; a CUDA device is one test's alone.
        let now = step()?;
        assert!(!is_cuda() || now == after_one, "{now} bytes, {after_one} before");
    }
    let found = network.infer(&images)?.argmax(1)?.to_vec::<i64>()?;
    let right = found.iter().zip(labels.to_vec::<i64>()?).filter(|(a, b)| **a == *b).count();
    assert!(right >= 23, "{right} of 24");
    Ok(())
}

fn an_embedding_takes_indices() -> Result<()> {
    let network = Network::new(&[3]).add(Embedding { count: 7, width: 4 }).add(Flatten).add(Dense::new(2));
    let network = network.build(&device())?;
    let indices = Tensor::from_slice(&[0i64, 6, 2, 2, 2, 1], &[2, 3], &device())?;
    let gradients = network.forward(&Tape::new(), &indices)?.square()?.mean(&[])?.backward()?;
    assert!(gradients.flat(network.parameters().flat()).is_some());
    assert_eq!(network.infer(&indices)?.shape().sizes(), [2, 2]);
    Ok(())
}

fn inputs_of_another_shape_are_refused() -> Result<()> {
    let network = Network::new(&[3]).add(Dense::new(2)).build(&device())?;
    let x = Tensor::full(&Shape::new(&[5, 4])?, 0.0, DType::F32, &device())?;
    let error = network.infer(&x).expect_err("4 are not 3").to_string();
    assert!(error.contains("[5, 4]") && error.contains("[3]"), "{error}");
    assert!(Network::new(&[3]).add(Flatten).add(Conv2d::new(1, [1, 1])).build(&device()).is_err());
    Ok(())
}
