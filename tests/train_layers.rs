//! Layers of a file that a chain of the usual ones is not: indices, branches, and activations that learn.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rectify::checkpoint::Weights;
use rectify::data::npy::Array;
use rectify::data::npz;
use serde_json::Value;

fn rectify(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rectify")).args(arguments).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn last(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_str(std::str::from_utf8(&output.stdout).unwrap().lines().last().unwrap()).unwrap()
}

/// Trains on what the file says, and holds what is saved against `eval`; gives the end of the run.
fn trained(folder: &Path, config: &str, data: &[&str]) -> Value {
    fs::write(folder.join("c.toml"), config).unwrap();
    let done =
        last(&rectify(folder, &[&["train", "--config", "c.toml", "--json", "--quiet", "--data"], data].concat()));
    let eval = [&["eval", "--model", "run/model.safetensors", "--json", "--data"], data].concat();
    assert_eq!(last(&rectify(folder, &eval))["accuracy"], done["test_accuracy"]);
    done
}

/// Towns by number and a temperature: whether it is warm for the town follows from both together and from neither alone.
fn weather(town: impl Fn(usize) -> String) -> String {
    let mut text = "temperature,town,warm\n".to_owned();
    for day in 0..600 {
        let (number, degrees) = (day * 7 % 12, (day * 13 % 97) as f64 - 40.0);
        let usual = ((number * 29) % 12) as f64 * 4.0 - 20.0;
        text += &format!("{degrees},{},{}\n", town(number), if degrees > usual { "yes" } else { "no" });
    }
    text
}

const TOWNS: &str = r#"
epochs = 30
batch_size = 16
optimizer = { kind = "adam" }
learning_rate = 0.01

[[layers]]
kind = "branches"
[[layers.branches]]
layers = [{ kind = "select", features = [1] }]
[[layers.branches]]
layers = [{ kind = "select", features = [2] }, { kind = "embedding", count = 12, width = 4 }, { kind = "flatten" }]

[[layers]]
kind = "dense"
units = 16
activation = "tanh"
"#;

#[test]
fn a_column_of_a_table_is_an_index_beside_a_measurement() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(folder.join("w.csv"), weather(|town| town.to_string())).unwrap();
    let done = trained(folder, TOWNS, &["w.csv", "--label", "warm"]);
    assert!(done["test_accuracy"].as_f64().unwrap() > 0.9, "{done}");
    let weights = Weights::load(folder.join("run/model.safetensors")).unwrap();
    assert_eq!(weights.get("branches1.1.embedding1.weight").unwrap().shape.sizes(), [12, 4]);
    let deviation: Vec<f32> =
        weights.get("input.deviation").unwrap().bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    assert!(deviation[0] > 20.0 && deviation[1] == 1.0, "temperatures are normalised, towns are not: {deviation:?}");
    fs::write(folder.join("new.csv"), "temperature,town\n50,3\n-40,3\n").unwrap();
    let predict = ["predict", "--model", "run/model.safetensors", "--top", "1", "new.csv"];
    let lines = String::from_utf8(rectify(folder, &predict).stdout).unwrap();
    assert!(lines.contains("new.csv 0: yes") && lines.contains("new.csv 1: no"), "{lines}");

    for (town, expected) in
        [("12", "has 12 as feature 2 of sample"), ("1.5", "has 1.5 as feature 2 of sample"), ("-1", "from 0 to 11")]
    {
        let bad = weather(|number| if number == 5 { town.to_owned() } else { number.to_string() });
        fs::write(folder.join("bad.csv"), bad).unwrap();
        let data = ["--data", "bad.csv", "--label", "warm"];
        let train = rectify(folder, &[&["train", "--config", "c.toml", "--out", "bad"][..], &data].concat());
        let eval = rectify(folder, &[&["eval", "--model", "run/model.safetensors"][..], &data].concat());
        for output in [train, eval] {
            assert_eq!((output.status.code(), said(&output).lines().count()), (Some(2), 1), "{}", said(&output));
            assert!(said(&output).contains(expected), "{}", said(&output));
        }
        assert!(!folder.join("bad").exists());
    }
}

#[test]
fn bytes_of_an_archive_are_indices_and_no_pixels() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    // Words of four letters: of class 1 if the first letter comes back.
    let letter = |at: usize| (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61;
    let words: Vec<u8> = (0..4 * 800).map(|at| letter(at) as u8).collect();
    let labels: Vec<i64> = words.chunks(4).map(|word| i64::from(word[1..].contains(&word[0]))).collect();
    let arrays = (Array::new(vec![800, 4], words).unwrap(), Array::new(vec![800], labels).unwrap());
    npz::write(folder.join("w.npz"), &[("x", &arrays.0), ("y", &arrays.1)]).unwrap();
    let layers = r#"
        epochs = 40
        optimizer = { kind = "adam" }
        learning_rate = 0.01
        layers = [
            { kind = "embedding", count = 8, width = 8 },
            { kind = "flatten" },
            { kind = "dense", units = 64, activation = "relu" },
        ]
    "#;
    let done = trained(folder, layers, &["w.npz"]);
    assert!(done["test_accuracy"].as_f64().unwrap() > 0.9, "{done}");
}

#[test]
fn activations_learn_from_their_parameters_on() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let layers: Vec<String> = [
        ("leaky_relu(0.25)", "unit"),
        ("srelu", "unit"),
        ("apl", "layer"),
        ("shifted_relu(0.1)", "unit"),
        ("elu", "layer"),
        ("swish", "unit"),
        ("sharp_softplus", "unit"),
        ("squareplus", "unit"),
        ("isru", "unit"),
        ("isrlu", "unit"),
        ("soft_exponential", "unit"),
    ]
    .iter()
    .map(|(name, per)| {
        format!(
            "{{ kind = \"dense\", units = 20 }}, {{ kind = \"learned\", activation = \"{name}\", per = \"{per}\" }}"
        )
    })
    .collect();
    for layer in &layers {
        let config = format!("epochs = 5\nlayers = [{layer}]");
        let done = trained(folder, &config, &["digits"]);
        assert!(done["test_accuracy"].as_f64().unwrap() > 0.85, "{layer}: {done}");
    }
    let shape = |name: &str| {
        let weights = Weights::load(folder.join("run/model.safetensors")).unwrap();
        weights.get(name).unwrap_or_else(|| panic!("{name}")).shape.sizes().to_vec()
    };
    trained(folder, &format!("epochs = 1\nlayers = [{}, {}, {}]", layers[0], layers[1], layers[2]), &["digits"]);
    assert_eq!((shape("leaky_relu1.alpha"), shape("srelu1.left.alpha2")), (vec![20], vec![20]));
    assert_eq!((shape("apl1.0.hinge.alpha1"), shape("apl1.1.hinge.alpha2")), (vec![1], vec![1]));
}

#[test]
fn branches_of_images_are_joined_by_channels_or_summed() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let conv = |size: usize, filters: usize| {
        let padding = size / 2;
        format!(
            "{{ kind = \"conv2d\", filters = {filters}, size = [{size}, {size}], padding = [{padding}, {padding}] }}"
        )
    };
    let config = format!(
        "epochs = 6\noptimizer = {{ kind = \"adam\" }}\nlearning_rate = 0.01\n\
        [[layers]]\nkind = \"branches\"\nbranches = [{{ layers = [{}] }}, {{ layers = [{}] }}, {{}}]\n\
        [[layers]]\nkind = \"activation\"\nname = \"relu\"\n\
        [[layers]]\nkind = \"branches\"\njoin = \"sum\"\nbranches = [{{ layers = [{}, {{ kind = \"batch_norm\" }}] }}, {{ layers = [{}] }}]\n\
        [[layers]]\nkind = \"max_pool2d\"\nsize = [2, 2]\n",
        conv(3, 6),
        conv(1, 3),
        conv(3, 8),
        conv(1, 8),
    );
    let done = trained(folder, &config, &["digits"]);
    assert!(done["test_accuracy"].as_f64().unwrap() > 0.9, "{done}");
    let weights = Weights::load(folder.join("run/model.safetensors")).unwrap();
    // 6 and 3 filters and the image itself.
    assert_eq!(weights.get("branches2.1.conv2d1.weight").unwrap().shape.sizes(), [8, 10, 1, 1]);
}

#[test]
fn what_does_not_fit_is_one_line_and_exit_code_2() {
    let place = tempfile::tempdir().unwrap();
    let cases = [
        (
            "{ kind = \"dense\", units = 4 }, { kind = \"embedding\", count = 4, width = 2 }",
            "embedding takes features of samples",
        ),
        ("{ kind = \"embedding\", count = 16, width = 2 }", "the model takes indices, and the set has 16 as feature"),
        ("{ kind = \"embedding\", count = 0, width = 2 }", "0 rows of a table asked for"),
        ("{ kind = \"select\", features = [0] }", "there is no feature 0 to select: the first is 1"),
        ("{ kind = \"select\", features = [65] }", "layers: feature 65 is to be selected from 64"),
        ("{ kind = \"select\", features = [] }", "select: places [] are not among 64 features"),
        ("{ kind = \"branches\", branches = [] }", "0 branches asked for"),
        ("{ kind = \"branches\", branches = [{ layer = [] }] }", "unknown field `layer`"),
        (
            "{ kind = \"branches\", join = \"sum\", branches = [{}, { layers = [{ kind = \"dense\", units = 4 }] }] }",
            "results of [64] and [4] do not fit",
        ),
        (
            "{ kind = \"branches\", branches = [{ layers = [{ kind = \"dropout\", rate = 1 }] }] }",
            "dropout: rate 1 is not from 0 to below 1",
        ),
        ("{ kind = \"learned\", activation = \"relu\" }", "relu has no parameters that can be learned"),
        ("{ kind = \"learned\", activation = \"apl\", per = \"row\" }", "unknown variant `row`"),
    ];
    for (layers, expected) in cases {
        fs::write(place.path().join("c.toml"), format!("layers = [{layers}]")).unwrap();
        let output = rectify(place.path(), &["train", "--config", "c.toml"]);
        assert_eq!(output.status.code(), Some(2), "{layers}: {}", said(&output));
        assert!(said(&output).contains(expected) && said(&output).lines().count() == 1, "{layers}: {}", said(&output));
        assert!(!place.path().join("run").exists(), "{layers}: nothing is left behind");
    }
}
