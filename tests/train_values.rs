//! Runs that predict numbers: from tables and arrays, with every loss of values, and what they say of themselves.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rectify::data::npy::{self, Array};
use rectify::data::npz;
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

fn number(object: &Value, field: &str) -> f64 {
    object[field].as_f64().unwrap_or_else(|| panic!("{field} in {object}"))
}

/// Pseudo-random numbers from 0 to 1 that need no crate.
fn noise(at: usize) -> f64 {
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / (1 << 24) as f64
}

/// Area and age of a house, and what follows from them: a price in the hundred thousands, and a share of warmth that is lost.
fn house(at: usize) -> [f64; 4] {
    let (area, age) = (40.0 + 160.0 * noise(2 * at), 80.0 * noise(2 * at + 1));
    [area, age, 90_000.0 + 2500.0 * area - 15.0 * area * age, 0.1 + 0.01 * (age / 20.0).exp2()]
}

fn table(houses: usize) -> String {
    let rows = (0..houses).map(house).map(|[area, age, price, lost]| format!("{price},{area},{lost},{age}\n"));
    format!("price,area,lost,age\n{}", rows.collect::<String>())
}

/// A configuration as one finds it in the documentation.
const CONFIG: &str = r#"
data = "houses.csv"
target = ["price", "lost"]
epochs = 60
batch_size = 16
learning_rate = 0.01
hidden = [32]
activation = "tanh"
optimizer = { kind = "adam" }
schedule = { kind = "cosine" }
"#;

#[test]
fn a_table_of_numbers_is_learned_and_told_in_its_units() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(folder.join("houses.csv"), table(600)).unwrap();
    fs::write(folder.join("c.toml"), CONFIG).unwrap();
    for loss in ["mean_squared_error", "mean_absolute_error", "huber"] {
        let told = objects(&rectify(folder, &["train", "--config", "c.toml", "--loss", loss, "--json"]));
        let done = told.last().unwrap();
        assert_eq!(told[0]["model"], "2-32-2 tanh, linear");
        assert!(number(done, "test_r2") > 0.99, "{loss}: {done}");
        assert!(done.get("test_accuracy").is_none() && done["live_bytes_before_step"] == done["live_bytes_after_step"]);
        // Of the mean over both targets almost all is that of the price.
        assert!((10.0..8000.0).contains(&number(done, "test_mae")), "{loss}: {done}");
        let evaluation =
            objects(&rectify(folder, &["eval", "--model", "run/model.safetensors", "--data", "houses.csv", "--json"]))
                .remove(0);
        assert_eq!((&evaluation["r2"], &evaluation["mae"]), (&done["test_r2"], &done["test_mae"]), "{loss}");
        let config: Value = serde_json::from_slice(&fs::read(folder.join("run/config.json")).unwrap()).unwrap();
        assert_eq!(
            (&config["loss"]["kind"], config["target"].to_string()),
            (&loss.into(), r#"["price","lost"]"#.into())
        );
    }
    let metrics = fs::read_to_string(folder.join("run/metrics.csv")).unwrap();
    let head = "epoch,steps,train_loss,train_r2,train_mae,test_loss,test_r2,test_mae,seconds,samples_per_second";
    assert_eq!((metrics.lines().next(), metrics.lines().count()), (Some(head), 61));
    let page = fs::read_to_string(folder.join("run/report.html")).unwrap();
    for expected in ["<dt>Test R²</dt>", "price: predictions by value", "lost: predictions by value", "<h3>R²</h3>"] {
        assert!(page.contains(expected), "{expected}");
    }
    let events = fs::read(folder.join("run/events.out.tfevents")).unwrap();
    for tag in ["r2/test", "mae/train", "loss/test"] {
        assert!(events.windows(tag.len()).any(|window| window == tag.as_bytes()), "{tag}");
    }

    let plain = rectify(folder, &["train", "--data", "houses.csv", "--target", "3", "--epochs", "2", "--loss", "mae"]);
    let lines = String::from_utf8(plain.stdout).unwrap();
    assert!(lines.starts_with("3-128-64-1 relu, linear") && lines.contains("  test R2 "), "{lines}");
    assert!(lines.contains(", MAE ") && !lines.contains("accuracy"), "{lines}");
    let lines = rectify(folder, &["eval", "--model", "run/model.safetensors", "--data", "houses.csv"]);
    let lines = String::from_utf8(lines.stdout).unwrap();
    assert!(lines.contains("R2          MAE         RMSE") && lines.contains("\nlost "), "{lines}");
}

#[test]
fn predictions_are_numbers_and_the_figures_follow_from_them() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let houses: Vec<[f64; 4]> = (0..500).map(house).collect();
    let arrays = |part: &[[f64; 4]]| {
        let x = part.iter().flat_map(|house| house[..2].to_vec()).collect::<Vec<_>>();
        let y = part.iter().flat_map(|house| house[2..].to_vec()).collect::<Vec<_>>();
        [x, y].map(|numbers| Array::new(vec![part.len(), 2], numbers).unwrap())
    };
    let ([x_train, y_train], [x_test, y_test]) = (arrays(&houses[..400]), arrays(&houses[400..]));
    let named = [("x_train", &x_train), ("y_train", &y_train), ("x_test", &x_test), ("y_test", &y_test)];
    npz::write(folder.join("houses.npz"), &named).unwrap();
    npy::write(folder.join("train.npy"), &x_train).unwrap();
    npy::write(folder.join("test.npy"), &x_test).unwrap();
    let columns = |part: &[[f64; 4]], nth: usize| part.iter().map(|house| house[2 + nth]).collect::<Vec<f64>>();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let variance = |values: &[f64]| mean(&values.iter().map(|x| (x - mean(values)).powi(2)).collect::<Vec<_>>());

    // So small a rate leaves the weights where they began: losses and figures of training are those of one model.
    for (loss, term) in [
        ("{ kind = \"mse\" }", (|d| d * d) as fn(f64) -> f64),
        ("{ kind = \"mae\" }", |d| d.abs()),
        ("{ kind = \"huber\", delta = 0.5 }", |d| if d.abs() <= 0.5 { d * d / 2.0 } else { 0.5 * (d.abs() - 0.25) }),
    ] {
        fs::write(folder.join("c.toml"), format!("data = \"houses.npz\"\nloss = {loss}\nhidden = [8]\n")).unwrap();
        let arguments =
            ["train", "--config", "c.toml", "--epochs", "1", "--learning-rate", "1e-30", "--momentum", "0", "--json"];
        let told = objects(&rectify(folder, &arguments));
        let epoch = &told[1];
        for (part, file, name) in [(&houses[..400], "train.npy", "train"), (&houses[400..], "test.npy", "test")] {
            let predicted = objects(&rectify(folder, &["predict", "--json", "--model", "run/model.safetensors", file]));
            let (mut losses, mut r2, mut mae) = (0.0, 0.0, 0.0);
            for nth in 0..2 {
                let deviation = variance(&columns(&houses[..400], nth)).sqrt();
                let apart: Vec<f64> = predicted
                    .iter()
                    .zip(columns(part, nth))
                    .map(|(object, truth)| {
                        assert_eq!(object["values"][nth]["name"], format!("y{}", nth + 1));
                        number(&object["values"][nth], "value") - truth
                    })
                    .collect();
                losses += mean(&apart.iter().map(|d| term(d / deviation)).collect::<Vec<_>>()) / 2.0;
                mae += mean(&apart.iter().map(|d| d.abs()).collect::<Vec<_>>()) / 2.0;
                let squares = mean(&apart.iter().map(|d| d * d).collect::<Vec<_>>());
                r2 += (1.0 - squares / variance(&columns(part, nth))) / 2.0;
            }
            for (field, expected) in [("loss", losses), ("r2", r2), ("mae", mae)] {
                let found = number(epoch, &format!("{name}_{field}"));
                assert!(
                    (found - expected).abs() < 1e-4 * expected.abs().max(0.1),
                    "{loss} {name} {field}: {found}, not {expected}"
                );
            }
        }
    }
    let line = rectify(folder, &["predict", "--model", "run/model.safetensors", "test.npy"]);
    let line = String::from_utf8(line.stdout).unwrap();
    assert!(line.starts_with("test.npy 0: y1 ") && line.contains(", y2 "), "{line}");
}

#[test]
fn columns_of_an_array_are_targets_and_tables_pass_over_them() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let rows: Vec<f32> = (0..300).flat_map(house).map(|number| number as f32).collect();
    npy::write(folder.join("h.npy"), &Array::new(vec![300, 4], rows).unwrap()).unwrap();
    fs::write(folder.join("h.csv"), table(40)).unwrap();
    let train = [
        "train",
        "--data",
        "h.npy",
        "--target",
        "3",
        "--hidden",
        "8",
        "--epochs",
        "40",
        "--optimizer",
        "adam",
        "--learning-rate",
        "0.02",
        "--json",
        "--quiet",
    ];
    let done = objects(&rectify(folder, &train)).remove(0);
    assert!(number(&done, "test_r2") > 0.9, "{done}");
    let eval = |arguments: &[&str]| {
        rectify(folder, &[&["eval", "--json", "--model", "run/model.safetensors", "--data"], arguments].concat())
    };
    assert_eq!(objects(&eval(&["h.npy"]))[0]["r2"], done["test_r2"], "the column that it learned");
    assert_eq!(objects(&eval(&["h.npy", "--target", "3"]))[0]["targets"][0]["name"], "3");

    // Of the table the same columns in the order of the array, but for what is passed over.
    let train = ["train", "--data", "h.csv", "--target", "price", "--hidden", "4", "--epochs", "1", "--quiet"];
    assert!(rectify(folder, &train).status.success());
    let predicted = objects(&rectify(
        folder,
        &["predict", "--json", "--model", "run/model.safetensors", "--target", "price", "h.csv"],
    ));
    assert_eq!((predicted.len(), &predicted[39]["values"][0]["name"]), (40, &"price".into()));
    let unsaid = rectify(folder, &["predict", "--model", "run/model.safetensors", "h.csv"]);
    assert!(said(&unsaid).contains("takes 3 inputs, and the samples have 4 features"), "{}", said(&unsaid));
}

#[test]
fn a_run_on_numbers_goes_on_to_the_same_bits() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(folder.join("houses.csv"), table(200)).unwrap();
    fs::write(folder.join("c.toml"), CONFIG.replace("schedule = { kind = \"cosine\" }", "")).unwrap();
    let train = |out: &str, epochs: &str, more: &[&str]| {
        let arguments = ["train", "--config", "c.toml", "--quiet", "--out", out, "--epochs", epochs];
        let output = rectify(folder, &[&arguments[..], more].concat());
        assert!(output.status.success(), "{}", said(&output));
    };
    train("whole", "4", &[]);
    train("cut", "2", &[]);
    train("cut", "4", &["--resume", "auto"]);
    let model = |run: &str| fs::read(folder.join(run).join("model.safetensors")).unwrap();
    assert!(model("whole") == model("cut"));
    let metrics = |run: &str| {
        let text = fs::read_to_string(folder.join(run).join("metrics.csv")).unwrap();
        text.lines().map(|line| line.split(',').take(8).collect::<Vec<_>>().join(",")).collect::<Vec<_>>()
    };
    assert_eq!(metrics("whole"), metrics("cut"));
}

#[test]
fn what_does_not_fit_is_one_line_exit_code_2_and_no_run() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(folder.join("h.csv"), table(30)).unwrap();
    let y = Array::new(vec![10], (0..10).map(|at| at as f32 + 0.5).collect::<Vec<f32>>()).unwrap();
    let x = Array::new(vec![10, 1], vec![1.0f32; 10]).unwrap();
    npz::write(folder.join("h.npz"), &[("x", &x), ("y", &y)]).unwrap();
    npy::write(folder.join("h.npy"), &x).unwrap();
    let cases: [(&[&str], &str); 14] = [
        (&["--loss", "huber"], "data: 'digits' has classes, and numbers are to be predicted"),
        (&["--target", "price"], "data: 'digits' has classes, and numbers are to be predicted"),
        (&["--data", "h.csv", "--loss", "huber"], "target: is needed: which columns of h.csv are to be predicted?"),
        (
            &["--data", "h.csv", "--label", "age", "--loss", "huber"],
            "loss: huber is of numbers, and label names 'age', a column of classes",
        ),
        (
            &["--data", "h.csv", "--target", "price", "--loss", "cross_entropy"],
            "loss: cross_entropy is of classes, and target names 'price', numbers",
        ),
        (
            &["--data", "h.csv", "--label", "age", "--target", "price"],
            "loss: mean_squared_error is of numbers, and label names 'age'",
        ),
        (
            &["--data", "h.csv", "--target", "cost"],
            "h.csv: line 1: there is no column 'cost' among the 4 (price, area, lost, age)",
        ),
        (&["--data", "h.csv", "--target", "age,4"], "h.csv: line 1: column '4' is named twice"),
        (&["--data", "h.csv", "--target", "price,area,lost,age"], "h.csv: 30 samples of 1x0 hold nothing"),
        (
            &["--data", "h.npz"],
            "h.npz: has labels that are no whole numbers, as classes are: for numbers to predict, a loss of values",
        ),
        (&["--data", "h.npz", "--target", "y"], "target: 'y' is a column, but h.npz has its y"),
        (&["--data", "h.npy", "--target", "2"], "h.npy: there is no column '2' among the 1"),
        (&["--data", ".", "--target", "2"], "target: . is a folder, whose samples are of classes"),
        (
            &["--data", "h.csv", "--target", "price", "--config", "c.toml"],
            "smoothing: is of cross_entropy, and the loss is mean_squared_error",
        ),
    ];
    fs::write(folder.join("c.toml"), "smoothing = 0.1").unwrap();
    let check = |output: &Output, expected: &str| {
        assert_eq!((output.status.code(), said(output).lines().count()), (Some(2), 1), "{}", said(output));
        assert!(said(output).contains(&format!("error: {expected}")), "{}", said(output));
    };
    for (arguments, expected) in cases {
        check(&rectify(folder, &[&["train"], arguments].concat()), expected);
        assert!(!folder.join("run").exists());
    }
    fs::write(folder.join("c.toml"), "data = \"h.csv\"\ntarget = [\"age\"]\nloss = { kind = \"huber\", delta = 0 }")
        .unwrap();
    check(&rectify(folder, &["train", "--config", "c.toml"]), "loss: delta 0 is not a finite number above 0");

    assert!(rectify(folder, &["train", "--epochs", "1", "--quiet", "--out", "classes"]).status.success());
    assert!(
        rectify(
            folder,
            &["train", "--epochs", "1", "--quiet", "--data", "h.csv", "--target", "age", "--out", "values"]
        )
        .status
        .success()
    );
    let eval = |model: &str, more: &[&str]| rectify(folder, &[&["eval", "--model", model], more].concat());
    let (classes, values) = ("classes/model.safetensors", "values/model.safetensors");
    check(
        &eval(classes, &["--data", "h.csv", "--target", "age"]),
        "target: is of numbers, and the model tells classes",
    );
    check(
        &eval(values, &["--data", "h.csv", "--label", "age"]),
        "label: is of classes, and the model predicts numbers",
    );
    check(&eval(values, &[]), "data: 'digits' has classes, and the model predicts numbers");
    check(
        &eval(values, &["--data", "h.csv", "--target", "age,area"]),
        "values/model.safetensors: takes 3 inputs, and the samples have 2 features",
    );
}
