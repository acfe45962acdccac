//! Models and training in files: PyTorch's weights, and training that goes on where it stopped, to the bit.

mod devices;

use std::collections::BTreeMap;
use std::path::Path;

use devices::{device, on_devices};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rectify::checkpoint::{Weights, load_training, save_training};
use rectify::device::Seed;
use rectify::nn::layer::{BatchNorm, ChannelsFirst, Conv2d, Dense, Dropout, Flatten, MaxPool2d};
use rectify::nn::{Activation, Mlp, Network};
use rectify::optim::{Adam, AdamW, LossScale, Optimizer, Rule, Sgd};
use rectify::{DType, Result, Tape, Tensor};

on_devices! {
    a_model_of_pytorch_gives_what_it_gave_there,
    weights_come_back_from_a_file,
    training_goes_on_to_the_same_bits,
    a_checkpoint_of_something_else_changes_nothing,
    a_loss_scale_takes_back_what_it_was_and_nothing_else,
}

/// The network of tools/record_torch_model.py.
fn torch_network() -> Result<Network> {
    Network::new(&[6, 8, 2])
        .add_named("0", Conv2d::new(3, [3, 2]).stride([1, 2]).padding([1, 0]))
        .add_named("1", BatchNorm::default())
        .add_named("2", rectify::nn::layer::Activate::from(Activation::Relu))
        .add_named("3", MaxPool2d::new([2, 2]))
        .add_named("4a", ChannelsFirst)
        .add_named("4", Flatten)
        .add_named("5", Dense::new(4))
        .seed(9)
        .build(&device())
}

fn recorded() -> BTreeMap<String, Vec<f32>> {
    serde_json::from_str(include_str!("data/torch_model.json")).expect("lists of numbers")
}

fn check_results(network: &Network) -> Result<f32> {
    let recorded = recorded();
    let images = Tensor::from_slice(&recorded["images"], &[5, 6, 8, 2], &device())?;
    let results = network.infer(&images)?.to_vec::<f32>()?;
    let pairs = results.iter().zip(&recorded["results"]);
    assert_eq!(results.len(), recorded["results"].len());
    Ok(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max))
}

fn a_model_of_pytorch_gives_what_it_gave_there() -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torch_model.safetensors");
    let network = torch_network()?;
    assert!(check_results(&network)? > 0.1, "other weights give other results");
    Weights::load(&path)?.load_into(&network)?;
    let apart = check_results(&network)?;
    assert!(apart < 1e-5, "{apart} apart");
    // The same names and shapes go back, but for what PyTorch counts besides.
    let names = |weights: &Weights| -> BTreeMap<String, String> {
        let kept = weights.tensors.iter().filter(|tensor| !tensor.name.contains("num_batches"));
        kept.map(|tensor| (tensor.name.clone(), tensor.shape.to_string())).collect()
    };
    assert_eq!(names(&Weights::of(&network)?), names(&Weights::load(&path)?));
    Ok(())
}

fn weights_come_back_from_a_file() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    for dtype in [DType::F32, DType::F64, DType::F16, DType::Bf16] {
        let build = |seed| Mlp::new(&[5, 7, 3], Activation::Tanh).dtype(dtype).seed(seed).build(&device());
        let (one, other) = (build(1)?, build(2)?);
        Weights::of(&one)?.save(&path)?;
        Weights::load(&path)?.load_into(&other)?;
        let flat = |model: &Mlp| model.parameters().flat().to_bytes();
        assert_eq!(flat(&one)?, flat(&other)?, "{dtype}");
    }
    let smaller = Mlp::new(&[5, 6, 3], Activation::Tanh).build(&device())?;
    let before = smaller.parameters().flat().to_bytes()?;
    let error = Weights::load(&path)?.load_into(&smaller).expect_err("7 units are not 6").to_string();
    assert!(error.contains("hidden1.weight"), "{error}");
    assert_eq!(smaller.parameters().flat().to_bytes()?, before);
    Ok(())
}

/// Something that trains: noise, statistics, and an optimiser of some kind.
struct Training {
    network: Network,
    optimizer: Optimizer,
    /// Every fifth step is one to skip, where there is a scale.
    scale: Option<LossScale>,
    losses: Vec<u64>,
}

const STEPS: u64 = 24;

impl Training {
    fn new(kind: usize) -> Result<Self> {
        let network = Network::new(&[6])
            .add(Dense::new(8).activation(Activation::Relu))
            .add(BatchNorm::default())
            .add(Dropout(0.3))
            .add(Dense::new(3))
            .seed(5)
            .build(&device())?;
        let optimizer = match kind {
            0 => Sgd::new(0.1).momentum(0.9).weight_decay(1e-3).for_model(&network)?,
            1 => Adam::new(0.01).for_model(&network)?,
            _ => AdamW::new(0.01).weight_decay(0.1).for_model(&network)?,
        };
        let scale = (kind == 3).then(|| LossScale::new(&device())?.interval(3)).transpose()?;
        Ok(Self { network, optimizer, scale, losses: Vec::new() })
    }

    fn run(&mut self, steps: u64) -> Result<()> {
        for _ in 0..steps {
            let stream = self.optimizer.steps() as u32;
            let x = Tensor::normal(&[10, 6], 0.0, 1.0, DType::F32, Seed::new(8, stream), &device())?;
            let labels: Vec<i64> = (0..10).map(|row| (row * 7 + i64::from(stream)) % 3).collect();
            let labels = Tensor::from_slice(&labels, &[10], &device())?;
            let loss = self.network.forward(&Tape::new(), &x)?.cross_entropy(&labels)?;
            self.losses.push(loss.item()?.to_bits());
            let gradients = match &mut self.scale {
                None => loss.backward()?,
                Some(scale) => {
                    let factor = if stream % 5 == 1 { 1e38 } else { 1.0 };
                    let mut gradients = scale.scaled(&loss.scale_shift(factor, 0.0)?)?.backward()?;
                    scale.unscale(&mut gradients)?;
                    gradients
                }
            };
            self.optimizer.step(&self.network, &gradients)?;
        }
        Ok(())
    }

    fn save(&self, path: &Path) -> Result<()> {
        let mut notes = BTreeMap::from([("passes".to_owned(), self.network.passes().to_string())]);
        if let Some(scale) = &self.scale {
            let (scale, good) = scale.state()?;
            notes.extend([("scale".to_owned(), scale.to_string()), ("good".to_owned(), good.to_string())]);
        }
        save_training(path, &self.network, &self.optimizer, &notes)
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        let notes = load_training(path, &self.network, &mut self.optimizer)?;
        self.network.set_passes(notes["passes"].parse().expect("a number"));
        if let Some(scale) = &mut self.scale {
            let [factor, good] = ["scale", "good"].map(|name| notes[name].parse::<f64>().expect("a number"));
            scale.restore(factor, good as u32)?;
        }
        Ok(())
    }

    /// Everything there is to compare.
    fn bytes(&self) -> Result<Vec<Vec<u8>>> {
        let parameters = self.network.parameters().iter().map(|parameter| &parameter.tensor);
        parameters.chain(self.optimizer.state().map(|(_, state)| state)).map(Tensor::to_bytes).collect()
    }
}

fn training_goes_on_to_the_same_bits() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    let mut whole = Vec::new();
    for kind in 0..4 {
        let mut training = Training::new(kind)?;
        training.run(STEPS)?;
        assert_eq!(training.optimizer.skipped()?, if kind == 3 { 5 } else { 0 });
        whole.push(training);
    }
    let cases = if devices::is_cuda() { 5 } else { 50 };
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let stops = (0usize..4, 0..STEPS, 0..STEPS);
    let result = runner.run(&stops, |(kind, one, other)| {
        let fail = |error: rectify::Error| TestCaseError::fail(error.to_string());
        let (first, second) = (one.min(other), one.max(other));
        let mut losses: Vec<u64> = Vec::new();
        // Stopped twice, each time with all that was in memory gone.
        for (from, to) in [(0, first), (first, second), (second, STEPS)] {
            let mut training = Training::new(kind).map_err(fail)?;
            if from > 0 {
                training.load(&path).map_err(fail)?;
            }
            training.run(to - from).map_err(fail)?;
            training.save(&path).map_err(fail)?;
            losses.extend(&training.losses);
            if to == STEPS {
                prop_assert!(training.bytes().map_err(fail)? == whole[kind].bytes().map_err(fail)?);
                let scale =
                    |training: &Training| training.scale.as_ref().map(LossScale::state).transpose().map_err(fail);
                prop_assert_eq!(scale(&training)?, scale(&whole[kind])?);
            }
        }
        prop_assert!(losses == whole[kind].losses);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    Ok(())
}

fn a_checkpoint_of_something_else_changes_nothing() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    let mut sgd = Training::new(0)?;
    sgd.run(2)?;
    sgd.save(&path)?;
    let mut adam = Training::new(1)?;
    let before = adam.bytes()?;
    let error = adam.load(&path).expect_err("another optimiser").to_string();
    assert!(error.contains("sgd") && error.contains("adam"), "{error}");
    Weights::of(&sgd.network)?.save(&path)?;
    let error = adam.load(&path).expect_err("weights alone").to_string();
    assert!(error.contains("is no checkpoint"), "{error}");
    assert_eq!((adam.bytes()?, adam.optimizer.steps()), (before, 0));
    let taken = [("optimizer.steps".to_owned(), "1".to_owned())].into();
    assert!(save_training(&path, &sgd.network, &sgd.optimizer, &taken).is_err());
    Ok(())
}

fn a_loss_scale_takes_back_what_it_was_and_nothing_else() -> Result<()> {
    let mut scale = LossScale::new(&device())?.interval(3)?;
    scale.restore(1024.0, 2)?;
    for (factor, good, expected) in [
        (0.5, 0, "restore: scale 0.5 is not from 1 to 16777216"),
        (f64::INFINITY, 0, "restore: scale inf is not"),
        (f64::NAN, 0, "restore: scale NaN is not"),
        (2.0, 3, "restore: count of good steps 3 is not from 0 to below the interval, 3"),
    ] {
        let said = scale.restore(factor, good).expect_err("no scale").to_string();
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!((scale.state()?, scale.scale().item()?), ((1024.0, 2), 1024.0));

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    let mut training = Training::new(3)?;
    training.run(2)?;
    assert!(training.optimizer.restore_skipped(3).is_err());
    training.save(&path)?;
    let mut written = Weights::load(&path)?;
    assert_eq!(written.metadata["optimizer.skipped"], "1");
    written.metadata.insert("optimizer.skipped".into(), "3".into());
    written.save(&path)?;
    let before = training.bytes()?;
    let said = training.load(&path).expect_err("more than there were").to_string();
    assert!(said.contains("says that 3 of 2 steps were skipped"), "{said}");
    assert_eq!((training.bytes()?, training.optimizer.skipped()?), (before, 1));
    Ok(())
}
