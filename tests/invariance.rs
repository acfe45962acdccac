//! Same seed, same bits: for any number of threads, and from run to run.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::Command;

use half::{bf16, f16};
use rectify::device::Seed;
use rectify::nn::{Activation, Mlp};
use rectify::optim::{Adam, Rule};
use rectify::{DType, Device, Element, Result, Tape, Tensor, formula};

const THREADS: [&str; 3] = ["1", "2", "5"];
/// Tells a copy of this test that it is to compute, not to compare.
const COMPUTE: &str = "RECTIFY_TEST_COMPUTE";

/// The weights that a run of the command line leaves, and what it says of itself without its times.
fn trained(threads: &str, arguments: &[&str]) -> (Vec<u8>, BTreeMap<String, serde_json::Value>) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rectify"));
    command.args(["train", "--device", "cpu", "--json", "--quiet", "--out", "run"]).args(arguments);
    let output = command.current_dir(folder.path()).env("RECTIFY_THREADS", threads).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let mut done: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    done.retain(|name, _| !["seconds", "samples_per_second"].contains(&name.as_str()));
    (fs::read(folder.path().join("run/model.safetensors")).unwrap(), done)
}

const RUNS: [&[&str]; 3] = [
    &["--data", "digits", "--epochs", "2"],
    &["--data", "synthetic:300", "--epochs", "1", "--hidden", "512,256"],
    &["--data", "digits", "--epochs", "1", "--optimizer", "adam", "--activation", "gelu", "--batch-size", "50"],
];

#[test]
fn trained_weights_depend_on_the_seed_and_not_on_the_threads() {
    for arguments in RUNS {
        let first = trained("1", arguments);
        assert!(first.0.len() > 10_000);
        // The last run is one of two threads once more.
        for threads in ["2", "5", "2"] {
            let again = trained(threads, arguments);
            assert!(first.0 == again.0, "{arguments:?}: {threads} threads give other weights than 1");
            assert_eq!(first.1, again.1, "{arguments:?} with {threads} threads");
        }
        let other = trained("2", &[arguments, &["--seed", "8"]].concat());
        assert_eq!(first.0.len(), other.0.len());
        assert!(first.0 != other.0, "{arguments:?}: another seed gives the same weights");
    }
}

/// FNV-1a over the bytes of all elements.
fn fingerprint(tensor: &Tensor) -> Result<u64> {
    fn of<E: Element>(tensor: &Tensor) -> Result<u64> {
        let elements = tensor.to_vec::<E>()?;
        let mix = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Ok(E::as_bytes(&elements).iter().fold(0xcbf2_9ce4_8422_2325, mix))
    }
    match tensor.dtype() {
        DType::F64 => of::<f64>(tensor),
        DType::F32 => of::<f32>(tensor),
        DType::F16 => of::<f16>(tensor),
        DType::Bf16 => of::<bf16>(tensor),
        DType::U8 => of::<u8>(tensor),
        DType::U32 => of::<u32>(tensor),
        DType::I32 => of::<i32>(tensor),
        DType::I64 => of::<i64>(tensor),
    }
}

formula! { fn noisy(x; strength; noise: normal, chance: uniform) = x * chance + strength * noise }

type Reduction = fn(&Tensor, &[usize]) -> Result<Tensor>;

/// Operations on tensors large enough that threads share each, by name.
fn operations(dtype: DType) -> Result<Vec<(String, Tensor)>> {
    let device = Device::cpu();
    let seed = |stream| Seed::new(11, stream);
    let normal = |sizes: &[usize], stream| Tensor::normal(sizes, 0.0, 1.0, dtype, seed(stream), &device);
    let (x, y) = (normal(&[300, 7, 211], 0)?, normal(&[211], 1)?);
    let (a, b) = (normal(&[257, 310], 2)?, normal(&[310, 190], 3)?);
    let (batch, logits) = (normal(&[6, 70, 310], 4)?, normal(&[3000, 33], 5)?);
    let labels = Tensor::uniform(&[3000], 0.0, 33.0, DType::I32, seed(6), &device)?;
    let (losses, gradient) = logits.cross_entropy(&labels, Some(1.0 / 3000.0))?;
    let sum = normal(&[257, 190], 7)?;
    sum.add_matmul(&a, &b)?;
    let tape = Tape::new();
    let vars = [tape.variable(&x)?, tape.variable(&y)?, tape.variable(&normal(&[211], 14)?)?];
    let normalised = vars[0].layer_norm(&vars[1], &vars[2], 1e-5)?;
    let layer_norm = normalised.tensor().clone();
    let gradients = normalised.backward_with(&normal(&[300, 7, 211], 15)?)?;
    let of = |var| gradients.of(var).expect("a gradient").clone();
    let results = [
        ("uniform", Tensor::uniform(&[400_001], -1.0, 3.0, dtype, seed(8), &device)?),
        ("normal", x.clone()),
        ("map", x.exp()?),
        ("zip", x.transpose(0, 2)?.mul(&normal(&[1, 7, 1], 9)?)?),
        ("random formula", Tensor::zip_random(noisy { strength: 0.5 }, [&x], seed(10))?),
        ("copy", x.transpose(0, 1)?.copy()?),
        ("cast", x.scale_shift(100.0, 0.0)?.cast(DType::I32)?),
        ("row", a.slice(0, 0..1)?.matmul(&b)?),
        ("column", a.matmul(&b.slice(1, 0..1)?)?),
        ("matmul", a.matmul(&b)?),
        ("matmul of views", b.transpose(0, 1)?.matmul(&a.transpose(0, 1)?)?),
        ("matmul of many terms", normal(&[9, 20_000], 12)?.matmul(&normal(&[20_000, 11], 13)?)?),
        ("batched matmul", batch.matmul(&b)?),
        ("add_matmul", sum),
        ("layer_norm", layer_norm),
        ("gradient of layer_norm", of(&vars[0])),
        ("gradient of gain", of(&vars[1])),
        ("gradient of shift", of(&vars[2])),
        ("rms_norm", x.rms_norm(&y, 1e-5)?),
        ("softmax", logits.softmax()?),
        ("log_softmax", logits.log_softmax()?),
        ("cross_entropy", losses),
        ("gradient of cross_entropy", gradient.expect("a gradient was asked for")),
        ("argmax", x.argmax(1)?),
        ("gather", logits.transpose(0, 1)?.gather(0, &labels)?),
        ("scatter_add", logits.scatter_add(0, &labels, &[33, 33])?),
        ("concatenate", Tensor::concatenate(&[&x, &x.add(&y)?], 1)?),
    ];
    let reductions: [(&str, Reduction); 4] = [
        ("sum", Tensor::sum),
        ("mean", Tensor::mean),
        ("max", Tensor::max),
        ("variance", |x, axes| x.variance(axes, 1)),
    ];
    let mut named: Vec<(String, Tensor)> =
        results.into_iter().map(|(name, result)| (name.to_string(), result)).collect();
    for (name, reduce) in reductions {
        for axes in [&[][..], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2]] {
            named.push((format!("{name} over {axes:?}"), reduce(&x, axes)?));
            named.push((format!("{name} of a view over {axes:?}"), reduce(&x.transpose(0, 2)?, axes)?));
        }
    }
    Ok(named)
}

/// The parameters and the state of the optimiser after two steps of a wide network.
fn steps() -> Result<Vec<(String, Tensor)>> {
    let device = Device::cpu();
    let model = Mlp::new(&[300, 400, 200, 10], Activation::Gelu).seed(5).build(&device)?;
    let mut adam = Adam::new(0.01).for_model(&model)?;
    for stream in 0..2 {
        let images = Tensor::normal(&[90, 300], 0.0, 1.0, DType::F32, Seed::new(6, stream), &device)?;
        let labels = Tensor::uniform(&[90], 0.0, 10.0, DType::U8, Seed::new(7, stream), &device)?;
        let tape = Tape::new();
        let gradients = model.forward(&tape, &images)?.cross_entropy(&labels)?.backward()?;
        adam.step(&model, &gradients)?;
    }
    let parameters = model.parameters().iter().map(|parameter| (parameter.name.clone(), parameter.tensor.clone()));
    Ok(parameters.chain(adam.state().map(|(name, state)| (format!("state {name}"), state.clone()))).collect())
}

/// Prints a line for every result, and how many threads help this one.
fn compute() -> Result<()> {
    for dtype in [DType::F64, DType::F32, DType::F16, DType::Bf16] {
        for (name, result) in operations(dtype)? {
            println!("result {dtype} {name}: {:016x}", fingerprint(&result)?);
        }
    }
    for (name, result) in steps()? {
        println!("result step {name}: {:016x}", fingerprint(&result)?);
    }
    #[cfg(target_os = "linux")]
    {
        let names = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path().join("comm"));
        let helpers = names.filter(|name| fs::read_to_string(name).is_ok_and(|name| name.starts_with("rectify-")));
        println!("helpers {}", helpers.count());
    }
    Ok(())
}

/// The lines of this kind that a copy of this test prints with so many threads.
fn computed_with(threads: &str, kind: &str) -> Vec<String> {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "results_of_operations_do_not_depend_on_the_threads", "--nocapture"]);
    let output = command.env(COMPUTE, "1").env("RECTIFY_THREADS", threads).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The harness may have begun the first line.
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| Some(line[line.find(kind)?..].to_string())).collect()
}

#[test]
fn results_of_operations_do_not_depend_on_the_threads() -> Result<()> {
    if env::var_os(COMPUTE).is_some() {
        return compute();
    }
    let alone = computed_with("1", "result ");
    assert!(alone.len() > 300, "only {} results", alone.len());
    let distinct: std::collections::BTreeSet<_> = alone.iter().map(|line| line.rsplit(' ').next()).collect();
    assert!(distinct.len() > alone.len() / 2, "too many results are alike: {}", distinct.len());
    for threads in THREADS {
        let together = computed_with(threads, "result ");
        let differing: Vec<_> = alone.iter().zip(&together).filter(|(alone, together)| alone != together).collect();
        assert!(differing.is_empty(), "{threads} threads: {differing:#?}");
        assert_eq!(alone.len(), together.len());
        if cfg!(target_os = "linux") {
            let helpers = threads.parse::<usize>().unwrap() - 1;
            assert_eq!(computed_with(threads, "helpers "), [format!("helpers {helpers}")]);
        }
    }
    Ok(())
}

#[test]
fn a_number_of_threads_that_is_none_is_passed_over() {
    let arguments = RUNS[0];
    let weights = trained("1", arguments).0;
    for threads in ["0", "", "many", "-3", "99999999999999999999"] {
        assert!(trained(threads, arguments).0 == weights, "RECTIFY_THREADS={threads}");
    }
}
