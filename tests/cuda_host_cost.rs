//! What an operation costs the host: measured on the simulated driver with execution switched off, so that only the crate's own
//! work and a driver that does nothing count. Run with
//! `cargo test --release --test cuda_host_cost -- --ignored --nocapture`.

mod simulated;

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rectify::device::Seed;
use rectify::formula::catalogue::activation::relu;
use rectify::nn::Network;
use rectify::nn::layer::{Activate, Dense, Dropout};
use rectify::optim::{Adam, Optimizer, Rule, Sgd};
use rectify::tensor::Captured;
use rectify::{DType, Device, Result, Tape, Tensor};
use simulated::{Control, Cuda};

/// One test at a time: whether the driver executes is everybody's.
static TURN: Mutex<()> = Mutex::new(());

/// Calls in a row, of which the fastest row counts.
const CALLS: u32 = 2_000;
const ROWS: usize = 20;

/// Nanoseconds of a call.
fn cost(mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..ROWS {
        let begin = Instant::now();
        for _ in 0..CALLS {
            call()?;
        }
        best = best.min(begin.elapsed().as_secs_f64() / f64::from(CALLS) * 1e9);
    }
    Ok(best)
}

#[test]
#[ignore = "prints times, and compares them with nothing"]
fn operations_cost_the_host_little() -> Result<()> {
    if simulated::prepare() == Cuda::Real {
        println!("skipped: execution can be switched off on the simulated driver only");
        return Ok(());
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let device = simulated::device();
    let tensor = |sizes: &[usize], device: &Device| Tensor::full(sizes, 1.0, rectify::DType::F32, device);
    let (a, b, row) = (tensor(&[64, 128], &device)?, tensor(&[64, 128], &device)?, tensor(&[128], &device)?);
    let weight = tensor(&[128, 64], &device)?;
    // Everything is compiled before execution is switched off.
    let operations: [(&str, &dyn Fn() -> Result<()>); 6] = [
        ("abs", &|| a.abs().map(drop)),
        ("add", &|| a.add(&b).map(drop)),
        ("add a row", &|| a.add(&row).map(drop)),
        ("sum of rows", &|| a.sum(&[1]).map(drop)),
        ("softmax", &|| a.softmax().map(drop)),
        ("matmul", &|| a.matmul(&weight).map(drop)),
    ];
    for (_, operation) in operations {
        operation()?;
    }
    device.synchronize()?;
    let control = Control::new();
    control.execute(false);
    let costs: Result<Vec<f64>> = operations.iter().map(|(_, operation)| cost(operation)).collect();
    control.execute(true);
    for ((name, _), nanoseconds) in operations.iter().zip(costs?) {
        println!("{name:12} {nanoseconds:7.0} ns, allocation and release of the result included");
    }
    Ok(())
}

/// A step of 784-128-10 at batch 64, as calls and as a launch of what was captured: with nothing to tell it, and with the
/// numbers of Adam and the key of a dropout that it is told before each run.
#[test]
#[ignore = "prints times, and compares them with nothing"]
fn a_captured_step_costs_the_host_little() -> Result<()> {
    if simulated::prepare() == Cuda::Real {
        println!("skipped: execution can be switched off on the simulated driver only");
        return Ok(());
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let device = simulated::device();
    let images = Tensor::uniform(&[64, 784], -1.0, 1.0, DType::F32, Seed::new(1, 0), &device)?;
    let labels = Tensor::from_slice(&[3i64; 64], &[64], &device)?;
    let hidden = || Network::new(&[784]).add(Dense::new(128)).add(Activate::new(relu));
    let plain = hidden().add(Dense::new(10)).build(&device)?;
    let sgd = Sgd::new(0.05).momentum(0.9).for_model(&plain)?;
    let drawing = hidden().add(Dropout(0.2)).add(Dense::new(10)).build(&device)?;
    let adam = Adam::new(1e-3).for_model(&drawing)?;
    let control = Control::new();
    let compare = |name: &str, network: &Network, mut optimizer: Optimizer| -> Result<()> {
        let mut step = || -> Result<()> {
            let loss = network.forward(&Tape::new(), &images)?.cross_entropy(&labels)?;
            optimizer.step(network, &loss.backward()?)
        };
        let mut captured = Captured::new(&device);
        for _ in 0..3 {
            captured.run(&[&images, &labels], &mut step)?;
        }
        device.synchronize()?;
        control.execute(false);
        let costs = [cost(&mut step), cost(|| captured.run(&[&images, &labels], &mut step))];
        control.execute(true);
        let [eager, replayed] = costs;
        println!("{name:24} {:6.2} us in calls, {:6.2} us captured", eager? / 1e3, replayed? / 1e3);
        Ok(())
    };
    compare("SGD", &plain, sgd)?;
    compare("Adam, with a dropout", &drawing, adam)
}
