//! Runs described by a file: layers of every kind, every optimiser, and what becomes of them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rectify::data::npy::{self, Array};
use rectify::data::{digits, synthetic};
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

const CONVOLUTIONS: &str = r#"
epochs = 6
learning_rate = 0.01
optimizer = { kind = "adam" }
[[layers]]
kind = "conv2d"
filters = 8
size = [3, 3]
padding = [1, 1]
activation = "relu"
[[layers]]
kind = "residual"
layers = [
    { kind = "conv2d", filters = 8, size = [3, 3], padding = [1, 1] },
    { kind = "batch_norm" },
    { kind = "activation", name = "leaky_relu(0.1)" },
]
[[layers]]
kind = "max_pool2d"
size = [2, 2]
[[layers]]
kind = "dropout"
rate = 0.1
"#;

#[test]
fn layers_of_a_file_learn_and_their_model_is_read_back() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(folder.join("c.toml"), CONVOLUTIONS).unwrap();
    let told = objects(&rectify(folder, &["train", "--config", "c.toml", "--json", "--diagnose"]));
    let (start, done) = (&told[0], told.last().unwrap());
    assert_eq!(start["model"], "8x8x1 conv2d, residual, max_pool2d, dropout, 10 outputs");
    assert_eq!(done["live_bytes_before_step"], done["live_bytes_after_step"]);
    assert!(done["test_accuracy"].as_f64().unwrap() > 0.9, "{done}");
    let evaluated = objects(&rectify(folder, &["eval", "--model", "run/model.safetensors", "--json"]));
    assert_eq!(evaluated[0]["accuracy"], done["test_accuracy"]);
    let other = rectify(folder, &["eval", "--model", "run/model.safetensors", "--data", "synthetic:50"]);
    assert!(said(&other).contains("takes images of 8x8, and the samples are 28x28"), "{}", said(&other));
    check_diagnosis(&folder.join("run"));

    // The record of the run is a configuration, and gives the same run.
    fs::copy(folder.join("run/config.json"), folder.join("again.json")).unwrap();
    let again = rectify(folder, &["train", "--config", "again.json", "--quiet", "--out", "again"]);
    assert!(again.status.success(), "{}", said(&again));
    let model = |run: &str| fs::read(folder.join(run).join("model.safetensors")).unwrap();
    assert!(model("run") == model("again"));
}

/// Figures of every layer and parameter, in every epoch.
fn check_diagnosis(run: &Path) {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let names = |list: &str, field: &str| {
            let list = row[list].as_array().unwrap().iter();
            list.map(|figures| figures[field].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let layers = ["conv2d1", "residual1", "max_pool2d1", "dropout1", "flatten1", "output"];
        assert_eq!(names("layers", "layer"), layers);
        assert!(names("parameters", "parameter").contains(&"conv2d1.weight".to_owned()));
        assert!(row["layers"][3]["zeros"].as_f64().unwrap() > 0.05, "dropout zeroes a tenth: {row}");
        for figures in row["parameters"].as_array().unwrap() {
            let ratio = figures["update_ratio"].as_f64().unwrap();
            assert!(ratio > 0.0 && ratio < 10.0 && figures["gradient_norm"].as_f64().unwrap() > 0.0, "{figures}");
        }
    }
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("<h2>Layers</h2>") && page.contains("<th scope=\"row\">residual1</th>"));
    let events = fs::read(run.join("events.out.tfevents")).unwrap();
    for tag in ["dead/conv2d1", "update_ratio/output.weight", "results/dropout1", "gradients/output.bias"] {
        assert!(events.windows(tag.len()).any(|window| window == tag.as_bytes()), "{tag}");
    }
}

#[test]
fn schedules_of_a_file_are_those_of_the_steps() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let model = |config: &str| {
        fs::write(folder.join("c.toml"), format!("epochs = 4\n{config}")).unwrap();
        let done = objects(&rectify(folder, &["train", "--config", "c.toml", "--json", "--quiet"])).remove(0);
        assert!(done["test_accuracy"].as_f64().unwrap() > 0.85, "{config}: {done}");
        fs::read(folder.join("run/model.safetensors")).unwrap()
    };
    let halves = "schedule = { kind = \"phases\", phases = [{ epochs = 2, share = 1 }, { epochs = 1, share = 0.5 }] }";
    assert!(model(halves) != model("schedule = { kind = \"step\", factor = 0.5, epochs = 2 }\nwarm_up = 3"));
    assert!(model(halves) == model("schedule = { kind = \"step\", factor = 0.5, epochs = 2 }"));
    // 23 steps an epoch.
    let exponential = model("schedule = { kind = \"exponential\", factor = 0.99 }");
    assert!(
        exponential != model("") && exponential != model("schedule = { kind = \"step\", factor = 0.99, epochs = 1 }")
    );
    let by_epochs = model("schedule = { kind = \"exponential\", factor = 0.5 }\nby_epochs = true");
    assert!(by_epochs == model("schedule = { kind = \"step\", factor = 0.5, epochs = 1 }"));
    model("schedule = { kind = \"one_cycle\", from = 0.1, to = 0.01, rise = 0.5, momentum = true }");
    let led = model("momentum_warm_up = { steps = 20 }");
    assert!(led != model("") && led == model("momentum_warm_up = { from = 0.5, steps = 20 }"));
    let refused = |config: &str, expected: &str| {
        fs::write(folder.join("c.toml"), config).unwrap();
        let output = rectify(folder, &["train", "--config", "c.toml", "--out", "none"]);
        assert_eq!((output.status.code(), said(&output).lines().count()), (Some(2), 1), "{}", said(&output));
        assert!(said(&output).contains(expected) && !folder.join("none").exists(), "{}", said(&output));
    };
    refused("momentum_warm_up = { steps = 0 }", "linear: a length of 0 steps");
    refused("by_epochs = true\nwarm_up = 5", "warm-up: is of steps, and by_epochs lets the rate stand still");
    refused("momentum_warm_up = { from = 0.5, step = 3 }", "unknown field `step`");
    refused("schedule = { kind = \"phases\", phases = [] }", "phases: there is no phase");
    refused("schedule = { kind = \"cosine\", to = -1 }", "schedule: -1 is not a finite number, at least 0");
}

#[test]
fn sixteen_bits_come_to_about_what_thirty_two_do() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let mut runs = Vec::new();
    for compute in ["f32", "bf16", "f16"] {
        let told = objects(&rectify(folder, &["train", "--epochs", "10", "--json", "--compute", compute]));
        let (start, done) = (&told[0], told.last().unwrap());
        assert_eq!((&start["dtype"], &start["compute"]), (&"f32".into(), &compute.into()));
        assert_eq!(done["live_bytes_before_step"], done["live_bytes_after_step"], "{compute}");
        // What is tested is what is saved.
        let evaluated = objects(&rectify(folder, &["eval", "--model", "run/model.safetensors", "--json"])).remove(0);
        assert_eq!(evaluated["accuracy"], done["test_accuracy"]);
        let number = |name: &str| done[name].as_f64().unwrap();
        let (here, there) = (evaluated["loss"].as_f64().unwrap(), number("test_loss"));
        // Batches of other sizes are summed in another order; in 16 bits it would be a thousandth.
        assert!((here - there).abs() < 1e-6 * there, "{compute}: {here}, not {there}");
        println!("{compute}: test accuracy {}, test loss {}", number("test_accuracy"), number("test_loss"));
        runs.push((
            number("test_accuracy"),
            number("test_loss"),
            fs::read(folder.join("run/model.safetensors")).unwrap(),
        ));
    }
    let (full, rest) = runs.split_first().unwrap();
    for (accuracy, loss, model) in rest {
        assert!((accuracy - full.0).abs() <= 0.02 && (loss - full.1).abs() < 0.15 * full.1, "{accuracy} {loss}");
        assert!(*model != full.2, "it was computed in 16 bits");
    }
    assert!(runs[1].2 != runs[2].2, "of two kinds");
}

#[test]
fn what_cannot_be_computed_in_is_said() {
    let place = tempfile::tempdir().unwrap();
    let said_of = |config: &str| {
        fs::write(place.path().join("c.toml"), config).unwrap();
        let output = rectify(place.path(), &["train", "--config", "c.toml"]);
        assert_eq!((output.status.code(), said(&output).lines().count()), (Some(2), 1), "{}", said(&output));
        said(&output).to_owned()
    };
    assert!(said_of("compute = \"f64\"").contains("compute: 'f64' is none of f32, bf16, f16"));
    assert!(said_of("compute = \"half\"").contains("'half' is not an element type"));
    let embedding = "layers = [{ kind = \"embedding\", count = 258, width = 2 }]\n";
    let said = said_of(&format!("{embedding}compute = \"bf16\""));
    assert!(said.contains("compute: bf16 cannot tell the 258 rows of an embedding apart: beyond 256"), "{said}");
    let train = |compute: &str| {
        fs::write(place.path().join("c.toml"), format!("{embedding}epochs = 1\ncompute = \"{compute}\"")).unwrap();
        rectify(place.path(), &["train", "--config", "c.toml", "--quiet"])
    };
    assert!(train("f16").status.success() && train("f32").status.success());
}

#[test]
fn looking_changes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let model = |arguments: &[&str]| {
        let output = rectify(place.path(), &[&["train", "--epochs", "2", "--quiet"], arguments].concat());
        assert!(output.status.success(), "{}", said(&output));
        fs::read(place.path().join("run/model.safetensors")).unwrap()
    };
    assert!(model(&[]) == model(&["--diagnose"]));
}

#[test]
fn every_optimiser_and_schedule_learns() {
    let place = tempfile::tempdir().unwrap();
    let flags: [&[&str]; 6] = [
        &["--optimizer", "sgd", "--schedule", "one_cycle"],
        &["--optimizer", "rmsprop", "--schedule", "linear"],
        &["--optimizer", "adagrad", "--schedule", "constant"],
        &["--optimizer", "adam", "--schedule", "cosine"],
        &["--optimizer", "adamw", "--schedule", "cosine"],
        &["--optimizer", "lion", "--schedule", "linear", "--learning-rate", "0.001"],
    ];
    for flags in flags {
        let rest = ["train", "--epochs", "8", "--json", "--quiet", "--clip-norm", "5"];
        let done = objects(&rectify(place.path(), &[&rest[..], flags].concat())).pop().unwrap();
        assert!(done["test_accuracy"].as_f64().unwrap() > 0.9, "{flags:?}: {done}");
        let config: Value = serde_json::from_slice(&fs::read(place.path().join("run/config.json")).unwrap()).unwrap();
        assert_eq!((&config["optimizer"]["kind"], &config["schedule"]["kind"]), (&flags[1].into(), &flags[3].into()));
    }
}

#[test]
fn what_is_typed_wins_over_the_file() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let text =
        "epochs = 3\nhidden = [24]\nseed = 5\nmax_norm = 3.0\nl1 = 1e-5\nclip_value = 0.5\nlearning_rate = 0.01\n";
    fs::write(folder.join("c.toml"), text).unwrap();
    let arguments =
        ["train", "--config", "c.toml", "--epochs", "1", "--hidden", "12", "--optimizer", "adam", "--quiet"];
    let output = rectify(folder, &arguments);
    assert!(output.status.success(), "{}", said(&output));
    let config: Value = serde_json::from_slice(&fs::read(folder.join("run/config.json")).unwrap()).unwrap();
    let expected = [
        ("epochs", "1"),
        ("hidden", "[12]"),
        ("seed", "5"),
        ("max_norm", "3.0"),
        ("l1", "0.00001"),
        ("learning_rate", "0.001"),
    ];
    for (name, value) in expected {
        assert_eq!(config[name].to_string(), value, "{name}");
    }
    fs::write(folder.join("c.toml"), CONVOLUTIONS).unwrap();
    let output = rectify(folder, &["train", "--config", "c.toml", "--activation", "tanh"]);
    assert!(said(&output).contains("activation: is that of hidden layers"), "{}", said(&output));
}

#[test]
fn layers_that_do_not_fit_are_one_line_and_exit_code_2() {
    let place = tempfile::tempdir().unwrap();
    let cases = [
        ("{ kind = \"conv2d\", filters = 4, size = [9, 9] }", "does not fit images of 8 x 8"),
        ("{ kind = \"conv2d\", filters = 0, size = [3, 3] }", "layers: 0 filters asked for, 1 to 65536"),
        ("{ kind = \"conv2d\", filters = 4, size = [3, 3], stride = [0, 1] }", "0 rows or columns of stride"),
        ("{ kind = \"conv3d\", filters = 4 }", "unknown variant `conv3d`"),
        ("{ kind = \"dropout\", rate = 1.0 }", "dropout: rate 1 is not from 0 to below 1"),
        ("{ kind = \"dropout\", rate = 0.5, seed = 3 }", "unknown field `seed`"),
        ("{ kind = \"flatten\" }, { kind = \"max_pool2d\", size = [2, 2] }", "are not images"),
        ("{ kind = \"dense\", units = 0 }", "0 units asked for"),
        ("{ kind = \"reshape\", sizes = [3, 3] }", "has not as many elements"),
    ];
    for (layers, expected) in cases {
        fs::write(place.path().join("c.toml"), format!("layers = [{layers}]")).unwrap();
        let output = rectify(place.path(), &["train", "--config", "c.toml"]);
        assert_eq!(output.status.code(), Some(2), "{layers}: {}", said(&output));
        assert!(said(&output).contains(expected) && said(&output).lines().count() == 1, "{layers}: {}", said(&output));
        assert!(!place.path().join("run").exists(), "{layers}: nothing is left behind");
    }
}

#[test]
fn a_run_ends_when_patience_does() {
    let place = tempfile::tempdir().unwrap();
    let arguments = ["train", "--epochs", "500", "--patience", "2", "--json", "--quiet", "--learning-rate", "0.2"];
    let done = objects(&rectify(place.path(), &arguments)).pop().unwrap();
    let text = fs::read_to_string(place.path().join("run/metrics.jsonl")).unwrap();
    let losses: Vec<f64> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["test_loss"].as_f64().unwrap()).collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses.iter().position(|&loss| loss == least), Some(losses.len() - 3), "{losses:?}");
    assert_eq!(done["epochs"].as_u64(), Some(losses.len() as u64));
    // In the batches of the run, which are summed in the same order.
    let eval = ["eval", "--json", "--model", "run/best.safetensors", "--batch-size", "64"];
    let best = objects(&rectify(place.path(), &eval));
    assert_eq!(best[0]["loss"].as_f64(), Some(least));
}

#[test]
fn predictions_are_those_of_the_evaluation() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(folder.join("c.toml"), CONVOLUTIONS).unwrap();
    let done = objects(&rectify(folder, &["train", "--config", "c.toml", "--json", "--quiet"])).pop().unwrap();
    let test = digits().unwrap().test;
    let shares: Vec<f32> = test.pixels().iter().map(|&pixel| f32::from(pixel) / 16.0).collect();
    npy::write(folder.join("test.npy"), &Array::new(vec![test.samples(), 8, 8], shares.clone()).unwrap()).unwrap();
    npy::write(folder.join("one.npy"), &Array::new(vec![8, 8], shares[..64].to_vec()).unwrap()).unwrap();
    let rows: Vec<_> =
        shares.chunks(64).map(|row| row.iter().map(f32::to_string).collect::<Vec<_>>().join(",")).collect();
    fs::write(folder.join("test.csv"), rows.join("\n")).unwrap();
    let predict = |model: &str, files: &[&str]| {
        objects(&rectify(folder, &[&["predict", "--json", "--top", "10", "--model", model], files].concat()))
    };
    let all = predict("run/model.safetensors", &["test.npy", "one.npy"]);
    assert_eq!(all.len(), test.samples() + 1);
    let likeliest = |object: &Value| object["classes"][0]["name"].as_str().unwrap().parse::<u32>().unwrap();
    let right = all.iter().zip(test.labels()).filter(|(object, label)| likeliest(object) == **label).count();
    assert_eq!(right as f64 / test.samples() as f64, done["test_accuracy"].as_f64().unwrap());
    assert_eq!(all.last().unwrap()["classes"], all[0]["classes"], "one sample alone");
    for object in &all {
        let shares: Vec<_> =
            object["classes"].as_array().unwrap().iter().map(|class| class["probability"].as_f64().unwrap()).collect();
        assert!(shares.is_sorted_by(|a, b| a >= b) && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{object}");
    }

    let train = ["train", "--data", "synthetic:600", "--hidden", "32", "--epochs", "4", "--quiet", "--out", "flat"];
    assert!(rectify(folder, &train).status.success());
    let sample = synthetic(10, 3).unwrap().train;
    let file = fs::File::create(folder.join("digit.png")).unwrap();
    let mut encoder = png::Encoder::new(file, 28, 28);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(sample.image(0).unwrap()).unwrap();
    let picture = predict("flat/model.safetensors", &["digit.png"]);
    assert_eq!((picture.len(), likeliest(&picture[0])), (1, sample.labels()[0]));
    let plain = rectify(folder, &["predict", "--model", "flat/model.safetensors", "--top", "2", "digit.png"]);
    let line = String::from_utf8(plain.stdout).unwrap();
    assert!(
        line.starts_with(&format!("digit.png: {} ", sample.labels()[0])) && line.matches(" %").count() == 2,
        "{line}"
    );

    let other = rectify(folder, &["predict", "--model", "flat/model.safetensors", "test.csv"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(said(&other).contains("test.csv: does not fit the model: it takes 784 inputs"), "{}", said(&other));
    let table = rectify(folder, &["train", "--hidden", "32", "--epochs", "4", "--quiet", "--out", "rows"]);
    assert!(table.status.success());
    let rows = predict("rows/model.safetensors", &["test.csv"]);
    let right = rows.iter().zip(test.labels()).filter(|(object, label)| likeliest(object) == **label).count();
    assert!(rows.len() == test.samples() && right * 10 > test.samples() * 9, "{right} of {}", rows.len());
}
