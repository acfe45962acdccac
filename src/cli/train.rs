//! `rectify train`.

use std::fmt::{self, Display};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::ValueEnum;
use rectify::DeviceChoice;
use rectify::nn::Activation;
use rectify::train::event::Watch;
use rectify::train::{DataSource, Done, Event, Optimizer, TrainOptions};
use rectify::{Error, Result};

use super::failure::Failure;
use super::interrupt;
use super::notice;
use super::number::{real, whole};
use super::output::OutputArgs;
use super::progress::Progress;

/// Train a classifier and write its weights, metrics and a page with pictures
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Samples: digits (embedded), synthetic[:N] (generated), a folder of IDX files named as MNIST's, a folder with a folder
    /// of PNG images for each class, an .npz archive of x and y (or x_train, y_train, x_test, y_test), or a .csv table
    #[arg(long, value_name = "SOURCE", default_value_t = usual().data)]
    data: DataSource,
    /// Column of the labels of a table, by name or by number from 1
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// Sizes of the hidden layers, or none
    #[arg(long, value_name = "SIZES", default_value_t = Sizes(usual().hidden))]
    hidden: Sizes,
    /// Activation after each hidden layer: step, linear, relu, leaky_relu, sigmoid, tanh, softplus, elu, gelu, gelu_tanh or silu
    #[arg(long, value_name = "NAME", default_value_t = usual().activation)]
    activation: Activation,
    /// Passes over the training samples
    #[arg(long, value_name = "N", default_value_t = usual().epochs)]
    #[arg(value_parser = whole::<usize>, allow_hyphen_values = true)]
    epochs: usize,
    /// Samples per optimiser step
    #[arg(long, value_name = "N", default_value_t = usual().batch_size)]
    #[arg(value_parser = whole::<usize>, allow_hyphen_values = true)]
    batch_size: usize,
    /// How parameters follow their gradients
    #[arg(long, value_name = "NAME", default_value = "sgd")]
    optimizer: OptimizerName,
    #[arg(long, value_name = "RATE", help = learning_rate_help(), value_parser = real, allow_hyphen_values = true)]
    learning_rate: Option<f64>,
    #[arg(long, value_name = "SHARE", help = momentum_help(), value_parser = real, allow_hyphen_values = true)]
    momentum: Option<f64>,
    /// How strongly weights are pulled towards zero
    #[arg(long, value_name = "RATE", default_value_t = usual().weight_decay)]
    #[arg(value_parser = real, allow_hyphen_values = true)]
    weight_decay: f64,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = usual().seed)]
    #[arg(value_parser = whole::<u64>, allow_hyphen_values = true)]
    seed: u64,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t = usual().device)]
    device: DeviceChoice,
    /// Folder for weights, metrics and the page; what an earlier run left there is replaced
    #[arg(long, value_name = "DIR", default_value_os_t = usual().out)]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  rectify train
  rectify train --data mnist --hidden 512,256 --optimizer adam --epochs 5 --out runs/wide
  rectify train --data flowers.csv --label species --hidden 16
  rectify train --json --quiet | jq .test_accuracy";

fn usual() -> TrainOptions {
    TrainOptions::default()
}

/// Checks what was typed, then trains.
pub fn run(args: Args, train: fn(&TrainOptions, Watch) -> Result<Done>) -> Result<ExitCode, Failure> {
    let output = args.output;
    let options = args.into_options()?;
    options.check()?;
    interrupt::listen().map_err(Failure::Run)?;
    let mut progress = Progress::new(output);
    train(&options, &mut |event| {
        if let Event::Start(start) = &event {
            notice::of_choice(options.device, &start.device, output);
        }
        progress.show(&event);
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    progress.finish()?;
    Ok(if interrupt::asked() { ExitCode::from(interrupt::EXIT_CODE) } else { ExitCode::SUCCESS })
}

impl Args {
    fn into_options(self) -> Result<TrainOptions> {
        let optimizer = match (self.optimizer, self.momentum) {
            (OptimizerName::Adam, None) => Optimizer::Adam,
            (OptimizerName::Adam, Some(_)) => return Err(Error::argument("momentum", "is for sgd; adam has its own")),
            (OptimizerName::Sgd, given) => Optimizer::Sgd { momentum: given.unwrap_or(Optimizer::DEFAULT_MOMENTUM) },
        };
        Ok(TrainOptions {
            data: self.data,
            label: self.label,
            hidden: self.hidden.0,
            activation: self.activation,
            epochs: self.epochs,
            batch_size: self.batch_size,
            optimizer,
            learning_rate: self.learning_rate.unwrap_or(optimizer.default_learning_rate()),
            weight_decay: self.weight_decay,
            seed: self.seed,
            device: self.device,
            out: self.out,
        })
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum OptimizerName {
    Sgd,
    Adam,
}

fn learning_rate_help() -> String {
    let [sgd, adam] = [Optimizer::Sgd { momentum: 0.0 }, Optimizer::Adam].map(Optimizer::default_learning_rate);
    format!("How far a step goes [default: {sgd} for sgd, {adam} for adam]")
}

fn momentum_help() -> String {
    format!("Share of the last step that sgd repeats, 0 to below 1 [default: {}]", Optimizer::DEFAULT_MOMENTUM)
}

/// Sizes of hidden layers as they are typed: `128,64`, or `none`.
#[derive(Clone)]
struct Sizes(Vec<usize>);

impl Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.0.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Sizes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let size = |part: &str| {
            part.trim().parse().map_err(|_| Error::argument("hidden", format!("'{part}' is not the size of a layer")))
        };
        text.split(',').map(size).collect::<Result<_>>().map(Self)
    }
}
