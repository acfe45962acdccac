//! Layer by layer instead of end to end: polynomial units fitted by least squares, of which the best are kept (Ivakhnenko and Lapa
//! 1965), and layers that learn to rebuild what the layer before says, as a start for training all of them (Bengio et al. 2007).

mod support;

use rectify::data::Batches;
use rectify::data::Loader;
use rectify::optim::Rule;
use rectify::{Activation, Adam, DType, Device, Mlp, Result, Tape, Tensor, data};
use support::cholesky::least_squares;
use support::points::points;
use support::samples;

/// Terms of a unit: 1, a, b, a b, a², b².
const TERMS: usize = 6;
/// Units that are kept of a layer.
const KEPT: usize = 6;

const SIZES: [usize; 8] = [64, 32, 32, 32, 32, 32, 32, 10];

/// Rows of features, each with its target; the first half to fit units, the second to choose among them.
struct Fit {
    /// By feature.
    columns: Vec<Vec<f64>>,
    targets: Vec<f64>,
}

impl Fit {
    /// What a unit of two features says, fitted on the first half of the rows, and its mean squared error on the second.
    fn unit(&self, a: usize, b: usize) -> Option<(f64, Vec<f64>)> {
        let pairs = self.columns[a].iter().zip(&self.columns[b]);
        let rows: Vec<f64> = pairs.flat_map(|(&a, &b)| [1.0, a, b, a * b, a * a, b * b]).collect();
        let half = self.targets.len() / 2;
        let weights = least_squares(&rows[..half * TERMS], TERMS, &self.targets[..half])?;
        let value = |row: &[f64]| row.iter().zip(&weights).map(|(term, weight)| term * weight).sum();
        let values: Vec<f64> = rows.chunks(TERMS).map(value).collect();
        let errors = values[half..].iter().zip(&self.targets[half..]).map(|(value, target)| (value - target).powi(2));
        Some((errors.sum::<f64>() / (values.len() - half) as f64, values))
    }

    /// The best units over all pairs of features, the best first.
    fn layer(&self) -> Vec<(f64, Vec<f64>)> {
        let count = self.columns.len();
        let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
        let mut units: Vec<_> = pairs.filter_map(|(a, b)| self.unit(a, b)).collect();
        units.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        units.truncate(KEPT);
        units
    }
}

/// The mean squared error of the best unit of each layer, on rows that it was not fitted to; ends where a layer more is no
/// better.
pub fn polynomial_layers(device: &Device) -> Result<Vec<f64>> {
    let [x, y] = points(2000, DType::F64, 8, device)?;
    let columns = (0..4).map(|nth| x.slice(1, nth..nth + 1)?.to_vec()).collect::<Result<_>>()?;
    let targets = y.to_vec()?;
    let mut fit = Fit { columns, targets };
    let mut errors: Vec<f64> = Vec::new();
    loop {
        let units = fit.layer();
        let Some(&(error, _)) = units.first() else { return Ok(errors) };
        if errors.last().is_some_and(|&before| error > 0.99 * before) {
            return Ok(errors);
        }
        errors.push(error);
        fit.columns = units.into_iter().map(|(_, values)| values).collect();
    }
}

/// Trains each hidden layer to rebuild its inputs, and gives it to the model.
fn pretrain(model: &Mlp, inputs: &Tensor, epochs: u32) -> Result<()> {
    let mut inputs = inputs.clone();
    for (nth, layer) in model.layers().iter().take(SIZES.len() - 2).enumerate() {
        let [before, units] = [layer.weight().shape()[0], layer.weight().shape()[1]];
        let rebuilding =
            Mlp::new(&[before, units, before], Activation::Sigmoid).seed(nth as u64).build(model.device())?;
        let mut adam = Adam::new(0.005).for_model(&rebuilding)?;
        let batches = Batches::new(inputs.shape()[0], 64)?.shuffled(1);
        for indices in (0..epochs).flat_map(|epoch| batches.epoch(epoch)) {
            let indices: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
            let batch = inputs.gather(0, &Tensor::from_slice(&indices, &[indices.len()], model.device())?)?;
            let loss = rebuilding.forward(&Tape::new(), &batch)?.mean_squared_error(&batch)?;
            adam.step(&rebuilding, &loss.backward()?)?;
        }
        for kind in ["weight", "bias"] {
            let Some(learned) = rebuilding.parameters().get(&format!("hidden1.{kind}")) else { continue };
            model.parameters().set(&format!("hidden{}.{kind}", nth + 1), learned)?;
        }
        inputs = rebuilding.layers()[0].infer(&inputs)?;
    }
    Ok(())
}

/// The share of test digits that a deep network of sigmoids has right after each epoch of training all layers; before that its
/// layers were trained one by one for `pretrained` epochs, if that is not 0.
pub fn deep(pretrained: u32, epochs: u32, device: &Device) -> Result<Vec<f64>> {
    let data::Split { train, test } = data::digits()?;
    let model = Mlp::new(&SIZES, Activation::Sigmoid).seed(5).build(device)?;
    if pretrained > 0 {
        pretrain(&model, &Loader::new(&train, &SIZES[..1], device).all()?.inputs, pretrained)?;
    }
    let mut adam = Adam::new(0.003).for_model(&model)?;
    let epoch = |_| {
        samples::each_batch(Loader::new(&train, &SIZES[..1], device), (64, 1), |batch| {
            let loss = model.forward(&Tape::new(), &batch.inputs)?.cross_entropy(&batch.targets)?;
            adam.step(&model, &loss.backward()?)
        })?;
        samples::accuracy(Loader::new(&test, &SIZES[..1], device), |inputs| model.infer(inputs))
    };
    (0..epochs).map(epoch).collect()
}

fn main() -> Result<()> {
    let device = Device::auto()?;
    println!("mean squared error of the best polynomial unit:");
    for (nth, error) in polynomial_layers(&device)?.iter().enumerate() {
        println!("{:7} {error:.3e}", format!("layer {}", nth + 1));
    }
    let (scratch, pretrained) = (deep(0, 20, &device)?, deep(30, 20, &device)?);
    println!("six hidden layers of sigmoids, digits right by epoch, from scratch and with layers trained before:");
    for (epoch, (scratch, pretrained)) in scratch.iter().zip(&pretrained).enumerate().skip(4).step_by(5) {
        println!("epoch {:2} {:5.1} % {:5.1} %", epoch + 1, scratch * 100.0, pretrained * 100.0);
    }
    let epochs: Vec<f64> = (1..=scratch.len()).map(|epoch| epoch as f64).collect();
    let functions = [("from scratch", &scratch[..]), ("layer by layer", &pretrained[..])];
    support::curves("layerwise", "Digits right, by epoch", &epochs, &functions)
}
