//! A fault after which a device does nothing more.

use std::time::{Duration, Instant};

use rectify::{DType, Tensor};

use super::{Turn, open, step};

#[test]
fn a_device_that_failed_says_why_each_time_and_is_not_asked_again() {
    let turn = Turn::new();
    for code in [700, 716, 719] {
        let device = open().unwrap();
        step(&device).unwrap();
        let tensor = Tensor::zeros(&[8], DType::F32, &device).unwrap();
        device.synchronize().unwrap();
        turn.control.fail_at("cuStreamSynchronize", 0, code, true);
        let first = tensor.to_vec::<f32>().unwrap_err().to_string();
        assert!(first.contains(&format!("(code {code})")) && first.contains("start again"), "{first}");
        turn.control.reset();
        let before = Instant::now();
        let errors = [
            step(&device).unwrap_err(),
            tensor.to_vec::<f32>().unwrap_err(),
            Tensor::zeros(&[8], DType::F32, &device).unwrap_err(),
            Tensor::from_slice(&[1f32], &[1], &device).unwrap_err(),
            device.synchronize().unwrap_err(),
        ];
        assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
        assert!(errors.iter().all(|error| error.to_string() == first), "{first} became {errors:?}");
        drop((tensor, device));
        // Descriptors of products are memory of the host, which goes all the same.
        let on_the_host = ["cublasLtMatmulDescDestroy", "cublasLtMatrixLayoutDestroy", "cublasLtDestroy"];
        let asked = turn.control.count("") - on_the_host.iter().map(|name| turn.control.count(name)).sum::<u64>();
        assert!(asked <= 1, "{asked} calls went to a device that failed");
        turn.control.restart();
        // What the driver holds goes with the process.
        turn.control.take_violations();
    }
    step(&open().unwrap()).unwrap();
    turn.assert_clean("a new process works");
}
