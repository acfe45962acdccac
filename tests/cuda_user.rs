//! Kernels that a person wrote, on a simulated CUDA device: launched from the library and from the command line, and every way
//! to get them wrong, each with its one message.
#![cfg(all(feature = "cuda", target_os = "linux"))]

#[path = "cuda_user/command.rs"]
mod command;
#[path = "cuda_user/misuse.rs"]
mod misuse;
mod simulated;

use std::sync::{Mutex, MutexGuard, PoisonError};

use rectify::autograd::{CheckOptions, check_gradient};
use rectify::device::Seed;
use rectify::kernels::Launch;
use rectify::tensor::{Argument, CudaKernel};
use rectify::{DType, Device, Result, Tape, Tensor, Var};
use simulated::Control;

const TEXT: &str = include_str!("cuda_user/kernels.cu");

/// The simulated driver, for one test at a time: what its driver counts is everybody's.
struct Turn {
    control: Control,
    _guard: MutexGuard<'static, ()>,
}

impl Turn {
    fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let control = simulated::control();
        // Those of a test that failed are not this one's.
        control.take_violations();
        Self { control, _guard: guard }
    }

    /// The device: the same one as long as anything of it is alive.
    fn device(&self) -> Device {
        simulated::device()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.control.take_violations(), [""; 0]);
        }
    }
}

fn kernel(entry: &str) -> CudaKernel {
    CudaKernel::from_source(TEXT, entry).unwrap()
}

fn uniform(sizes: &[usize], dtype: DType, key: u64, device: &Device) -> Result<Tensor> {
    Tensor::uniform(sizes, -1.0, 1.0, dtype, Seed::new(key, 0), device)
}

#[test]
fn a_kernel_computes_and_is_recorded_with_what_it_had_to_do() -> Result<()> {
    let turn = Turn::new();
    let device = turn.device();
    let count = 1000;
    let (x, y) = (uniform(&[count], DType::F32, 1, &device)?, uniform(&[count], DType::F32, 2, &device)?);
    let before: Vec<f32> = y.to_vec()?;
    let saxpy = kernel("saxpy");
    let arguments = [2.5f32.into(), (&x).into(), Argument::output(&y), (count as u32).into()];
    let recording = device.record()?;
    let live = device.ledger().live_bytes();
    let scope = rectify::scope::enter("layer");
    saxpy.launch(Launch::over(count, 128).flops(2 * count as u64), &arguments)?;
    drop(scope);
    saxpy.launch(Launch::over(count, 128).bytes(12_000), &arguments)?;
    // Nothing is launched over nothing.
    saxpy.launch(Launch::over(0, 128), &arguments)?;
    let calls = recording.take()?;
    drop(recording);
    assert_eq!(device.ledger().live_bytes(), live);
    let seen: Vec<_> = calls.iter().map(|call| (call.name(), call.label.path(), call.work.bytes())).collect();
    let expected = [("layer", 8000), ("", 12_000), ("", 8000)];
    assert_eq!(seen, expected.map(|(label, bytes)| ("custom saxpy".to_owned(), label.to_owned(), bytes)));
    assert_eq!((calls[0].work.flops, calls[0].sizes.as_slice(), calls[0].dtype), (2000, &[count][..], DType::F32));
    for ((x, before), after) in x.to_vec::<f32>()?.into_iter().zip(before).zip(y.to_vec::<f32>()?) {
        assert_eq!(after, before + 2.5 * x + 2.5 * x);
    }
    Ok(())
}

#[test]
fn blocks_and_grids_have_three_axes_and_shared_memory_as_asked_for() -> Result<()> {
    let turn = Turn::new();
    let device = turn.device();
    let [rows, columns] = [37, 50];
    let x = uniform(&[rows, columns], DType::F64, 3, &device)?;
    let y = Tensor::zeros(&[columns, rows], DType::F64, &device)?;
    let launch = Launch::new([4, 3, 1], [16, 16, 1]).shared_bytes(16 * 17 * 8);
    let arguments = [(&x).into(), Argument::output(&y), (rows as i32).into(), (columns as i32).into()];
    kernel("transpose").launch(launch, &arguments)?;
    assert_eq!(y.to_vec::<f64>()?, x.transpose(0, 1)?.to_vec::<f64>()?);
    // Beyond what a block has without asking, up to all there is.
    turn.control.reset();
    kernel("transpose").launch(launch.shared_bytes(227 << 10), &arguments)?;
    device.synchronize()?;
    assert_eq!(turn.control.count("cuFuncSetAttribute"), 1);
    Ok(())
}

#[test]
fn numbers_of_every_type_arrive_whole() -> Result<()> {
    let turn = Turn::new();
    let device = turn.device();
    let out = Tensor::zeros(&[9], DType::F64, &device)?;
    let half = half::f16::from_f32(-0.5);
    let arguments = [
        0.1f64.into(),
        (-2.5f32).into(),
        half.into(),
        half::bf16::from_f32(3.0).into(),
        200u8.into(),
        4_000_000_000u32.into(),
        (-7i32).into(),
        (-(1i64 << 40)).into(),
        (1u64 << 50).into(),
        Argument::output(&out),
    ];
    kernel("numbers").launch(Launch::over(1, 1), &arguments)?;
    let expected = [0.1, -2.5, -0.5, 3.0, 200.0, 4e9, -7.0, -(2f64.powi(40)), 2f64.powi(50)];
    assert_eq!(out.to_vec::<f64>()?, expected);
    Ok(())
}

#[test]
fn a_text_is_compiled_once_and_kept_on_disk() -> Result<()> {
    let turn = Turn::new();
    let (folder, usual) = (tempfile::tempdir().unwrap(), std::env::var_os("RECTIFY_CACHE_DIR").unwrap());
    let run = || -> Result<u64> {
        turn.control.reset();
        let device = turn.device();
        let (x, y) = (Tensor::zeros(&[4], DType::F32, &device)?, Tensor::zeros(&[4], DType::F32, &device)?);
        for _ in 0..3 {
            let arguments = [1f32.into(), (&x).into(), Argument::output(&y), 4u32.into()];
            CudaKernel::from_source(TEXT, "saxpy")?.launch(Launch::over(4, 32), &arguments)?;
        }
        device.synchronize()?;
        Ok(turn.control.count("nvrtcCompileProgram"))
    };
    // SAFETY: one test runs at a time, and no thread of another reads the environment meanwhile.
    unsafe { std::env::set_var("RECTIFY_CACHE_DIR", folder.path()) };
    let runs = [run(), run()];
    // SAFETY: as above.
    unsafe { std::env::set_var("RECTIFY_CACHE_DIR", usual) };
    let [first, again] = runs;
    assert_eq!((first?, again?), (2, 0), "the kernel and what fills tensors, each once");
    Ok(())
}

/// a x + y on a CUDA device, with kernels for it and for the way back to x and y.
fn saxpy(x: &Var, y: &Var) -> Result<Var> {
    let launch = Launch::over(x.shape().count(), 64);
    Var::custom("saxpy", &[x, y], |tensors| {
        let out = tensors[1].copy()?;
        let count = out.count() as u32;
        kernel("daxpy").launch(launch, &[3f64.into(), tensors[0].into(), Argument::output(&out), count.into()])?;
        let back = move |gradient: &Tensor, wanted: &[bool]| {
            let (gradient, of_x) = (gradient.contiguous()?, gradient.scale_shift(0.0, 0.0)?);
            let arguments = [3f64.into(), (&gradient).into(), Argument::output(&of_x), count.into()];
            kernel("daxpy").launch(launch, &arguments)?;
            Ok(vec![wanted[0].then_some(of_x), wanted[1].then(|| gradient.clone())])
        };
        Ok((out, back))
    })
}

#[test]
fn a_kernel_with_a_way_back_is_differentiable() -> Result<()> {
    let turn = Turn::new();
    let device = turn.device();
    let inputs = [uniform(&[3, 5], DType::F64, 1, &device)?, uniform(&[3, 5], DType::F64, 2, &device)?];
    check_gradient(|vars| saxpy(&vars[0], &vars[1])?.square()?.sum(&[1]), &inputs, &CheckOptions::default())?;
    // x twice, and y a constant.
    let function = |vars: &[Var]| saxpy(&vars[0].exp()?, &vars[0])?.mul(&saxpy(&vars[0], &Var::constant(&inputs[1]))?);
    check_gradient(function, &inputs[..1], &CheckOptions::default())?;
    let live = device.ledger().live_bytes();
    let tape = Tape::new();
    let gradients = saxpy(&tape.variable(&inputs[0])?, &Var::constant(&inputs[1]))?.sum(&[])?.backward()?;
    drop((tape, gradients));
    assert_eq!(device.ledger().live_bytes(), live);
    Ok(())
}
