//! A CUDA device whose calls fail: each of them once, or for good. The driver is simulated.
#![cfg(all(feature = "cuda", target_os = "linux"))]

#[path = "cuda_faults/cache.rs"]
mod cache;
mod simulated;
#[path = "cuda_faults/sticky.rs"]
mod sticky;
#[path = "cuda_faults/sweep.rs"]
mod sweep;

use std::sync::{Mutex, MutexGuard, PoisonError};

use rectify::nn::{Activation, Mlp};
use rectify::optim::{Rule, Sgd};
use rectify::{Device, DeviceChoice, Error, Result, Tape, Tensor};
use simulated::Control;

/// The simulated driver, which one test uses at a time: what it counts is everybody's.
struct Turn {
    control: Control,
    _guard: MutexGuard<'static, ()>,
}

impl Turn {
    fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let control = simulated::control();
        control.restart();
        control.reset();
        control.take_violations();
        Self { control, _guard: guard }
    }

    /// Nothing is left of a device that is gone, and no rule was broken.
    fn assert_clean(&self, what: &str) {
        assert_eq!(self.control.take_violations(), [""; 0], "{what}");
        assert_eq!(self.control.live_bytes(), 0, "{what}");
    }
}

fn open() -> Result<Device> {
    Device::open(DeviceChoice::Cuda(0))
}

/// The loss of a small network after a step of training.
fn step(device: &Device) -> Result<f64> {
    let model = Mlp::new(&[4, 8, 3], Activation::Relu).seed(7).build(device)?;
    let mut sgd = Sgd::new(0.5).for_model(&model)?;
    let numbers: Vec<f32> = (0..20).map(|i| (i * 7 % 11) as f32 / 11.0).collect();
    let inputs = Tensor::from_slice(&numbers, &[5, 4], device)?;
    let labels = Tensor::from_slice(&[0i64, 1, 2, 1, 0], &[5], device)?;
    let loss = || model.forward(&Tape::new(), &inputs)?.cross_entropy(&labels);
    let gradients = loss()?.backward()?;
    sgd.step(&model, &gradients)?;
    loss()?.item()
}

/// What a failure may be: of the device, or of its memory.
fn assert_typed(error: &Error, what: &str) {
    assert!(matches!(error, Error::Device { .. } | Error::OutOfMemory(_)), "{what}: {error:?}");
}

#[test]
fn memory_that_runs_out_is_told_with_its_holders_and_the_device_stays_usable() {
    let turn = Turn::new();
    let device = open().unwrap();
    turn.control.capacity(64 << 20);
    let held = {
        let _scope = rectify::scope::enter("held");
        Tensor::zeros(&[1 << 20], rectify::DType::F32, &device).unwrap()
    };
    let error = Tensor::zeros(&[64 << 20], rectify::DType::F32, &device).unwrap_err();
    let Error::OutOfMemory(told) = &error else { panic!("{error}") };
    assert_eq!((told.requested, told.device.as_str()), (256 << 20, "cuda:0"));
    assert!(told.holders[0].0.contains("held") && told.holders[0].1 >= 4 << 20, "{error}");
    assert!(told.device_memory.is_some_and(|(_, total)| total == 64 << 20), "{error}");
    assert_eq!(held.to_vec::<f32>().unwrap(), vec![0.0; 1 << 20]);
    turn.control.capacity(4 << 30);
    drop(Tensor::zeros(&[64 << 20], rectify::DType::F32, &device).unwrap());
    drop((held, device));
    turn.assert_clean("all is dropped");
}
