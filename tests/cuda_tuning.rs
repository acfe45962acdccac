//! The algorithm of a product: the library's first proposal, until the fastest is looked for; from then on that. The driver is
//! simulated, and has its own clock.
#![cfg(all(feature = "cuda", target_os = "linux"))]

mod simulated;

use rectify::device::tune_products;
use rectify::{Device, DeviceChoice, Result, Tensor};
use simulated::Control;

/// The schemes of the simulated algorithms: the likely fastest, and the fastest.
const FIRST: i32 = 2;
const FASTEST: i32 = 0;

/// The product of a column of this many numbers with a row, and the scheme that it ran by.
fn multiply(device: &Device, count: usize, control: &Control) -> Result<(Vec<f32>, i32)> {
    let numbers: Vec<f32> = (0..count).map(|i| i as f32).collect();
    let column = Tensor::from_slice(&numbers, &[count, 1], device)?;
    let row = Tensor::from_slice(&[2f32, 3.0], &[1, 2], device)?;
    let product = column.matmul(&row)?.to_vec()?;
    Ok((product, control.last_scheme()))
}

#[test]
fn the_fastest_algorithm_is_looked_for_when_asked_and_kept() -> anyhow::Result<()> {
    let control = simulated::control();
    let folder = tempfile::tempdir()?;
    // SAFETY: the only test of this process, and no device is open.
    unsafe { std::env::set_var("RECTIFY_CACHE_DIR", folder.path()) };
    let open = || Device::open(DeviceChoice::Cuda(0));
    let expected: Vec<f32> = (0..9).flat_map(|i| [2.0 * i as f32, 3.0 * i as f32]).collect();

    let device = open()?;
    assert_eq!(multiply(&device, 9, &control)?, (expected.clone(), FIRST), "nothing was looked for");
    drop(device);

    let device = open()?;
    let tuning = tune_products();
    assert_eq!(multiply(&device, 9, &control)?, (expected.clone(), FASTEST));
    let runs = control.count("cublasLtMatmul");
    multiply(&device, 9, &control)?;
    assert_eq!(control.count("cublasLtMatmul"), runs + 1, "it is looked for once");
    drop((tuning, device));

    // A device that is opened later, as by another process, goes on with it; another problem does not.
    let device = open()?;
    assert_eq!(multiply(&device, 9, &control)?, (expected.clone(), FASTEST), "the choice was kept");
    assert_eq!(multiply(&device, 10, &control)?.1, FIRST, "each problem has its own");
    drop(device);

    // What the library does not take any more is not believed.
    for entry in std::fs::read_dir(folder.path())? {
        std::fs::write(entry?.path(), b"poison")?;
    }
    assert_eq!(multiply(&open()?, 9, &control)?, (expected, FIRST));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}
