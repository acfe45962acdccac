//! `rectify kernels run`, on a simulated device.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rectify::data::npy::{self, Array};
use rectify::profile::Ceilings;
use serde_json::Value;

use super::{Turn, simulated};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cuda_user/kernels.cu");
const TILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cuda_user/tiles.cu");
const SAXPY: [&str; 10] =
    [FILE, "--entry", "saxpy", "--arg", "f32=2", "--arg", "f32:1000", "--arg", "out:f32:1000", "--arg=u32=1000"];

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rectify"));
    command.args(["kernels", "run"]).args(arguments).env_remove("CUDA_VISIBLE_DEVICES");
    command.env("RECTIFY_CUDA_PATH", simulated::libraries());
    command.env("RECTIFY_CACHE_DIR", simulated::libraries().join("kernels")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The objects of a run that succeeds.
fn objects(arguments: &[&str]) -> Vec<Value> {
    let output = run(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A run that fails with this code and one line.
fn refused(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.starts_with("error: ") && said.lines().count() == 1 && !said.contains("panicked"), "{said}");
    said.trim_end().trim_start_matches("error: ").to_owned()
}

#[test]
fn a_kernel_is_compiled_run_and_timed() {
    let found = objects(&[&SAXPY[..], &["--repeat", "5", "--flops", "2000"]].concat());
    let [compiled, ran] = &found[..] else { panic!("{found:?}") };
    assert!(ran["floor_seconds"].is_null(), "{ran}");
    assert_eq!((compiled["event"].as_str(), compiled["kernel"].as_str()), (Some("compiled"), Some("saxpy")));
    assert_eq!((&compiled["line"], &compiled["architecture"]), (&Value::from(3), &Value::from("sm_90")));
    assert_eq!(compiled["parameters"], Value::from(vec!["f32 a", "const f32* x", "f32* y", "u32 n"]));
    assert_eq!((ran["event"].as_str(), ran["device"].as_str()), (Some("ran"), Some("cuda:0")));
    assert_eq!((&ran["grid"], &ran["block"]), (&Value::from(vec![4, 1, 1]), &Value::from(vec![256, 1, 1])));
    assert_eq!((&ran["runs"], &ran["bytes"], &ran["flops"]), (&5.into(), &8000.into(), &2000.into()));
    let number = |name: &str| ran[name].as_f64().unwrap();
    assert!(number("least_seconds") <= number("median_seconds") && number("median_seconds") <= number("most_seconds"));
    if number("median_seconds") > 0.0 {
        let rate = 8000.0 / number("median_seconds") / 1e9;
        assert!((number("gigabytes_per_second") / rate - 1.0).abs() < 1e-9);
    }
    let output = run(&[&SAXPY[..], &["--bytes", "12000"]].concat());
    let lines = text(&output.stdout);
    assert!(lines.contains("saxpy cuda:0: 4 blocks of 256 threads, 20 runs: ") && output.stderr.is_empty(), "{lines}");
    let quiet = run(&[&SAXPY[..], &["--quiet"]].concat());
    assert!(quiet.status.success() && quiet.stdout.is_empty() && quiet.stderr.is_empty());
}

#[test]
fn the_time_is_held_against_what_the_device_can_do() {
    let folder = tempfile::tempdir().unwrap();
    let hardware = Turn::new().device().hardware();
    let ceilings = Ceilings {
        hardware: hardware.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        copies: vec![(1 << 10, 1e9)],
        products: [("f32".to_owned(), 1e12)].into(),
        transfers: 1e9,
        call: 1e-6,
    };
    let file = folder.path().join(format!("ceilings-{:016x}.json", rectify::kernels::hash(&hardware)));
    fs::write(file, serde_json::to_vec(&ceilings).unwrap()).unwrap();
    for (more, floor, bound) in [("0", 8e-6, "memory"), ("100000000", 1e-4, "compute")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rectify"));
        command.args(["kernels", "run"]).args(SAXPY).args(["--ceilings", "--json", "--flops", more]);
        command.env("RECTIFY_CUDA_PATH", simulated::libraries()).env("RECTIFY_CACHE_DIR", folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let last: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
        assert!((last["floor_seconds"].as_f64().unwrap() / floor - 1.0).abs() < 1e-9, "{last}");
        assert_eq!(last["bound"], bound);
    }
}

#[test]
fn what_comes_out_is_held_against_an_array_or_a_formula() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, array: Array| npy::write(Path::new(&path(name)), &array).unwrap();
    // Doubles, of which the kernel takes floats; and what it adds to.
    write("x.npy", Array::new(vec![4], vec![1f64, 2.0, 3.0, 4.0]).unwrap());
    write("y.npy", Array::new(vec![4], vec![0.5f32; 4]).unwrap());
    write("right.npy", Array::new(vec![4], vec![2.5f64, 4.5, 6.5, 8.5]).unwrap());
    write("wrong.npy", Array::new(vec![4], vec![2.5f64, 4.5, 6.6, 8.5]).unwrap());
    write("short.npy", Array::new(vec![3], vec![2.5f64, 4.5, 6.5]).unwrap());
    let (x, y) = (format!("file:{}", path("x.npy")), format!("file:{}", path("y.npy")));
    let saxpy =
        [FILE, "--entry", "saxpy", "--arg", "f32=2", "--arg", &x, "--arg", &y, "--arg", "u32=4", "--repeat", "0"];
    let with = |more: &[&str]| -> Vec<String> { saxpy.iter().chain(more).map(|&word| word.to_owned()).collect() };
    let right = with(&["--expect", &path("right.npy")]);
    let found = objects(&right.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((&found[2]["event"], &found[2]["beyond"]), (&Value::from("compared"), &Value::from(0)), "{found:?}");
    let wrong = with(&["--expect", &path("wrong.npy"), "--quiet"]);
    let wrong: Vec<_> = wrong.iter().map(String::as_str).collect();
    assert_eq!(refused(&wrong, 1), "kernel saxpy: y[2] is 6.5, expected 6.6; 1 of 4 elements differ by more than 1e-5");
    let tolerant = [&wrong[..], &["--tolerance", "0.1"]].concat();
    assert!(run(&tolerant).status.success());
    let short = with(&["--expect", &path("short.npy"), "--quiet"]);
    let said = refused(&short.iter().map(String::as_str).collect::<Vec<_>>(), 2);
    assert_eq!(said, "y has shape [4], and what is expected has [3]");

    let text = path("gelu.cu");
    fs::write(
        &text,
        "extern \"C\" __global__ void gelu(const float* x, float* y, unsigned n) {\n\
         \x20   const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;\n\
         \x20   if (i < n) y[i] = x[i] * 0.5f * (1 + erff(x[i] * 0.70710678f)) + SHIFT;\n}\n",
    )
    .unwrap();
    let gelu = |shift: &str, formula: &str| {
        let whole = fs::read_to_string(&text).unwrap().replace("SHIFT", shift);
        let file = path("shifted.cu");
        fs::write(&file, whole).unwrap();
        // The one kernel of the file needs no name.
        let given =
            ["--arg", "f32:30x40", "--arg", "out:f32:30x40", "--arg", "u32=1200", "--formula", formula, "--quiet"];
        run(&[&[file.as_str()], &given[..]].concat())
    };
    assert!(gelu("0", "gelu").status.success());
    assert_eq!(gelu("0.01f", "gelu").status.code(), Some(1));
    assert_eq!(gelu("0", "add").status.code(), Some(2));
    assert_eq!(gelu("0", "nothing").status.code(), Some(2));
}

#[test]
fn architectures_are_compiled_for_without_a_device() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["libnvrtc.so.13", "libcuda.so.1", "shim.h", "kernel.h"] {
        std::os::unix::fs::symlink(simulated::libraries().join(file), folder.path().join(file)).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_rectify"));
    command.args(["kernels", "run", TILES, "--arch", "sm_80,90", "--json"]);
    let output = command.env("RECTIFY_CUDA_PATH", folder.path()).env("SIMULATED_CUDA_DEVICES", "0").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let found: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.iter().map(|object| &object["architecture"]).collect::<Vec<_>>(), ["sm_80", "sm_90"]);
}

#[test]
fn every_mistake_is_one_line_with_its_place() {
    let at = |line: usize| format!("{FILE}:{line}: kernel ");
    let saxpy = |given: &[&'static str]| -> Vec<&'static str> {
        let words = given.iter().flat_map(|&given| ["--arg", given]);
        [FILE, "--entry", "saxpy", "--quiet"].into_iter().chain(words).collect()
    };
    for (arguments, said) in [
        (saxpy(&["f32=2", "f32:10"]), at(3) + "saxpy takes 4 arguments"),
        (
            saxpy(&["f64=2", "f32:10", "out:f32:10", "u32=10"]),
            at(3) + "saxpy was given a number of type f64 for `f32 a`",
        ),
        (
            saxpy(&["f32=2", "f64:10", "out:f32:10", "u32=10"]),
            at(3) + "saxpy was given a tensor of f64 for `const f32* x`",
        ),
        (
            saxpy(&["f32=2", "out:f32:10", "out:f32:10", "u32=10"]),
            at(3) + "saxpy was given an output for `const f32* x`",
        ),
        (
            vec![FILE, "--entry", "saxpi"],
            format!("{FILE}: kernel saxpi is not there; the text defines saxpy on line 3, "),
        ),
        (vec![FILE], format!("{FILE}: --entry chooses one of saxpy, daxpy, transpose, numbers")),
        (
            vec![FILE, "--entry", "saxpy", "--arg", "f32"],
            "invalid value 'f32' for '--arg <ARG>': 'f32' is none of ".into(),
        ),
        (vec![FILE, "--entry", "saxpy", "--grid", "0"], "one to three whole numbers above 0 are needed".into()),
        (vec![FILE, "--entry", "saxpy", "--arch", "x"], "'x' is not an architecture such as sm_90".into()),
        (vec!["nowhere.cu"], "nowhere.cu: cannot read".into()),
        (
            vec![TILES, "--arch", "86", "--shared", "120000"],
            format!("{TILES}:2: kernel tiles cannot be launched on sm_86 with 120000 bytes of shared memory"),
        ),
        (
            vec![FILE, "--entry", "transpose", "--arch", "90", "--block", "32,32"],
            at(18) + "transpose cannot be launched on sm_90 with a block of 32 x 32 x 1: 1024 threads",
        ),
    ] {
        let found = refused(&arguments, 2);
        assert!(found.contains(&said), "'{said}' is not in '{found}'");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.cu");
    fs::write(&file, "extern \"C\" __global__ void k(int* x) {\n    x[0] = 1\n}\n").unwrap();
    let file = file.to_str().unwrap();
    for more in [&["--arch", "90"][..], &["--arg", "out:i32:4"]] {
        let said = refused(&[&[file, "--quiet"], more].concat(), 2);
        assert!(said.starts_with(&format!("{file}:2: kernel k does not compile: expected ")), "{said}");
    }
    let logged = run(&[file, "--arch", "90", "--log"]);
    assert!(logged.status.code() == Some(2) && text(&logged.stderr).lines().count() > 2, "{}", text(&logged.stderr));
    let on_cpu = refused(&[&SAXPY[..], &["--device", "cpu"]].concat(), 3);
    assert!(on_cpu.contains("is CUDA C++: put its tensors on a CUDA device"), "{on_cpu}");
}
