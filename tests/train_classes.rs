//! Losses of classes other than plain cross-entropy, and what they are worth where classes are rare.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rectify::data::npy::{self, Array};
use serde_json::Value;

fn rectify(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rectify")).args(arguments).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", said(output));
    std::str::from_utf8(&output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Trains on digits as the file and the flags say; gives what `eval` says of the model, which is what the run said.
fn trained(folder: &Path, config: &str, flags: &[&str]) -> Value {
    fs::write(folder.join("c.toml"), config).unwrap();
    let train = ["train", "--config", "c.toml", "--json", "--quiet"];
    let done = objects(&rectify(folder, &[&train, flags].concat())).remove(0);
    let evaluation = objects(&rectify(folder, &["eval", "--model", "run/model.safetensors", "--json"])).remove(0);
    assert_eq!(evaluation["accuracy"], done["test_accuracy"], "{config} {flags:?}");
    // Batches of other sizes are summed in another order.
    let [here, there] = [&evaluation["loss"], &done["test_loss"]].map(|loss| loss.as_f64().unwrap());
    assert!((here - there).abs() < 1e-5 * there, "{config} {flags:?}: {here}, not {there}");
    evaluation
}

#[test]
fn every_loss_of_classes_learns_and_tells_probabilities() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let blank = Array::new(vec![2, 64], [[0.0f32; 64], [1.0; 64]].concat()).unwrap();
    npy::write(folder.join("blank.npy"), &blank).unwrap();
    for (config, flags, sum_is_1) in [
        ("loss = { kind = \"hinge\" }", &[][..], true),
        ("loss = { kind = \"hinge\", margin = 3 }", &[], true),
        ("", &["--loss", "bce", "--optimizer", "adam", "--learning-rate", "0.01"], false),
    ] {
        let figures = trained(folder, &format!("epochs = 10\n{config}"), flags);
        assert!(figures["accuracy"].as_f64().unwrap() > 0.9, "{config} {flags:?}: {figures}");
        let predicted = rectify(folder, &["predict", "--json", "--model", "run/model.safetensors", "blank.npy"]);
        for object in objects(&predicted) {
            let likely = object["classes"].as_array().unwrap();
            let all: Vec<f64> = likely.iter().map(|class| class["probability"].as_f64().unwrap()).collect();
            assert!(all.iter().all(|share| (0.0..=1.0).contains(share)), "{all:?}");
            assert!(!sum_is_1 || all.iter().sum::<f64>() < 1.0 + 1e-6, "{all:?}");
        }
    }
}

/// One in eleven is rare, and of each kind many lie where the other is: what is right most often never says rare.
fn rare() -> String {
    let mut text = "x,kind\n".to_owned();
    for row in 0..1100 {
        let place = f64::from(row * 37 % 100) / 100.0;
        let (kind, x) = if row % 11 == 0 { ("rare", 0.3 + place) } else { ("usual", place) };
        text.push_str(&format!("{x},{kind}\n"));
    }
    text
}

#[test]
fn weights_of_classes_bring_rare_ones_to_light() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(folder.join("rare.csv"), rare()).unwrap();
    let recall = |weights: &str| {
        let config = format!("epochs = 20\nhidden = []\nlabel = \"kind\"\n{weights}");
        fs::write(folder.join("c.toml"), &config).unwrap();
        let train = rectify(folder, &["train", "--config", "c.toml", "--data", "rare.csv", "--quiet"]);
        assert!(train.status.success(), "{}", said(&train));
        let eval = ["eval", "--model", "run/model.safetensors", "--json", "--data", "rare.csv", "--label", "kind"];
        let figures = objects(&rectify(folder, &eval)).remove(0);
        let of = |name: &str| {
            let classes = figures["classes"].as_array().unwrap();
            classes.iter().find(|class| class["name"] == name).unwrap()["recall"].as_f64().unwrap()
        };
        (of("rare"), of("usual"))
    };
    let (plain, balanced) = (recall(""), recall("class_weights = \"balanced\""));
    let (given, smoothed) =
        (recall("class_weights = [11, 1.1]"), recall("class_weights = \"balanced\"\nsmoothing = 0.1"));
    println!(
        "recall of rare and usual: {plain:?} plain, {balanced:?} balanced, {given:?} given, {smoothed:?} smoothed"
    );
    assert!(plain.0 < 0.4 && plain.1 > 0.9, "{plain:?}");
    // What is smoothed is weighed too, and is mostly of the rare class.
    assert!(smoothed.0 > balanced.0, "{smoothed:?}");
    for (rare, usual) in [balanced, given] {
        assert!(rare > plain.0 + 0.2 && usual > 0.5, "{rare} {usual}");
    }
}

#[test]
fn what_does_not_fit_is_one_line_and_exit_code_2() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let cases = [
        ("class_weights = [1, 2]", "class_weights: there are 2 for 10 classes"),
        ("class_weights = []", "class_weights: there are 0 for 10 classes"),
        ("class_weights = [1, 0]", "class_weights: 0 is not a finite number above 0"),
        ("class_weights = [nan]", "class_weights: NaN is not a finite number above 0"),
        ("class_weights = \"even\"", "neither a list of numbers nor \"balanced\""),
        ("data = \"synthetic:5\"\nclass_weights = \"balanced\"", "class_weights: no training sample is of class '"),
        (
            "class_weights = \"balanced\"\nloss = { kind = \"hinge\" }",
            "class_weights: is of cross_entropy, and the loss is hinge",
        ),
        (
            "smoothing = 0.1\nloss = { kind = \"bce\" }",
            "smoothing: is of cross_entropy, and the loss is binary_cross_entropy",
        ),
        ("loss = { kind = \"hinge\", margin = 0 }", "loss: margin 0 is not a finite number above 0"),
        ("loss = { kind = \"hinge\", delta = 1 }", "unknown field `delta`"),
        ("loss = { kind = \"hinge\" }\ntarget = [\"x\"]", "loss: hinge is of classes, and target names 'x', numbers"),
    ];
    for (config, expected) in cases {
        fs::write(folder.join("c.toml"), config).unwrap();
        let output = rectify(folder, &["train", "--config", "c.toml"]);
        assert_eq!((output.status.code(), said(&output).lines().count()), (Some(2), 1), "{config}: {}", said(&output));
        assert!(said(&output).contains(expected), "{config}: {}", said(&output));
        assert!(!folder.join("run").exists(), "{config}: nothing is left behind");
    }
}
