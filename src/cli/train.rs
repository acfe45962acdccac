//! `rectify train`.

use std::fmt::{self, Display};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use rectify::DeviceChoice;
use rectify::nn::Activation;
use rectify::train::event::Watch;
use rectify::train::{DataSource, Done, Event, Loss, Optimizer, RatePlan, Resume, TrainOptions};
use rectify::{DType, Error, Result};

use super::columns::ColumnArgs;
use super::failure::Failure;
use super::interrupt;
use super::layers;
use super::notice;
use super::number::{real, whole};
use super::output::OutputArgs;
use super::progress::Progress;

/// Train a model that tells classes or predicts numbers, and write its weights, metrics and a page with pictures
#[derive(clap::Args)]
#[command(after_help = format!("{}\n\n{EXAMPLES}", layers::HELP))]
pub struct Args {
    /// Options in a file: TOML, or the config.json of an earlier run; what is typed besides wins. Only a file has
    /// [[layers]], accumulate, clip_value, l1, max_norm, smoothing, class_weights, average, by_epochs, momentum_warm_up, the schedules
    /// step, exponential and phases, and the settings of [loss], [optimizer] and [schedule]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[arg(long, value_name = "SOURCE", help = with_default(DATA, usual().data))]
    data: Option<DataSource>,
    #[command(flatten)]
    columns: ColumnArgs,
    #[arg(long, value_name = "NAME", help = with_default(LOSS, "what suits the targets"))]
    loss: Option<Loss>,
    #[arg(long, value_name = "SIZES", help = with_default("Sizes of the hidden layers, or none", Sizes(usual().hidden)))]
    hidden: Option<Sizes>,
    #[arg(long, value_name = "NAME", help = with_default(ACTIVATION, usual().activation))]
    activation: Option<Activation>,
    #[arg(long, value_name = "N", help = with_default("Passes over the training samples", usual().epochs))]
    #[arg(value_parser = whole::<usize>, allow_hyphen_values = true)]
    epochs: Option<usize>,
    #[arg(long, value_name = "N", help = with_default("Samples per batch", usual().batch_size))]
    #[arg(value_parser = whole::<usize>, allow_hyphen_values = true)]
    batch_size: Option<usize>,
    #[arg(long, value_name = "NAME", help = with_default("How parameters follow their gradients", "sgd"))]
    #[arg(value_parser = names(&Optimizer::ALL.map(Optimizer::name)))]
    optimizer: Option<String>,
    #[arg(long, value_name = "RATE", help = learning_rate_help(), value_parser = real, allow_hyphen_values = true)]
    learning_rate: Option<f64>,
    #[arg(long, value_name = "SHARE", help = momentum_help(), value_parser = real, allow_hyphen_values = true)]
    momentum: Option<f64>,
    #[arg(long, value_name = "RATE", help = weight_decay_help(), value_parser = real, allow_hyphen_values = true)]
    weight_decay: Option<f64>,
    #[arg(long, value_name = "NAME", help = with_default("How the learning rate goes on", usual().schedule))]
    #[arg(value_parser = names(&RatePlan::ALL.map(|plan| plan.name())))]
    schedule: Option<String>,
    #[arg(long, value_name = "STEPS", help = with_default("Steps that lead up to the learning rate", usual().warm_up))]
    #[arg(value_parser = whole::<u64>, allow_hyphen_values = true)]
    warm_up: Option<u64>,
    /// The most that the norm of all gradients may be
    #[arg(long, value_name = "NORM", value_parser = real, allow_hyphen_values = true)]
    clip_norm: Option<f64>,
    /// Epochs without a better test loss after which the run ends
    #[arg(long, value_name = "N", value_parser = whole::<usize>, allow_hyphen_values = true)]
    patience: Option<usize>,
    #[arg(long, value_name = "N", help = with_default("Seed of everything random", usual().seed))]
    #[arg(value_parser = whole::<u64>, allow_hyphen_values = true)]
    seed: Option<u64>,
    #[arg(long, value_name = "TYPE", help = with_default(COMPUTE, usual().compute))]
    #[arg(value_parser = names(&TrainOptions::COMPUTE.map(DType::name)).try_map(|name| name.parse::<DType>()))]
    compute: Option<DType>,
    #[arg(long, value_name = "DEVICE")]
    #[arg(help = with_default("Where to compute: auto, cpu, cuda or cuda:N", usual().device))]
    device: Option<DeviceChoice>,
    #[arg(long, value_name = "DIR", help = with_default(OUT, usual().out.display()))]
    out: Option<PathBuf>,
    /// Go on from a checkpoint: auto for that of the folder, if there is one, or a file
    #[arg(long, value_name = "auto|FILE")]
    resume: Option<Resume>,
    /// Look into all layers in the last step of each epoch: into metrics, TensorBoard events and the page
    #[arg(long)]
    diagnose: bool,
    /// Launch each kernel of a step by itself on CUDA, as a debugger wants it, not all of them as one
    #[arg(long)]
    no_capture: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What is said of `--data`.
pub const DATA: &str = "Samples: digits (embedded), synthetic[:N] (generated), a folder of IDX files named as MNIST's, a \
    folder with a folder of PNG images for each class, an .npz archive of x and y (or x_train, y_train, x_test, y_test), a .csv \
    table with a label or targets, or an .npy array of rows with targets";
const ACTIVATION: &str = "Activation after each hidden layer: step, linear, relu, leaky_relu, sigmoid, tanh, softplus, elu, \
    gelu, gelu_tanh, silu, or another that `rectify activations` lists";
const LOSS: &str = "How far results are from targets: cross_entropy, binary_cross_entropy (bce) or hinge of classes; mean_squared_error \
    (mse), mean_absolute_error (mae) or huber of numbers, which have mean 0 and deviation 1 in it";
const COMPUTE: &str =
    "What the network computes in while it is trained; parameters stay f32, and with f16 the loss is scaled";
const OUT: &str = "Folder for weights, metrics and the page; what an earlier run left there is replaced";
const EXAMPLES: &str = "\
Examples:
  rectify train
  rectify train --data mnist --hidden 512,256 --optimizer adam --epochs 5 --out runs/wide
  rectify train --data flowers.csv --label species --hidden 16
  rectify train --data houses.csv --target price --loss huber --optimizer adam
  rectify train --config convolutions.toml --schedule cosine --resume auto
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
    /// The options of the file, if there is one, with what was typed in place of what it says.
    pub(super) fn into_options(self) -> Result<TrainOptions> {
        let mut options = self.config.as_ref().map_or_else(|| Ok(usual()), TrainOptions::read)?;
        if let Some(activation) = self.activation {
            if !options.layers.is_empty() && self.hidden.is_none() {
                let rule = "is that of hidden layers, and the file has layers of its own: change it there";
                return Err(Error::argument("activation", rule));
            }
            options.activation = activation;
        }
        if let Some(Sizes(hidden)) = self.hidden {
            options.hidden = hidden;
            options.layers.clear();
        }
        if let Some(name) = self.optimizer.filter(|name| *name != options.optimizer.name()) {
            let named = Optimizer::ALL.into_iter().find(|rule| rule.name() == name);
            options.optimizer = named.unwrap_or(options.optimizer);
            // What the file says of rates is for the rule that it names.
            (options.learning_rate, options.weight_decay) = (None, None);
        }
        if let Some(momentum) = self.momentum {
            options.optimizer = options.optimizer.with_momentum(momentum)?;
        }
        if let Some(loss) = self.loss.filter(|loss| options.loss.is_none_or(|told| told.name() != loss.name())) {
            options.loss = Some(loss);
        }
        if let Some(name) = self.schedule.filter(|name| *name != options.schedule.name()) {
            let named = RatePlan::ALL.into_iter().find(|plan| plan.name() == name);
            options.schedule = named.unwrap_or(options.schedule);
        }
        replace(&mut options.data, self.data);
        replace(&mut options.label, self.columns.label.map(Some));
        replace(&mut options.target, Some(self.columns.target).filter(|columns| !columns.is_empty()));
        replace(&mut options.epochs, self.epochs);
        replace(&mut options.batch_size, self.batch_size);
        replace(&mut options.learning_rate, self.learning_rate.map(Some));
        replace(&mut options.weight_decay, self.weight_decay.map(Some));
        replace(&mut options.warm_up, self.warm_up);
        replace(&mut options.clip_norm, self.clip_norm.map(Some));
        replace(&mut options.early_stopping, self.patience.map(Some));
        replace(&mut options.seed, self.seed);
        replace(&mut options.compute, self.compute);
        replace(&mut options.device, self.device);
        options.diagnose |= self.diagnose;
        options.capture &= !self.no_capture;
        replace(&mut options.out, self.out);
        replace(&mut options.resume, self.resume);
        Ok(options)
    }
}

fn replace<T>(place: &mut T, typed: Option<T>) {
    if let Some(value) = typed {
        *place = value;
    }
}

fn with_default(help: &str, default: impl Display) -> String {
    format!("{help} [default: {default}]")
}

/// One of these names.
fn names(names: &[&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(names.iter().copied())
}

/// A number for each optimiser, those with the same one together: `0.05 for sgd, 0.001 for adam`.
fn by_optimizer(number: fn(Optimizer) -> f64) -> String {
    let mut groups: Vec<(f64, Vec<&str>)> = Vec::new();
    for rule in Optimizer::ALL {
        let value = number(rule);
        match groups.iter_mut().find(|(known, _)| *known == value) {
            Some((_, names)) => names.push(rule.name()),
            None => groups.push((value, vec![rule.name()])),
        }
    }
    let said = groups.iter().map(|(value, names)| format!("{value} for {}", names.join(" and ")));
    said.collect::<Vec<_>>().join(", ")
}

fn learning_rate_help() -> String {
    with_default("How far a step goes", by_optimizer(Optimizer::default_learning_rate))
}

fn weight_decay_help() -> String {
    with_default("How strongly weights are pulled towards zero", by_optimizer(Optimizer::default_weight_decay))
}

fn momentum_help() -> String {
    with_default("Share of the last step that sgd repeats, 0 to below 1", Optimizer::DEFAULT_MOMENTUM)
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
