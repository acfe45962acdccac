//! The command line as a person meets it: bad input, help, and what it leaves behind.

use std::fs;
use std::process::{Command, Output};

fn rectify(arguments: &[&str]) -> Output {
    let folder = std::env::temp_dir();
    Command::new(env!("CARGO_BIN_EXE_rectify")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Arguments, and a part of the one line that must come back.
const BAD_INPUT: &[(&[&str], &str)] = &[
    (&["trani"], "unrecognized subcommand 'trani'; tip: a similar subcommand exists: 'train'"),
    (&["--json"], "unexpected argument '--json'"),
    (&[""], "unrecognized subcommand"),
    (&["train", "extra"], "unexpected argument 'extra'"),
    (&["train", "--epoch", "3"], "tip: a similar argument exists: '--epochs'"),
    (&["train", "-x"], "unexpected argument '-x'"),
    (&["train", "--json=yes"], "unexpected value 'yes'"),
    (&["train", "--quiet", "--quiet"], "cannot be used multiple times"),
    (&["train", "--epochs"], "a value is required for '--epochs"),
    (&["train", "--epochs", "3", "--epochs", "4"], "cannot be used multiple times"),
    (&["train", "--epochs", "0"], "epochs: 0 epochs asked for, 1 to 1000000 are possible"),
    (&["train", "--epochs", "1000001"], "1000001 epochs asked for"),
    (&["train", "--epochs", "-1"], "'--epochs <N>': not a whole number"),
    (&["train", "--epochs", "1.5"], "not a whole number"),
    (&["train", "--epochs", "ten"], "invalid value 'ten'"),
    (&["train", "--epochs", ""], "'--epochs"),
    (&["train", "--epochs", "99999999999999999999"], "not a whole number in range"),
    (&["train", "--batch-size", "0"], "batch-size: 0 samples asked for"),
    (&["train", "--batch-size", "65537"], "1 to 65536 are possible"),
    (&["train", "--batch-size", "-64"], "not a whole number"),
    (&["train", "--batch-size", "64k"], "invalid value '64k'"),
    (&["train", "--hidden", ""], "'--hidden"),
    (&["train", "--hidden", "0"], "hidden: 0 units in a layer asked for"),
    (&["train", "--hidden", "128,"], "'' is not the size of a layer"),
    (&["train", "--hidden", ",128"], "'' is not the size of a layer"),
    (&["train", "--hidden", "128,0"], "0 units"),
    (&["train", "--hidden", "128;64"], "'128;64' is not the size of a layer"),
    (&["train", "--hidden", "65537"], "1 to 65536 are possible"),
    (&["train", "--hidden", "big"], "'big' is not the size of a layer"),
    (&["train", "--hidden=-1"], "'-1' is not the size of a layer"),
    (&["train", "--hidden", "184467440737095516160"], "is not the size of a layer"),
    (&["train", "--activation", "reluu"], "'reluu' is not an activation; known: step, linear, relu"),
    (&["train", "--activation", "ReLU"], "'ReLU' is not an activation"),
    (&["train", "--activation", ""], "'--activation"),
    (&["train", "--optimizer", "adan"], "[possible values: sgd, rmsprop, adagrad, adam, adamw, lion]"),
    (&["train", "--optimizer", "SGD"], "[possible values: sgd, rmsprop, adagrad, adam, adamw, lion]"),
    (&["train", "--schedule", "step"], "[possible values: constant, linear, cosine, one_cycle]"),
    (&["train", "--warm-up", "1000000"], "warm-up: 1000000 steps leave nothing of the 690 steps of the run"),
    (&["train", "--schedule", "one_cycle", "--warm-up", "5"], "warm-up: is part of one_cycle"),
    (&["train", "--clip-norm", "0"], "clip-norm: 0 is not a finite number above 0"),
    (&["train", "--patience", "0"], "patience: 0 epochs asked for"),
    (&["train", "--resume", "nowhere"], "resume: 'nowhere' is neither 'auto' nor a file"),
    (&["train", "--config", "nowhere.toml"], "nowhere.toml: cannot read"),
    (&["train", "--learning-rate", "0"], "learning-rate: 0 is not a finite number above 0"),
    (&["train", "--learning-rate", "-0.1"], "-0.1 is not a finite number above 0"),
    (&["train", "--learning-rate", "nan"], "NaN is not a finite number above 0"),
    (&["train", "--learning-rate", "inf"], "inf is not a finite number above 0"),
    (&["train", "--learning-rate", "1e999"], "inf is not a finite number above 0"),
    (&["train", "--learning-rate", "1e-999"], "0 is not a finite number above 0"),
    (&["train", "--learning-rate", "0,1"], "'--learning-rate <RATE>': not a number"),
    (&["train", "--learning-rate", "fast"], "not a number"),
    (&["train", "--momentum", "1"], "momentum: 1 is not at least 0 and below 1"),
    (&["train", "--momentum", "-0.5"], "-0.5 is not at least 0"),
    (&["train", "--momentum", "nan"], "NaN is not at least 0"),
    (&["train", "--momentum", "x"], "not a number"),
    (&["train", "--optimizer", "adam", "--momentum", "0.9"], "momentum: is for sgd and rmsprop; adam has none"),
    (&["train", "--weight-decay", "-1e-4"], "-0.0001 is not a finite number, at least 0"),
    (&["train", "--weight-decay", "inf"], "inf is not a finite number"),
    (&["train", "--weight-decay", "NaN"], "NaN is not a finite number"),
    (&["train", "--weight-decay", "some"], "not a number"),
    (&["train", "--seed", "-1"], "'--seed <N>': not a whole number"),
    (&["train", "--seed", "0x7"], "not a whole number"),
    (&["train", "--seed", "18446744073709551616"], "not a whole number in range"),
    (&["train", "--compute", "f64"], "[possible values: f32, bf16, f16]"),
    (&["train", "--device", "gpu"], "'gpu' is not a device; known: auto, cpu, cuda, cuda:N"),
    (&["train", "--device", "cuda:"], "'cuda:' is not"),
    (&["train", "--device", "cuda:-1"], "'cuda:-1' is not"),
    (&["train", "--device", "cuda:one"], "'cuda:one' is not"),
    (&["train", "--device", "CPU"], "'CPU' is not"),
    (&["train", "--data", "digit"], "data: 'digit' is neither 'digits', 'synthetic[:N]' nor a file or folder"),
    (&["train", "--data", ""], "data: '' is neither"),
    (&["train", "--data", "/dev/null"], "'/dev/null' is neither"),
    (&["train", "--data", "no\nsuch\u{1b}[31mfolder"], "data: 'no such [31mfolder' is neither"),
    (&["train", "--data", "synthetic:"], "'' is not a number of samples"),
    (&["train", "--data", "synthetic:0"], "0 synthetic samples asked for"),
    (&["train", "--data", "synthetic:-5"], "'-5' is not a number of samples"),
    (&["train", "--data", "synthetic:1e6"], "'1e6' is not a number of samples"),
    (&["train", "--data", "synthetic:10000001"], "1 to 10000000 are possible"),
    (&["train", "--out", ""], "'--out"),
    (&["train", "--out", "/dev/null"], "/dev/null: cannot create the folder"),
    (&["train", "--out", "/dev/null/run"], "/dev/null/run: cannot create the folder"),
    (&["eval"], "required arguments were not provided: --model <FILE>"),
    (&["eval", "--model"], "a value is required for '--model <FILE>'"),
    (&["eval", "--model", "nowhere.safetensors"], "model: 'nowhere.safetensors' is not a file"),
    (&["eval", "--model", "/"], "model: '/' is not a file"),
    (&["eval", "--model", env!("CARGO_BIN_EXE_rectify"), "--data", "digit"], "data: 'digit' is neither"),
    (&["eval", "--model", env!("CARGO_BIN_EXE_rectify"), "--batch-size", "0"], "batch-size: 0 samples asked for"),
    (&["eval", "--model", "x", "--epochs", "3"], "unexpected argument '--epochs'"),
    (&["predict", "x.png"], "required arguments were not provided: --model <FILE>"),
    (&["predict", "--model", "nowhere.safetensors", "x.png"], "model: 'nowhere.safetensors' is not a file"),
    (&["predict", "--model", env!("CARGO_BIN_EXE_rectify"), "--top", "0", "x.png"], "top: 0 classes asked for"),
    (&["devices", "cuda:0"], "unexpected argument 'cuda:0'"),
    (&["devices", "--device", "cpu"], "unexpected argument '--device'"),
    (&["kernels", "list", "--only", "nothing of this name"], "no kernel's name holds 'nothing of this name'"),
    (&["kernels", "check", "--arch", "90,hopper"], "'hopper' is not an architecture such as sm_90"),
    (&["kernels", "check", "--only", "softmax", "--write-budget", "x"], "cannot be used with"),
    (&["activations", "mishh"], "'mishh' is not an activation; known: step, linear, relu"),
    (&["activations", "elu(1, 2)"], "'elu(1, 2)' is not an activation"),
    (&["activations", "mish", "--from", "2", "--to", "-2"], "from 2 to -2 is no range"),
    (&["activations", "mish", "--to", "inf"], "from -6 to inf is no range"),
    (&["activations", "--svg", "mish.svg"], "required arguments were not provided"),
    (&["help", "trian"], "unrecognized subcommand 'trian'"),
];

#[test]
fn bad_input_gives_one_clear_line_and_exit_code_2() {
    assert!(BAD_INPUT.len() >= 60);
    for (arguments, expected) in BAD_INPUT {
        let output = rectify(arguments);
        let (said, shown) = (text(&output.stderr), text(&output.stdout));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: '{said}' does not say '{expected}'");
        assert!(said.starts_with("error: ") && said.ends_with('\n'), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(!said.contains("panicked") && shown.is_empty(), "{arguments:?}: {said}{shown}");
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_one_clear_line_too() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let output = Command::new(env!("CARGO_BIN_EXE_rectify")).args(["train", "--data"]).arg(odd).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr).lines().count(), 1);
}

#[test]
fn help_shows_every_default_and_an_example() {
    let output = rectify(&["train", "--help"]);
    let help = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(output.status.success() && output.stderr.is_empty());
    let defaults = ["digits", "128,64", "relu", "30", "64", "sgd", "constant", "0", "0.9", "7"];
    for default in defaults.into_iter().chain(["auto", "run"]) {
        assert!(help.contains(&format!("[default: {default}]")), "no default {default} in {help}");
    }
    assert!(help.contains("0.05 for sgd, 0.001 for rmsprop and adam and adamw, 0.01 for adagrad"), "{help}");
    assert!(help.contains("Examples: rectify train "));
    for (command, example) in [
        ("eval", "rectify eval --model"),
        ("predict", "rectify predict --model"),
        ("devices", "rectify devices --json"),
    ] {
        let output = rectify(&[command, "--help"]);
        assert!(output.status.success() && text(&output.stdout).contains(example));
    }
}

#[test]
fn no_subcommand_shows_the_help_and_the_version_is_the_crates() {
    let output = rectify(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("Usage: rectify <COMMAND>"));
    let output = rectify(&["--version"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), concat!("rectify ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn bad_input_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let output = rectify(&["train", "--learning-rate", "0", "--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_device_list_is_printed_on_request_only() {
    let quiet = rectify(&["devices", "--quiet"]);
    assert!(quiet.status.success() && quiet.stdout.is_empty() && quiet.stderr.is_empty());
    let json = rectify(&["devices", "--json"]);
    assert!(json.status.success());
    for line in text(&json.stdout).lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(object["event"] == "device" && object["name"].is_string() || object["event"] == "library", "{line}");
    }
}

#[test]
fn activations_are_listed_and_drawn() {
    let json = |arguments: &[&str]| -> Vec<serde_json::Value> {
        let output = rectify(arguments);
        assert!(output.status.success() && output.stderr.is_empty());
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let listed = json(&["activations", "--json"]);
    assert!(listed.len() > 40 && listed.iter().all(|object| object["event"] == "activation"));
    let celu = listed.iter().find(|object| object["name"] == "celu").unwrap();
    assert_eq!((celu["parameters"]["alpha"].as_f64(), celu["range"].as_str()), (Some(1.0), Some("(-alpha, inf)")));

    let points = json(&["activations", "leaky_relu(0.25)", "--from", "-2", "--to", "2", "--json"]);
    let point = |at: usize| ["x", "value", "derivative"].map(|key| points[at][key].as_f64().unwrap());
    let middle = points.len() / 2;
    assert_eq!([point(0), point(middle), point(2 * middle)], [[-2.0, -0.5, 0.25], [0.0, 0.0, 0.25], [2.0, 2.0, 1.0]]);

    let drawn = rectify(&["activations", "tanh"]);
    let lines: Vec<&str> = text(&drawn.stdout).lines().collect();
    assert!(drawn.status.success() && lines.iter().all(|line| line.len() <= 80), "{}", lines.join("\n"));
    assert!(lines[0] == "tanh" && lines.iter().any(|line| line.contains("***")), "{}", lines.join("\n"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mish.svg");
    let output = rectify(&["activations", "mish", "--svg", path.to_str().unwrap()]);
    assert!(output.status.success() && output.stdout.is_empty());
    let svg = fs::read_to_string(path).unwrap();
    assert!(svg.starts_with("<svg ") && svg.matches("class=\"curve\"").count() == 2);
}

#[test]
fn kernels_are_listed_without_cuda() {
    let output = rectify(&["kernels", "list", "--only", "argmax", "--json"]);
    assert!(output.status.success() && output.stderr.is_empty());
    let listed: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.len(), 16);
    for object in &listed {
        assert_eq!((&object["event"], &object["family"]), (&"kernel".into(), &"argmax".into()), "{object}");
        assert!(object["lines"].as_u64().unwrap() > 100 && object["hash"].as_str().unwrap().len() == 16);
        assert!(object["bytes_moved"].as_str().unwrap().starts_with("per element"));
    }
}

#[test]
fn a_check_without_a_compiler_says_where_it_looked_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rectify"))
        .args(["kernels", "check", "--only", "argmax"])
        .env("RECTIFY_CUDA_PATH", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    if cfg!(feature = "cuda") {
        assert!(said.contains(folder.path().to_str().unwrap()), "{said}");
        assert!(said.contains("pip install nvidia-cuda-nvrtc"), "{said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
}
