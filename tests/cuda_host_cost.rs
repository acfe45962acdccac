//! What an operation costs the host: measured on the simulated driver with execution switched off, so that only the crate's own
//! work and a driver that does nothing count. Run with
//! `cargo test --release --test cuda_host_cost -- --ignored --nocapture`.

mod simulated;

use std::time::Instant;

use rectify::{Device, Result, Tensor};
use simulated::{Control, Cuda};

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
