//! Every way to use a kernel wrongly gives one message, with the line.

use rectify::kernels::Launch;
use rectify::tensor::{Argument, CudaKernel};
use rectify::{DType, Device, Error, Tensor};

use super::{TEXT, Turn, kernel};

const TILES: &str = include_str!("tiles.cu");

/// One message that is this, of a kernel.
fn assert_said(result: Result<(), Error>, said: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Kernel(_)), "{error:?}");
    assert_eq!(error.to_string(), said);
}

fn source(text: &str, entry: &str) -> Result<(), Error> {
    CudaKernel::from_source(text, entry).map(drop)
}

#[test]
fn arguments_that_do_not_fit_are_refused_before_anything_is_queued() {
    let turn = Turn::new();
    let device = turn.device();
    let zeros = |sizes: &[usize], dtype| Tensor::zeros(sizes, dtype, &device).unwrap();
    let (x, y, wide) = (zeros(&[6], DType::F32), zeros(&[6], DType::F32), zeros(&[6], DType::F64));
    let elsewhere = Tensor::zeros(&[6], DType::F32, &Device::cpu()).unwrap();
    let table = zeros(&[2, 3], DType::F32).transpose(0, 1).unwrap();
    let (front, back) = (y.slice(0, 0..4).unwrap(), y.slice(0, 3..6).unwrap());
    let (a, n) = (Argument::from(2f32), Argument::from(6u32));
    let (input, output) = (Argument::from, Argument::output);
    device.synchronize().unwrap();
    turn.control.reset();
    for (arguments, said) in [
        (vec![a, input(&x), n], "takes 4 arguments (f32 a, const f32* x, f32* y, u32 n), 3 were given"),
        (vec![2f64.into(), input(&x), output(&y), n], "was given a number of type f64 for `f32 a`"),
        (vec![input(&x), input(&x), output(&y), n], "was given a tensor for `f32 a`"),
        (vec![a, a, output(&y), n], "was given a number of type f32 for `const f32* x`"),
        (vec![a, input(&wide), output(&y), n], "was given a tensor of f64 for `const f32* x`: cast it"),
        (
            vec![a, output(&x), output(&y), n],
            "was given an output for `const f32* x`, which is only read: give the tensor itself",
        ),
        (
            vec![a, input(&x), input(&y), n],
            "was given an input for `f32* y`, which may be written: give Argument::output, or declare it const",
        ),
        (vec![a, input(&x), output(&y), 6i32.into()], "was given a number of type i32 for `u32 n`"),
        (
            vec![a, input(&table), output(&y), n],
            "was given a tensor of shape [3, 2] for `const f32* x` that is not contiguous: give one that is",
        ),
        (
            vec![a, input(&elsewhere), output(&y), n],
            "was given a tensor on cuda:0 for `f32* y`, and one on cpu before it",
        ),
        (
            vec![a, input(&front), output(&back), n],
            "was given the same elements for `const f32* x` and `f32* y`, one of which may be written",
        ),
    ] {
        let result = kernel("saxpy").launch(Launch::over(6, 32), &arguments);
        assert_said(result, &format!("saxpy.cu:3: kernel saxpy {said}"));
    }
    let without_tensors = CudaKernel::from_source("extern \"C\" __global__ void k(int n) {}", "k").unwrap();
    let said = "k.cu:1: kernel k is given no tensor, so that nothing says on which device it runs";
    assert_said(without_tensors.launch(Launch::over(1, 1), &[1i32.into()]), said);
    assert_eq!((turn.control.launches().len(), turn.control.count("nvrtcCompileProgram")), (0, 0));
    // A part beside the other, and nothing at all, are no conflict.
    let (front, none) = (y.slice(0, 0..3).unwrap(), y.slice(0, 2..2).unwrap());
    kernel("saxpy").launch(Launch::over(3, 32), &[a, input(&front), output(&back), 3u32.into()]).unwrap();
    kernel("saxpy").launch(Launch::over(1, 32), &[a, input(&none), output(&y), 0u32.into()]).unwrap();
    device.synchronize().unwrap();
}

#[test]
fn more_than_the_device_has_is_refused_with_the_line_of_the_kernel() {
    let turn = Turn::new();
    let device = turn.device();
    let x = Tensor::zeros(&[4, 4], DType::F64, &device).unwrap();
    let y = Tensor::zeros(&[4, 4], DType::F64, &device).unwrap();
    let arguments = [(&x).into(), Argument::output(&y), 4i32.into(), 4i32.into()];
    for (launch, said) in [
        (Launch::new([1; 3], [16, 32, 1]), "a block of 16 x 32 x 1: 512 threads, and at most 256 are possible"),
        (Launch::new([1; 3], [1, 1, 65]), "a block of 1 x 1 x 65: at most 1024 x 1024 x 64 are possible"),
        (
            Launch::new([1, 70_000, 1], [16, 16, 1]),
            "1 x 70000 x 1 blocks: at most 2147483647 x 65535 x 65535 are possible",
        ),
        (
            Launch::new([1; 3], [16, 16, 1]).shared_bytes(300 << 10),
            "307200 bytes of shared memory for a block (0 declared, 307200 asked for at the launch), and there are 232448",
        ),
    ] {
        let result = kernel("transpose").launch(launch, &arguments);
        assert_said(result, &format!("transpose.cu:18: kernel transpose cannot be launched with {said}"));
    }
    // What the kernel declares counts.
    let x = Tensor::zeros(&[32], DType::F32, &device).unwrap();
    let tiles = CudaKernel::from_source(TILES, "tiles").unwrap();
    let launch = |bytes| tiles.launch(Launch::over(32, 32).shared_bytes(bytes), &[Argument::output(&x)]);
    launch(100 << 10).unwrap();
    let said = "tiles.cu:2: kernel tiles cannot be launched with 241664 bytes of shared memory for a block (32768 declared, \
                208896 asked for at the launch), and there are 232448";
    assert_said(launch(204 << 10), said);
    device.synchronize().unwrap();
}

#[test]
fn texts_that_do_not_compile_say_where_at_the_first_launch() {
    let turn = Turn::new();
    let device = turn.device();
    let y = Tensor::zeros(&[6], DType::F32, &device).unwrap();
    for (planted, line) in [("y[i] += a * x[i]\n", 6), ("y[i] += a * z[i];\n", 6)] {
        let text = TEXT.replacen("y[i] += a * x[i];\n", planted, 1);
        let saxpy = CudaKernel::from_source(&text, "saxpy").unwrap();
        let x = Tensor::zeros(&[6], DType::F32, &device).unwrap();
        let arguments = [2f32.into(), (&x).into(), Argument::output(&y), 6u32.into()];
        let error = saxpy.launch(Launch::over(6, 32), &arguments).unwrap_err();
        let Error::Kernel(kernel) = &error else { panic!("{error:?}") };
        let said = error.to_string();
        assert!(said.starts_with(&format!("saxpy.cu:{line}: kernel saxpy does not compile: ")), "{said}");
        assert!(said.lines().count() == 1 && kernel.log.as_ref().is_some_and(|log| log.lines().count() > 1), "{said}");
    }
    // The assembler says nothing of its own about this one.
    let text = TILES.replace("tile[8192]", "tile[20000]");
    let result = CudaKernel::from_source(&text, "tiles").unwrap().launch(Launch::over(6, 6), &[Argument::output(&y)]);
    assert_said(
        result,
        "tiles.cu:2: kernel tiles does not compile: it declares 80000 bytes of shared memory, and at most 49152 can be \
         declared: declare it `extern __shared__` and ask for it at the launch",
    );
    // The device is as it was.
    assert_eq!(y.to_vec::<f32>().unwrap(), [0.0; 6]);
}

#[test]
fn what_is_no_kernel_is_refused_when_it_is_read() {
    assert_said(
        source(TEXT, "saxpi"),
        "saxpi.cu: kernel saxpi is not there; the text defines saxpy on line 3, daxpy on line 10, transpose on line 18, \
         numbers on line 31",
    );
    assert_said(
        source("\n__global__ void k(float* x) {}", "k"),
        "k.cu:2: kernel k is not declared extern \"C\", so that its name in the compiled code is another",
    );
    let error =
        source("extern \"C\" __global__ void k(\n    int n,\n    Table table) {}", "k").unwrap_err().to_string();
    let start =
        "k.cu:3: kernel k has parameter 2, `Table table`, of the type Table; types that are understood are float, ";
    assert!(error.starts_with(start), "{error}");
    let missing = CudaKernel::from_file("nowhere.cu", "k").unwrap_err();
    assert!(matches!(missing, Error::Io { .. }), "{missing}");
}

#[test]
fn the_cpu_refuses_and_says_what_to_do() {
    let x = Tensor::zeros(&[6], DType::F32, &Device::cpu()).unwrap();
    let y = Tensor::zeros(&[6], DType::F32, &Device::cpu()).unwrap();
    let arguments = [2f32.into(), (&x).into(), Argument::output(&y), 6u32.into()];
    let error = kernel("saxpy").launch(Launch::over(6, 32), &arguments).unwrap_err();
    assert!(matches!(error, Error::Device { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "device cpu: kernel saxpy (saxpy.cu:3) is CUDA C++: put its tensors on a CUDA device, as with --device cuda"
    );
}
