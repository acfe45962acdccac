//! Every layer's gradients, in its inputs and its parameters.

use rectify::autograd::{CheckOptions, Kinks, Probe, check_gradient};
use rectify::formula;
use rectify::nn::layer::{
    Activate, AppendOne, AveragePool2d, BatchNorm, Branches, ChannelsFirst, ConcatenatedRelu, Conv2d, Dense, Dropout,
    Embedding, Flatten, Gated, GaussianDropout, Join, Layer, LayerNorm, Learned, MaxPool2d, Maxout, Pass, Per, Reshape,
    Residual, RmsNorm, Select,
};
use rectify::nn::{Activation, Chain};
use rectify::{Result, Tensor, Var};

use super::devices::{device, on_devices};
use super::{random, random_parameters};

on_devices! {
    every_layer_has_the_gradients_of_finite_differences,
    an_embedding_has_the_gradient_of_finite_differences,
}

formula! {
    /// A rectifier whose slope below 0 is an input.
    fn sloped(x, slope) = x.gt(0.0).select(x, slope * x)
}

fn layers() -> Vec<(Box<dyn Layer>, &'static [usize])> {
    let conv = |filters| Conv2d::new(filters, [3, 2]).activation(Activation::Tanh);
    let inner = || Chain::new().add(Dense::new(4).activation(Activation::Tanh)).add(Dense::new(6));
    vec![
        (Box::new(Dense::new(3).activation(Activation::Tanh)), &[5]),
        (Box::new(Dense::new(3).bias(None).activation(Activation::Relu)), &[2, 5]),
        (Box::new(Maxout { units: 3, pieces: 4 }), &[5]),
        (Box::new(AppendOne), &[2, 3]),
        (Box::new(conv(3)), &[5, 4, 2]),
        (Box::new(conv(2).stride([2, 1]).padding([1, 2])), &[5, 4, 3]),
        (Box::new(conv(2).dilation([1, 2]).stride([1, 2]).bias(None)), &[4, 5, 1]),
        (Box::new(MaxPool2d::new([2, 2])), &[4, 5, 2]),
        (Box::new(MaxPool2d::new([3, 3]).stride([1, 2]).padding([1, 1])), &[4, 4, 2]),
        (Box::new(AveragePool2d::new([2, 3]).stride([1, 1])), &[4, 5, 2]),
        (Box::new(AveragePool2d::new([2, 2]).padding([1, 0])), &[4, 4, 1]),
        (Box::new(Flatten), &[2, 3, 2]),
        (Box::new(ChannelsFirst), &[2, 3, 4]),
        (Box::new(Reshape(vec![4, 3])), &[2, 6]),
        (Box::new(Select(vec![1, 2, 4, 1])), &[2, 5]),
        (Box::new(Select(vec![0, 1])), &[3]),
        (Box::new(Dropout(0.4)), &[6]),
        (Box::new(GaussianDropout(0.5)), &[6]),
        (Box::new(Gated(Activation::Sigmoid)), &[6]),
        (Box::new(Gated(Activation::Silu)), &[2, 4]),
        (Box::new(ConcatenatedRelu), &[5]),
        (Box::new(LayerNorm::default()), &[2, 5]),
        (Box::new(RmsNorm::default()), &[5]),
        (Box::new(BatchNorm::default()), &[3, 2]),
        (Box::new(Activate::from(Activation::Gelu)), &[5]),
        (Box::new(Learned::new(sloped, Per::Layer, &[0.25])), &[3, 4]),
        (Box::new(Learned::new(sloped, Per::Unit, &[0.25])), &[3, 4]),
        (Box::new(Residual(inner())), &[6]),
        (Box::new(Branches { chains: vec![inner(), Chain::new()], join: Join::Sum }), &[6]),
        (Box::new(Branches { chains: vec![inner(), Chain::new().add(Dense::new(2))], join: Join::Concatenate }), &[6]),
        (Box::new(Chain::new().add_named("twice", Dense::new(4)).add_named("twice", Dense::new(4))), &[4]),
    ]
}

fn every_layer_has_the_gradients_of_finite_differences() -> Result<()> {
    for (layer, input) in layers() {
        let built = layer.build(input)?;
        let parameters = random_parameters(&built)?;
        let is_trained: Vec<bool> = built.parameters.iter().map(|spec| spec.trained).collect();
        let mut inputs = vec![random(&[&[3], input].concat(), 1)?];
        inputs.extend(parameters.iter().zip(&is_trained).filter(|(_, trained)| **trained).map(|(p, _)| p.clone()));
        // What is not trained is changed by the pass: each has copies of its own.
        let function = |vars: &[Var]| {
            let mut trained = vars[1..].iter().cloned();
            let all = parameters.iter().zip(&is_trained).map(|(tensor, &is_trained)| match trained.next() {
                Some(var) if is_trained => Ok(var),
                _ => Ok(Var::constant(&tensor.copy()?)),
            });
            (built.forward)(&vars[0], &all.collect::<Result<Vec<_>>>()?, &Pass::training(7))
        };
        let options = CheckOptions { probe: Probe::Directions(6), kinks: Kinks::Skip, ..CheckOptions::default() };
        check_gradient(function, &inputs, &options).unwrap_or_else(|error| panic!("{layer:?} on {input:?}: {error}"));
    }
    Ok(())
}

fn an_embedding_has_the_gradient_of_finite_differences() -> Result<()> {
    let indices = Tensor::from_slice(&[2i64, 0, 2, 4], &[2, 2], &device())?;
    let built = Embedding { count: 5, width: 3 }.build(&[2])?;
    let function = |vars: &[Var]| (built.forward)(&Var::constant(&indices), vars, &Pass::training(0))?.square();
    check_gradient(function, &random_parameters(&built)?, &CheckOptions::default())
}
