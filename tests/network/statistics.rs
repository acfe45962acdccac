//! Normalisation by its definition.

use rectify::nn::layer::{BatchNorm, Layer, LayerNorm, Pass, RmsNorm};
use rectify::{Result, Tensor};

use super::devices::{device, on_devices};
use super::{assert_close, random, run};

on_devices! {
    rows_have_mean_0_and_variance_1,
    a_batch_is_normalised_by_itself_and_later_by_what_was_seen,
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

fn rows_have_mean_0_and_variance_1() -> Result<()> {
    let x = random(&[2, 3, 5], 1)?.scale_shift(4.0, 7.0)?;
    let (gain, bias) = (random(&[5], 2)?, random(&[5], 3)?);
    let (rows, g, b): (Vec<f64>, Vec<f64>, Vec<f64>) = (x.to_vec()?, gain.to_vec()?, bias.to_vec()?);
    let (mut by_layer, mut by_root) = (Vec::new(), Vec::new());
    for row in rows.chunks(5) {
        let (mean, variance) = mean_and_variance(row);
        let mean_square = row.iter().map(|x| x * x).sum::<f64>() / 5.0;
        by_layer.extend((0..5).map(|i| (row[i] - mean) / (variance + 1e-5).sqrt() * g[i] + b[i]));
        by_root.extend((0..5).map(|i| row[i] / (mean_square + 1e-5).sqrt() * g[i]));
    }
    let pass = Pass::inference();
    assert_close("layer norm", &run(&LayerNorm::default(), &x, &[gain.clone(), bias], &pass)?, &by_layer)?;
    assert_close("rms norm", &run(&RmsNorm::default(), &x, &[gain], &pass)?, &by_root)
}

fn a_batch_is_normalised_by_itself_and_later_by_what_was_seen() -> Result<()> {
    let layer = BatchNorm { momentum: 0.25, ..BatchNorm::default() };
    assert_eq!(layer.build(&[2, 3])?.parameters.iter().filter(|spec| spec.trained).count(), 2);
    let x = random(&[4, 2, 3], 1)?.scale_shift(2.0, -3.0)?;
    let values: Vec<f64> = x.to_vec()?;
    let (gain, bias) = (random(&[3], 2)?, random(&[3], 3)?);
    let (g, b): (Vec<f64>, Vec<f64>) = (gain.to_vec()?, bias.to_vec()?);
    let start = |value: f64| Tensor::from_slice(&[value; 3], &[3], &device());
    let parameters = [gain, bias, start(0.5)?, start(2.0)?];
    let features = (0..3).map(|f| mean_and_variance(&values.iter().skip(f).step_by(3).copied().collect::<Vec<_>>()));
    let features: Vec<_> = features.collect();
    let normalised = |statistics: &[(f64, f64)]| -> Vec<f64> {
        let each = values.iter().enumerate();
        each.map(|(i, x)| {
            let (mean, variance) = statistics[i % 3];
            (x - mean) / (variance + 1e-5).sqrt() * g[i % 3] + b[i % 3]
        })
        .collect()
    };
    assert_close("training", &run(&layer, &x, &parameters, &Pass::training(0))?, &normalised(&features))?;
    // The running variance is of a sample: over the count less one.
    let seen: Vec<_> = features
        .iter()
        .map(|(mean, variance)| (0.5 + 0.25 * (mean - 0.5), 2.0 + 0.25 * (variance * 8.0 / 7.0 - 2.0)))
        .collect();
    assert_close("running mean", &parameters[2], &seen.iter().map(|s| s.0).collect::<Vec<_>>())?;
    assert_close("running variance", &parameters[3], &seen.iter().map(|s| s.1).collect::<Vec<_>>())?;
    assert_close("inference", &run(&layer, &x, &parameters, &Pass::inference())?, &normalised(&seen))
}
