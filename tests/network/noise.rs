//! Dropout: what it zeroes, what it keeps, and that it draws anew.

use rectify::nn::layer::{Dropout, GaussianDropout, Layer, Pass};
use rectify::{DType, Result, Shape, Tensor};

use super::devices::{device, on_devices};
use super::run;

on_devices! {
    dropout_zeroes_a_share_and_keeps_the_mean,
    gaussian_dropout_has_mean_1_and_its_deviation,
    passes_differ_by_their_key_and_layers_within_a_pass,
}

fn ones(count: usize) -> Result<Tensor> {
    Tensor::full(&Shape::new(&[1, count])?, 1.0, DType::F64, &device())
}

fn drawn(layer: &dyn Layer, pass: &Pass) -> Result<Vec<f64>> {
    run(layer, &ones(20_000)?, &[], pass)?.to_vec()
}

fn dropout_zeroes_a_share_and_keeps_the_mean() -> Result<()> {
    let values = drawn(&Dropout(0.3), &Pass::training(5))?;
    let zeros = values.iter().filter(|&&x| x == 0.0).count() as f64 / values.len() as f64;
    assert!((zeros - 0.3).abs() < 0.015, "{zeros} are zero");
    assert!(values.iter().all(|&x| x == 0.0 || (x - 1.0 / 0.7).abs() < 1e-12));
    assert!(drawn(&Dropout(0.3), &Pass::inference())?.iter().all(|&x| x == 1.0), "nothing is zeroed after training");
    assert!(Dropout(1.0).build(&[3]).is_err() && Dropout(-0.1).build(&[3]).is_err());
    Ok(())
}

fn gaussian_dropout_has_mean_1_and_its_deviation() -> Result<()> {
    let values = drawn(&GaussianDropout(0.5), &Pass::training(5))?;
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    assert!((mean - 1.0).abs() < 0.015 && (deviation - 0.5).abs() < 0.01, "{mean} {deviation}");
    assert!(drawn(&GaussianDropout(0.5), &Pass::inference())?.iter().all(|&x| x == 1.0));
    Ok(())
}

fn passes_differ_by_their_key_and_layers_within_a_pass() -> Result<()> {
    let once = drawn(&Dropout(0.5), &Pass::training(1))?;
    assert_eq!(once, drawn(&Dropout(0.5), &Pass::training(1))?);
    assert_ne!(once, drawn(&Dropout(0.5), &Pass::training(2))?);
    let pass = Pass::training(1);
    let [first, second] = [drawn(&Dropout(0.5), &pass)?, drawn(&Dropout(0.5), &pass)?];
    assert!(first == once && second != once);
    Ok(())
}
