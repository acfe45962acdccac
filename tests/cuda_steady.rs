//! The steady state of training on a CUDA device: it takes no memory, waits for nothing, and launches what it must. The driver
//! is simulated.
#![cfg(all(feature = "cuda", target_os = "linux"))]

mod simulated;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rectify::memory::{EventKind, Place};
use rectify::nn::{Activation, Mlp};
use rectify::optim::{Optimizer, Rule, Sgd};
use rectify::scope::Label;
use rectify::{Device, DeviceChoice, Result, Tape, Tensor};

/// What must not happen while training goes on.
const STOPS: [&str; 10] = [
    "cuMemAlloc_v2",
    "cuMemAllocFromPoolAsync",
    "cuMemFree_v2",
    "cuMemFreeAsync",
    "cuMemPoolCreate",
    "cuMemHostAlloc",
    "cuStreamSynchronize",
    "cuEventSynchronize",
    "cuCtxSynchronize",
    "nvrtcCompileProgram",
];
/// The most that a step may launch, products not counted.
const LAUNCHES: usize = 3;
const ROWS: usize = 64;

/// One test at a time: what the driver counts is everybody's.
static TURN: Mutex<()> = Mutex::new(());

struct Training {
    model: Mlp,
    sgd: Optimizer,
    images: Tensor,
    labels: Tensor,
}

impl Training {
    fn new(device: &Device) -> Result<Self> {
        let model = Mlp::new(&[784, 128, 10], Activation::Relu).seed(7).build(device)?;
        let sgd = Sgd::new(0.05).momentum(0.9).weight_decay(1e-4).for_model(&model)?;
        let pixels: Vec<f32> = (0..ROWS * 784).map(|i| (i * 7919 % 256) as f32 / 255.0 - 0.5).collect();
        let labels: Vec<i64> = (0..ROWS).map(|row| (row * 7 % 10) as i64).collect();
        let images = Tensor::from_slice(&pixels, &[ROWS, 784], device)?;
        Ok(Self { model, sgd, images, labels: Tensor::from_slice(&labels, &[ROWS], device)? })
    }

    fn steps(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let loss = self.model.forward(&Tape::new(), &self.images)?.cross_entropy(&self.labels)?;
            self.sgd.step(&self.model, &loss.backward()?)?;
        }
        Ok(())
    }

    fn parameters(&self) -> Result<Vec<f32>> {
        self.model.parameters().flat().to_vec()
    }
}

#[test]
fn a_hundred_steps_take_no_memory_and_wait_for_nothing() -> Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let control = simulated::control();
    let device = Device::open(DeviceChoice::Cuda(0))?;
    let mut training = Training::new(&device)?;
    training.steps(3)?;
    device.synchronize()?;
    let live = device.ledger().live_bytes();
    control.reset();
    training.steps(100)?;
    let stops: BTreeMap<_, _> =
        STOPS.iter().map(|name| (name, control.count(name))).filter(|stop| stop.1 > 0).collect();
    assert!(stops.is_empty(), "in 100 steps: {stops:?}");
    assert_eq!(device.ledger().live_bytes(), live);
    let launches = control.launches();
    assert_eq!(launches.len() % 100, 0, "each step launches the same");
    let names = &launches[..launches.len() / 100];
    let products = control.count("cublasLtMatmul");
    println!("a step launches {} kernels, {names:?}, and {} products", names.len(), products as f64 / 100.0);
    assert!(launches.chunks(names.len()).all(|step| step == names));
    assert!(names.len() <= LAUNCHES, "a step launches {} kernels, {LAUNCHES} are planned: {names:?}", names.len());
    assert_eq!(products, 500, "two products forwards, three backwards: the images need no gradient");
    device.synchronize()?;
    drop((training, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

/// What a step has to move at the least: every product reads its factors and writes its result once, the loss reads the scores
/// and writes their gradient over a copy, and the update reads weight, gradient and velocity and writes two of them.
fn bytes_on_paper() -> usize {
    let (rows, [inputs, hidden, classes]) = (ROWS, [784, 128, 10]);
    let products = [
        [rows, inputs, hidden],
        [rows, hidden, classes],
        [hidden, rows, classes],
        [rows, classes, hidden],
        [inputs, rows, hidden],
    ];
    let product = |[m, k, n]: [usize; 3]| m * k + k * n + m * n;
    let biases = 2 * (hidden + classes);
    let loss = 2 * rows * classes + 2 * rows;
    let parameters = (inputs + 1) * hidden + (hidden + 1) * classes;
    let labels_and_mask = 8 * rows + 2 * rows * hidden / 8;
    4 * (products.map(product).iter().sum::<usize>() + biases + loss + 5 * parameters) + labels_and_mask
}

#[test]
fn a_step_moves_what_it_must_on_paper_and_little_more() -> Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    simulated::control();
    let device = Device::open(DeviceChoice::Cuda(0))?;
    let mut training = Training::new(&device)?;
    training.steps(2)?;
    let recording = device.record()?;
    training.steps(1)?;
    let calls = recording.take()?;
    let moved: usize = calls.iter().map(|call| (call.work.read + call.work.written) as usize).sum();
    let ratio = moved as f64 / bytes_on_paper() as f64;
    println!("{moved} bytes in {} calls, {ratio:.3} of what paper asks for", calls.len());
    assert!((0.99..1.1).contains(&ratio), "{moved} bytes are {ratio} of what paper asks for");
    Ok(())
}

/// What happened in the memory of a new device in some steps, where and for whom.
fn events() -> Result<Vec<(EventKind, Option<Place>, Label)>> {
    let device = Device::open(DeviceChoice::Cuda(0))?;
    let recording = device.ledger().record();
    Training::new(&device)?.steps(5)?;
    Ok(recording.events().iter().map(|event| (event.kind, event.buffer.place, event.buffer.label)).collect())
}

#[test]
fn two_runs_use_the_same_places_in_the_same_order() -> Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    simulated::control();
    let [first, second] = [events()?, events()?];
    assert!(!first.is_empty());
    assert_eq!(first, second);
    Ok(())
}

#[test]
fn parameters_after_twenty_steps_are_those_of_the_cpu() -> Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    simulated::control();
    let [here, there] = [Device::cpu(), Device::open(DeviceChoice::Cuda(0))?].map(|device| {
        let mut training = Training::new(&device)?;
        training.steps(20)?;
        training.parameters()
    });
    let (here, there) = (here?, there?);
    let farthest = here.iter().zip(&there).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    assert!(here.len() == there.len() && farthest < 2e-5, "{farthest} apart");
    Ok(())
}
