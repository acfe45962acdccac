//! Autoencoders of real digits of 8x8 pixels: a code that rebuilds them, and a sparse one, steered to a share of exact zeros by a
//! penalty on its magnitudes.

mod support;

use rectify::data::Loader;
use rectify::nn::layer::Dense;
use rectify::nn::{Activation, Network};
use rectify::optim::{Rule, SparsityControl};
use rectify::{Adam, Device, Result, Tape, Tensor, data};
use support::samples;

const PIXELS: usize = 64;
const CODE: usize = 48;

/// An autoencoder, trained.
pub struct Outcome {
    /// Its test digits as they are, shape [digits, 64].
    pub digits: Tensor,
    /// The same, rebuilt.
    pub rebuilt: Tensor,
    /// The mean squared error of that.
    pub error: f64,
    /// The same of the mean digit, which takes no code.
    pub error_of_mean: f64,
    /// The share of the code that is exactly 0.
    pub zeros: f64,
}

/// Trains one for so many epochs, with this share of zeros to come to, if any.
pub fn run(zeros: Option<f64>, epochs: u32, device: &Device) -> Result<Outcome> {
    let data::Split { train, test } = data::digits()?;
    let network = Network::new(&[PIXELS])
        .add_named("code", Dense::new(CODE).activation(Activation::Relu))
        .add_named("picture", Dense::new(PIXELS).activation(Activation::Sigmoid))
        .seed(4)
        .build(device)?;
    let mut control = zeros.map(|zeros| SparsityControl::new(zeros)?.gain(0.1)).transpose()?;
    let mut adam = Adam::new(0.003).for_model(&network)?;
    samples::each_batch(Loader::new(&train, &[PIXELS], device), (64, epochs), |batch| {
        let (picture, watched) = network.forward_watched(&Tape::new(), &batch.inputs)?;
        let mut loss = picture.mean_squared_error(&batch.inputs)?;
        if let (Some(control), Some(code)) = (&mut control, watched.get("code")) {
            loss = loss.add(&code.abs()?.mean(&[])?.scale_shift(control.factor(), 0.0)?)?;
            control.observe(share_of_zeros(code.tensor())?);
        }
        adam.step(&network, &loss.backward()?)
    })?;
    let digits = Loader::new(&test, &[PIXELS], device).all()?.inputs;
    let (rebuilt, watched) = network.forward_watched(&Tape::new(), &digits)?;
    let zeros = watched.report()?.first().map_or(0.0, |code| code.zeros);
    let error = rebuilt.mean_squared_error(&digits)?.item()?;
    let mean = Loader::new(&train, &[PIXELS], device).all()?.inputs.mean(&[0])?;
    let error_of_mean = digits.sub(&mean)?.square()?.mean(&[])?.item()?;
    Ok(Outcome { rebuilt: rebuilt.into_tensor(), error, error_of_mean, zeros, digits })
}

fn share_of_zeros(code: &Tensor) -> Result<f64> {
    code.equal(&Tensor::zeros(&[], code.dtype(), code.device())?)?.mean(&[])?.item()
}

fn main() -> Result<()> {
    let device = Device::auto()?;
    let (free, sparse) = (run(None, 40, &device)?, run(Some(0.8), 40, &device)?);
    println!("the mean digit has an error of {:.4}", free.error_of_mean);
    println!("a free code:   error {:.4}, {:.1} % zeros", free.error, free.zeros * 100.0);
    println!("a sparse code: error {:.4}, {:.1} % zeros of 80 % asked for", sparse.error, sparse.zeros * 100.0);
    let shown = |rows: &Tensor| support::images(&rows.slice(0, 0..20)?);
    let sheet = [shown(&free.digits)?, shown(&free.rebuilt)?, shown(&sparse.rebuilt)?].concat();
    support::pictures("autoencoder", 20, &sheet)
}
