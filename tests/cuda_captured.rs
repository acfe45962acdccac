//! Captured work on a CUDA device: it does what the same calls do one by one, on memory that stays, as one launch. The driver is
//! simulated.
#![cfg(all(feature = "cuda", target_os = "linux"))]

mod simulated;

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rectify::device::Seed;
use rectify::formula::catalogue::activation;
use rectify::formula::catalogue::create::constant;
use rectify::nn::layer::{Activate, BatchNorm, Dense, Dropout};
use rectify::nn::{Activation, Mlp, Network, Parameters};
use rectify::optim::{Adam, AdamW, Average, Lion, LossScale, Optimizer, RmsProp, Rule, Sgd, limit_norms};
use rectify::tensor::Captured;
use rectify::train::{self, Event, RatePlan, Resume, TrainOptions};
use rectify::{DType, Device, DeviceChoice, Result, Tape, Tensor, scope};
use simulated::Control;

/// What must not happen while training goes on.
const STOPS: [&str; 9] = [
    "cuMemAlloc_v2",
    "cuMemAllocFromPoolAsync",
    "cuMemFree_v2",
    "cuMemFreeAsync",
    "cuMemHostAlloc",
    "cuStreamSynchronize",
    "cuEventSynchronize",
    "cuCtxSynchronize",
    "cuLaunchKernel",
];

/// One test at a time: what the driver counts is everybody's.
fn turn() -> (MutexGuard<'static, ()>, Control, Device) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let control = simulated::control();
    (turn, control, Device::open(DeviceChoice::Cuda(0)).unwrap())
}

fn random(sizes: &[usize], key: u64, device: &Device) -> Result<Tensor> {
    Tensor::uniform(sizes, -1.0, 1.0, DType::F32, Seed::new(key, 0), device)
}

fn bits(tensor: &Tensor) -> Result<Vec<u32>> {
    Ok(tensor.cast(DType::F32)?.to_vec::<f32>()?.into_iter().map(f32::to_bits).collect())
}

/// A network in training, with everything around it that changes from step to step.
struct Training {
    network: Network,
    optimizer: Optimizer,
    average: Average,
    scale: Option<LossScale>,
    inputs: Tensor,
    labels: Tensor,
}

impl Training {
    fn new(device: &Device, compute: DType, optimizer: impl FnOnce(&Network) -> Result<Optimizer>) -> Result<Self> {
        let network = Network::new(&[12])
            .add(Dense::new(16))
            .add(BatchNorm::default())
            .add(Activate::new(activation::relu))
            .add(Dropout(0.3))
            .add(Dense::new(5))
            .compute(compute)
            .seed(3)
            .build(device)?;
        let labels: Vec<i64> = (0..8).map(|row| row * 7 % 5).collect();
        Ok(Self {
            optimizer: optimizer(&network)?,
            average: Average::new(&network, 0.9)?,
            scale: (compute == DType::F16).then(|| LossScale::new(device)).transpose()?,
            network,
            inputs: random(&[8, 12], 4, device)?,
            labels: Tensor::from_slice(&labels, &[8], device)?,
        })
    }

    fn step(&mut self) -> Result<Tensor> {
        let Self { network, optimizer, average, scale, inputs, labels } = self;
        let loss = network.forward(&Tape::new(), inputs)?.cross_entropy(labels)?;
        let mut gradients = match scale {
            Some(scale) => scale.scaled(&loss)?.backward()?,
            None => loss.backward()?,
        };
        if let Some(scale) = scale {
            scale.unscale(&mut gradients)?;
        }
        gradients.clip_norm(0.5)?;
        optimizer.step(network, &gradients)?;
        limit_norms(network, 2.0)?;
        average.update(network)?;
        Ok(loss.tensor().clone())
    }

    /// Everything that a step changes, and the losses, after so many steps.
    fn run(mut self, steps: u32, mut captured: Option<Captured<Tensor>>) -> Result<Vec<Vec<u32>>> {
        let mut seen = Vec::new();
        for step in 0..steps {
            self.optimizer.set_rate(0.05 / f64::from(1 + step));
            if step == 3 {
                self.optimizer.set_momentum(0.5).ok();
            }
            let (inputs, labels) = (self.inputs.clone(), self.labels.clone());
            let loss = match &mut captured {
                Some(captured) => captured.run(&[&inputs, &labels], || self.step())?,
                None => self.step()?,
            };
            seen.push(bits(&loss)?);
        }
        assert_eq!((self.optimizer.steps(), self.network.passes()), (u64::from(steps), u64::from(steps)));
        assert_eq!(self.average.updates(), u64::from(steps));
        seen.push(bits(self.network.parameters().flat())?);
        seen.push(bits(self.average.values())?);
        let parameters: &Parameters = self.network.as_ref();
        parameters.statistics().try_for_each(|statistic| bits(statistic).map(|bits| seen.push(bits)))?;
        self.optimizer.state().try_for_each(|(_, state)| bits(state).map(|bits| seen.push(bits)))?;
        Ok(seen)
    }
}

#[test]
fn captured_steps_change_everything_as_eager_ones_do_to_the_bit() -> Result<()> {
    let (_turn, control, device) = turn();
    type Make = fn(&Network) -> Result<Optimizer>;
    let optimizers: [(&str, DType, Make); 7] = [
        ("sgd", DType::F32, |network| Sgd::new(0.1).for_model(network)),
        ("nesterov", DType::F32, |network| Sgd::new(0.1).momentum(0.9).nesterov(true).for_model(network)),
        ("adam", DType::F32, |network| Adam::new(0.1).for_model(network)),
        ("adamw in f16", DType::F16, |network| AdamW::new(0.1).for_model(network)),
        ("momentum in f16", DType::F16, |network| Sgd::new(0.1).momentum(0.9).dampening(0.1).for_model(network)),
        ("rmsprop in bf16", DType::Bf16, |network| RmsProp::new(0.1).momentum(0.9).for_model(network)),
        ("lion", DType::F32, |network| Lion::new(0.1).for_model(network)),
    ];
    for (name, compute, optimizer) in optimizers {
        let eager = Training::new(&device, compute, optimizer)?.run(7, None)?;
        control.reset();
        let captured = Captured::new(&device);
        let captured = Training::new(&device, compute, optimizer)?.run(7, Some(captured))?;
        assert_eq!(control.count("cuGraphLaunch"), 6, "{name}: all steps but the first are launches of a graph");
        assert_eq!(control.count("cuStreamBeginCapture_v2"), 1, "{name}: which was captured once");
        assert!(eager == captured, "{name}: captured steps differ from eager ones");
        assert!(eager[0] != eager[5], "{name}: the loss changes");
    }
    drop(device);
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn what_one_graph_was_told_is_not_written_over_by_another() -> Result<()> {
    let (_turn, control, device) = turn();
    let train = |captured: bool| -> Result<Vec<u32>> {
        let network = Network::new(&[1024]).add(Dense::new(1)).seed(3).build(&device)?;
        let mut sgd = Sgd::new(0.1).for_model(&network)?;
        let inputs = [random(&[1, 1024], 1, &device)?, random(&[1, 1024], 2, &device)?];
        let mut steps = Captured::new(&device);
        for x in inputs.iter().cycle().take(12) {
            let mut step = || {
                // As large as what a graph is told, and left free.
                let scaled = x.scale_shift(0.5, 0.1)?.square()?;
                let loss = network.forward(&Tape::new(), &scaled)?.square()?.mean(&[])?;
                sgd.step(&network, &loss.backward()?)
            };
            if captured { steps.run(&[x], step)? } else { step()? }
        }
        assert_eq!(steps.graphs(), if captured { 2 } else { 0 });
        bits(network.parameters().flat())
    };
    assert_eq!(train(false)?, train(true)?, "a rate that stays is told once, and is still there");
    drop(device);
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn several_steps_make_one_launch() -> Result<()> {
    let (_turn, control, device) = turn();
    let adam = |network: &Network| Adam::new(0.1).for_model(network);
    let train = |captured: bool| -> Result<Vec<Vec<u32>>> {
        let mut training = Training::new(&device, DType::F32, adam)?;
        let (inputs, labels) = (training.inputs.clone(), training.labels.clone());
        let (mut steps, mut losses) = (Captured::new(&device), Vec::new());
        for _ in 0..3 {
            let mut four = || (0..4).map(|_| training.step()).collect::<Result<Vec<_>>>();
            let four = if captured { steps.run(&[&inputs, &labels], four)? } else { four()? };
            four.iter().try_for_each(|loss| bits(loss).map(|bits| losses.push(bits)))?;
        }
        assert_eq!((training.optimizer.steps(), training.network.passes()), (12, 12));
        losses.push(bits(training.network.parameters().flat())?);
        Ok(losses)
    };
    let eager = train(false)?;
    control.reset();
    assert!(eager == train(true)?, "each of the steps in a launch is told numbers of its own");
    assert_eq!(control.count("cuGraphLaunch"), 2);
    drop(device);
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn weights_rounded_by_chance_draw_the_same_in_captured_steps() -> Result<()> {
    let (_turn, control, device) = turn();
    let train = |mut captured: Option<Captured<()>>| -> Result<Vec<u32>> {
        let network = Network::new(&[12]).add(Dense::new(5)).dtype(DType::Bf16).seed(3).build(&device)?;
        let mut sgd = Sgd::new(1e-3).momentum(0.9).for_model(&network)?.rounding_by_chance(&network, 9)?;
        let inputs = random(&[8, 12], 4, &device)?;
        for _ in 0..5 {
            let mut step = || -> Result<()> {
                let loss = network.forward(&Tape::new(), &inputs)?.square()?.mean(&[])?;
                sgd.step(&network, &loss.backward()?)
            };
            match &mut captured {
                Some(captured) => captured.run(&[&inputs], &mut step)?,
                None => step()?,
            }
        }
        bits(network.parameters().flat())
    };
    assert_eq!(train(None)?, train(Some(Captured::new(&device)))?);
    drop(device);
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn ten_thousand_steps_are_one_launch_each_and_leave_the_ledger_as_it_is() -> Result<()> {
    let (_turn, control, device) = turn();
    let model = Mlp::new(&[784, 128, 10], Activation::Relu).seed(7).build(&device)?;
    let mut sgd = Sgd::new(0.05).momentum(0.9).weight_decay(1e-4).for_model(&model)?;
    let images = random(&[64, 784], 1, &device)?;
    let labels = Tensor::from_slice(&(0..64).map(|row| row * 7 % 10).collect::<Vec<i64>>(), &[64], &device)?;
    let mut captured = Captured::new(&device);
    let mut steps = |count: usize| -> Result<()> {
        for _ in 0..count {
            captured.run(&[&images, &labels], || {
                let loss = model.forward(&Tape::new(), &images)?.cross_entropy(&labels)?;
                sgd.step(&model, &loss.backward()?)?;
                Ok(loss.tensor().clone())
            })?;
        }
        Ok(())
    };
    // The second step after the first one's dampening is told other numbers.
    steps(4)?;
    device.synchronize()?;
    let before = (device.ledger().live_bytes(), device.ledger().sequence());
    control.execute(false);
    control.reset();
    steps(10_000)?;
    control.execute(true);
    assert_eq!(control.count("cuGraphLaunch"), 10_000);
    assert_eq!(control.count("cuMemcpyHtoDAsync_v2"), 0, "a rate that stays is not sent again");
    for stop in STOPS {
        assert_eq!(control.count(stop), 0, "{stop}");
    }
    assert_eq!((device.ledger().live_bytes(), device.ledger().sequence()), before);
    drop((captured, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn what_captured_work_uses_stays_when_its_owner_drops_it() -> Result<()> {
    let (_turn, control, device) = turn();
    let (x, doubled) = (random(&[1 << 16], 1, &device)?, random(&[1 << 16], 2, &device)?);
    let sum = doubled.add(&x)?.to_vec::<f32>()?;
    let mut captured = Captured::new(&device);
    let work = || x.add(&doubled)?.add(&Tensor::full(&[1 << 16], 0.0, DType::F32, &device)?);
    captured.run(&[], work)?;
    captured.run(&[], work)?;
    let address = doubled.buffer().address();
    drop((x, doubled));
    let again = || -> Result<Tensor> { panic!("the work is captured") };
    for round in 0..4 {
        // Others take memory, write to it, and give back what nobody uses.
        let others = (0..6).map(|key| random(&[1 << 16], key, &device)).collect::<Result<Vec<_>>>()?;
        assert!(others.iter().all(|other| other.buffer().address() != address));
        device.memory().trim()?;
        let before: Vec<_> = others.iter().map(bits).collect::<Result<_>>()?;
        assert_eq!(captured.run(&[], again)?.to_vec::<f32>()?, sum, "in round {round}");
        let after: Vec<_> = others.iter().map(bits).collect::<Result<_>>()?;
        assert!(before == after, "captured work writes to memory of its own alone");
    }
    let reserved = device.ledger().report().reserved_bytes;
    captured.forget();
    let freed = device.memory().trim()?;
    assert!(freed > 0 && freed <= reserved, "nothing is held once there is no graph: {freed} of {reserved}");
    assert_eq!(device.ledger().live_bytes(), 0);
    drop((captured, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn other_shapes_and_places_of_the_inputs_have_graphs_of_their_own() -> Result<()> {
    let (_turn, control, device) = turn();
    let mut captured = Captured::new(&device);
    let mut run = |x: &Tensor| -> Result<Vec<f32>> { captured.run(&[x], || x.square()?.sum(&[0]))?.to_vec() };
    let inputs = [random(&[4, 3], 1, &device)?, random(&[4, 3], 2, &device)?, random(&[2, 3], 3, &device)?];
    control.reset();
    for x in inputs.iter().cycle().take(13) {
        assert_eq!(run(x)?, x.square()?.sum(&[0])?.to_vec::<f32>()?);
    }
    assert_eq!((control.count("cuStreamBeginCapture_v2"), control.count("cuGraphLaunch")), (3, 12));
    Tensor::update(&constant { value: 0.5 }, &[], &[&inputs[0]], Seed::default())?;
    assert_eq!(run(&inputs[0])?, [1.0; 3], "the elements may be others");
    assert_eq!(control.count("cuStreamBeginCapture_v2"), 3);
    let many = (4..14).map(|rows| random(&[rows, 3], 1, &device)).collect::<Result<Vec<_>>>()?;
    many.iter().try_for_each(|x| run(x).map(drop))?;
    assert_eq!(captured.graphs(), 8, "the oldest graphs go");
    drop((captured, inputs, many, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn what_cannot_be_captured_is_refused_and_nothing_is_spoilt() -> Result<()> {
    let (_turn, control, device) = turn();
    let x = Tensor::full(&[3], 2.0, DType::F32, &device)?;
    let mut within = Captured::new(&device);
    within.run(&[], || x.square())?;
    within.run(&[], || x.square())?;
    let refused = |work: &mut dyn FnMut() -> Result<Tensor>| {
        let mut captured = Captured::new(&device);
        let first = captured.run(&[], &mut *work).unwrap();
        assert_eq!(first.to_vec::<f32>().unwrap().len(), 3);
        let message = captured.run(&[], work).unwrap_err().to_string();
        assert_eq!(captured.graphs(), 0);
        assert_eq!(x.square().unwrap().to_vec::<f32>().unwrap(), [4.0; 3], "after: {message}");
        message
    };
    let said = refused(&mut || x.scale_shift(x.sum(&[])?.item()?, 0.0));
    assert!(said.contains("download: captured work has not run yet"), "{said}");
    let said = refused(&mut || x.add(&Tensor::from_slice(&[1f32, 2.0, 3.0], &[3], &device)?));
    assert!(said.contains("upload: captured work would run again with what was copied once"), "{said}");
    let said = refused(&mut || device.synchronize().and_then(|()| x.square()));
    assert!(said.contains("synchronize: captured work"), "{said}");
    let said = refused(&mut || within.run(&[], || x.square()));
    assert!(said.contains("launch: captured work does not run other captured work"), "{said}");
    let said = refused(&mut || {
        let mut inner = Captured::new(&device);
        inner.run(&[], || x.square())?;
        inner.run(&[], || x.square())
    });
    assert!(said.contains("capture: work of this device is being captured already"), "{said}");
    drop((within, x, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn a_capture_that_the_driver_spoils_is_tried_once_more() -> Result<()> {
    let (_turn, control, device) = turn();
    let x = Tensor::full(&[3], 2.0, DType::F32, &device)?;
    for (failures, works) in [(1, true), (2, false)] {
        let mut captured = Captured::new(&device);
        captured.run(&[], || x.square())?;
        let mut tries = 0;
        let spoilt = captured.run(&[], || {
            tries += 1;
            if tries <= failures {
                control.fail_at("cuGraphInstantiateWithFlags", 0, 901, false);
            }
            x.square()
        });
        control.clear();
        assert_eq!((tries, spoilt.is_ok()), (2, works));
        assert!(works || spoilt.unwrap_err().to_string().contains("901"));
        assert_eq!(captured.run(&[], || x.square())?.to_vec::<f32>()?, [4.0; 3], "it is captured now");
    }
    drop((x, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn other_threads_work_on_while_one_captures() -> Result<()> {
    let (_turn, control, device) = turn();
    let x = random(&[1000], 1, &device)?;
    let expected = x.square()?.to_vec::<f32>()?;
    let mut captured = Captured::new(&device);
    let work = || {
        let first = x.square()?;
        let elsewhere = thread::scope(|scope| scope.spawn(|| x.square()?.to_vec::<f32>()).join().unwrap())?;
        assert_eq!(elsewhere, expected);
        first.neg()
    };
    for _ in 0..3 {
        let negated: Vec<f32> = expected.iter().map(|x| -x).collect();
        assert_eq!(captured.run(&[], work)?.to_vec::<f32>()?, negated);
    }
    drop((captured, x, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn recorded_replays_say_what_each_call_did_for_whom_and_how_long() -> Result<()> {
    let (_turn, control, device) = turn();
    let mut training = Training::new(&device, DType::F32, |network| Adam::new(0.1).for_model(network))?;
    let (inputs, labels) = (training.inputs.clone(), training.labels.clone());
    let mut captured = Captured::new(&device);
    let mut step = || {
        let _scope = scope::enter("step");
        captured.run(&[&inputs, &labels], || training.step())
    };
    step()?;
    let recording = device.record()?;
    step()?;
    let first = recording.take()?;
    let begin = control.count("cuGraphLaunch");
    step()?;
    step()?;
    assert_eq!(control.count("cuGraphLaunch"), begin + 2, "recorded steps are replays as well");
    let names = |calls: &[rectify::device::Call]| -> Vec<_> {
        calls.iter().filter(|call| call.operation != "upload").map(|call| (call.name(), call.label.path())).collect()
    };
    let two = recording.take()?;
    let replayed = names(&two);
    assert!(replayed.iter().any(|(name, label)| name == "map dropout" && label == "step/dropout1"), "{replayed:?}");
    assert!(replayed.iter().any(|(name, label)| name.starts_with("map adam") && label == "step/optimizer"));
    assert_eq!(replayed[..replayed.len() / 2], replayed[replayed.len() / 2..]);
    assert_eq!(names(&first), replayed[..replayed.len() / 2], "as captured");
    let calls: Vec<_> = two.iter().filter(|call| call.operation != "upload").collect();
    assert!(calls.iter().all(|call| call.device.seconds > 0.0), "each was timed in its own replay");
    assert!(calls.windows(2).all(|pair| pair[0].device.end() <= pair[1].device.start + 1e-9), "one after the other");
    let (whole, sum) = {
        let half = &calls[calls.len() / 2..];
        let span = half[half.len() - 1].device.end() - half[0].device.start;
        (span, half.iter().map(|call| call.device.seconds).sum::<f64>())
    };
    assert!((sum / whole - 1.0).abs() < 0.02, "calls of {sum} s make up a step of {whole} s");
    drop(recording);
    step()?;
    drop((captured, training, inputs, labels, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn the_cpu_does_the_work_each_time() -> Result<()> {
    let device = Device::cpu();
    let x = Tensor::full(&[3], 2.0, DType::F32, &device)?;
    let (mut captured, mut times) = (Captured::new(&device), 0);
    for _ in 0..3 {
        let y = captured.run(&[&x], || {
            times += 1;
            Tensor::zip(activation::relu, [&x])
        })?;
        assert_eq!(y.to_vec::<f32>()?, [2.0; 3]);
    }
    assert_eq!((captured.graphs(), times), (0, 3));
    Ok(())
}

#[test]
fn what_is_fetched_is_what_was_there_and_waits_for_nothing_later() -> Result<()> {
    let (_turn, control, device) = turn();
    let x = Tensor::full(&[300], 1.0, DType::F32, &device)?;
    let mut all = Vec::new();
    device.synchronize()?;
    control.reset();
    for value in 0..50 {
        Tensor::update(&constant { value: f64::from(value) }, &[], &[&x], Seed::default())?;
        all.push(x.fetch()?);
    }
    assert_eq!(control.count("cuStreamSynchronize"), 0);
    for (value, fetched) in all.into_iter().enumerate() {
        assert_eq!(fetched.to_vec::<f32>()?, [value as f32; 300]);
    }
    let berths = control.count("cuMemHostAlloc");
    assert_eq!(x.fetch()?.to_vec::<f32>()?, [49.0; 300]);
    assert_eq!(control.count("cuMemHostAlloc"), berths, "what bytes landed in is used again");
    assert!(x.fetch()?.to_vec::<f64>().unwrap_err().to_string().contains("cannot be read as f64"));
    assert_eq!(Tensor::full(&[2], 3.0, DType::F32, &Device::cpu())?.fetch()?.to_vec::<f32>()?, [3.0; 2]);
    drop((x, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

/// What a run says and leaves behind.
#[derive(PartialEq)]
struct Told {
    steps: Vec<(usize, u64)>,
    epochs: Vec<(u64, u64)>,
    weights: Vec<u8>,
}

impl Told {
    /// Trains in a folder; stops after so many steps, if asked to.
    fn train(options: &TrainOptions, stop: Option<usize>) -> Result<Self> {
        let (mut steps, mut epochs) = (Vec::new(), Vec::new());
        train::run(options, &mut |event| {
            match event {
                Event::Step(step) => steps.push((step.step, step.loss.to_bits())),
                Event::Epoch(epoch) => epochs.push((epoch.train_loss.to_bits(), epoch.test_loss.to_bits())),
                _ => {}
            }
            if stop.is_some_and(|stop| steps.len() >= stop) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(Self { steps, epochs, weights: std::fs::read(options.out.join("model.safetensors")).unwrap_or_default() })
    }
}

#[test]
fn training_launches_captured_steps_and_comes_to_the_same_bits() -> Result<()> {
    let (_turn, control, device) = turn();
    let folder = tempfile::tempdir().unwrap();
    let options = |name: &str, capture| TrainOptions {
        hidden: vec![16],
        epochs: 3,
        schedule: RatePlan::ALL[2].clone(),
        average: Some(0.9),
        device: DeviceChoice::Cuda(0),
        capture,
        out: folder.path().join(name),
        ..TrainOptions::default()
    };
    let eager = Told::train(&options("eager", false), None)?;
    control.reset();
    let captured = Told::train(&options("captured", true), None)?;
    let steps = captured.steps.len() as u64;
    assert_eq!(control.count("cuGraphLaunch"), steps - 1, "every step but the first is one launch");
    assert!(captured.steps.iter().enumerate().all(|(nth, step)| step.0 == nth + 1));
    assert!(eager == captured, "captured training comes to something else");
    let stopped = Told::train(&options("stopped", true), Some(30))?;
    assert!(stopped.steps[..] == captured.steps[..stopped.steps.len()] && stopped.epochs.len() < 3);
    let resumed = Told::train(&TrainOptions { resume: Resume::Auto, ..options("stopped", true) }, None)?;
    assert!(resumed.weights == captured.weights, "a run that was stopped comes to the same weights");
    assert_eq!(resumed.steps.last(), captured.steps.last());
    drop(device);
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

/// Every kind of layer, and what surrounds a step, as a file has them; on the digits, which are 8x8 images.
const PLANS: [&str; 6] = [
    r#"
    optimizer = { kind = "adam" }
    clip_norm = 1.0
    layers = [
        { kind = "conv2d", filters = 4, size = [3, 3], padding = [1, 1], activation = "relu" },
        { kind = "residual", layers = [
            { kind = "conv2d", filters = 4, size = [3, 3], padding = [1, 1] },
            { kind = "batch_norm" },
            { kind = "activation", name = "leaky_relu(0.1)" },
        ] },
        { kind = "max_pool2d", size = [2, 2] },
        { kind = "average_pool2d", size = [2, 2] },
        { kind = "channels_first" },
        { kind = "flatten" },
        { kind = "dropout", rate = 0.1 },
    ]
    "#,
    r#"
    optimizer = { kind = "rmsprop", centered = true }
    schedule = { kind = "exponential", factor = 0.9 }
    clip_value = 0.1
    layers = [
        { kind = "dense", units = 24, activation = "gelu" },
        { kind = "layer_norm" },
        { kind = "gaussian_dropout", deviation = 0.2 },
        { kind = "gated", activation = "sigmoid" },
        { kind = "rms_norm" },
        { kind = "maxout", units = 8, pieces = 2 },
        { kind = "concatenated_relu" },
        { kind = "learned", activation = "apl", per = "unit" },
    ]
    "#,
    r#"
    optimizer = { kind = "lion" }
    l1 = 0.001
    layers = [
        { kind = "branches", branches = [
            { layers = [{ kind = "select", features = [3, 5, 9] }] },
            { layers = [{ kind = "dense", units = 6, activation = "tanh" }] },
        ] },
        { kind = "dense", units = 12, activation = "mish" },
    ]
    "#,
    r#"
    optimizer = { kind = "adagrad", rate_decay = 0.01 }
    max_norm = 1.0
    smoothing = 0.1
    class_weights = "balanced"
    compute = "bf16"
    hidden = [20]
    activation = "silu"
    "#,
    r#"
    loss = { kind = "hinge" }
    compute = "f16"
    average = 0.9
    momentum_warm_up = { from = 0.5, steps = 10 }
    hidden = [20]
    "#,
    r#"
    optimizer = { kind = "adamw" }
    schedule = { kind = "phases", phases = [{ epochs = 1, share = 0.5 }] }
    loss = { kind = "binary_cross_entropy" }
    layers = [
        { kind = "embedding", count = 17, width = 2 },
        { kind = "reshape", sizes = [16, 8] },
        { kind = "flatten" },
    ]
    "#,
];

#[test]
fn networks_of_every_layer_train_to_the_same_bits_when_they_are_captured() -> Result<()> {
    let (_turn, control, device) = turn();
    let folder = tempfile::tempdir().unwrap();
    for (nth, plan) in PLANS.iter().enumerate() {
        let train = |capture: bool| {
            let plan: TrainOptions = toml::from_str(plan).unwrap();
            let out = folder.path().join(format!("{nth} {capture}"));
            Told::train(
                &TrainOptions { epochs: 1, batch_size: 200, device: DeviceChoice::Cuda(0), capture, out, ..plan },
                None,
            )
        };
        let eager = train(false)?;
        control.reset();
        let captured = train(true)?;
        assert_eq!(control.count("cuGraphLaunch"), captured.steps.len() as u64 - 1, "plan {nth}");
        assert!(!captured.weights.is_empty() && eager == captured, "plan {nth} comes to something else when captured");
    }
    drop(device);
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}
