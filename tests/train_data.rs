//! `rectify train` and `rectify eval` on every kind of data that `--data` knows by looking.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rectify::data::npy::{Array, Values};
use rectify::data::npz;
use serde_json::Value;

fn rectify(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rectify")).args(arguments).current_dir(folder).output().unwrap()
}

/// The last object that a command prints.
fn last(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::str::from_utf8(&output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// Trains on this, evaluates on it, and gives the evaluation.
fn learned(folder: &Path, data: &[&str]) -> Value {
    let train =
        [&["train", "--json", "--quiet", "--hidden", "16", "--epochs", "20", "--batch-size", "16", "--data"], data];
    let done = last(&rectify(folder, &train.concat()));
    let eval = [&["eval", "--json", "--model", "run/model.safetensors", "--data"], data].concat();
    let evaluation = last(&rectify(folder, &eval));
    assert_eq!(evaluation["accuracy"], done["test_accuracy"]);
    assert!(evaluation["accuracy"].as_f64().unwrap() > 0.9, "{evaluation}");
    evaluation
}

/// Pseudo-random numbers from 0 to 1 that need no crate.
fn noise(at: usize) -> f64 {
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / (1 << 24) as f64
}

/// Three kinds on scales that only a normalisation makes alike: the second column is a million times the first.
fn flowers() -> String {
    let mut text = "\"small\";large;kind\n".to_string();
    for i in 0..240 {
        let kind = i % 3;
        let (small, large) =
            (1e-3 * (kind as f64 + 0.6 * noise(2 * i)), 1e3 * (7.0 - kind as f64 + 0.6 * noise(2 * i + 1)));
        text += &format!("{small};{large};{}\n", ["rose", "aster", "lily"][kind]);
    }
    text
}

#[test]
fn a_table_trains_and_its_model_knows_scales_and_names() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("flowers.csv"), flowers()).unwrap();
    let evaluation = learned(folder.path(), &["flowers.csv", "--label", "kind"]);
    let names: Vec<_> =
        evaluation["classes"].as_array().unwrap().iter().map(|class| class["name"].as_str().unwrap()).collect();
    assert_eq!((names, &evaluation["samples"]), (vec!["aster", "lily", "rose"], &Value::from(48)));
    check_scores(&evaluation);

    let eval = |data: &str, label: &str| {
        let output = rectify(
            folder.path(),
            &["eval", "--json", "--model", "run/model.safetensors", "--data", data, "--label", label],
        );
        (
            output.status.code(),
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        )
    };
    assert_eq!(eval("flowers.csv", "3").0, Some(0), "by number");
    // Ten flowers of two kinds, where the mean is another: the normalisation is that of the training.
    let lines: Vec<_> = flowers().lines().map(str::to_owned).collect();
    let few = lines.iter().filter(|line| !line.ends_with("rose")).take(61).cloned().collect::<Vec<_>>().join("\n");
    fs::write(folder.path().join("few.csv"), few).unwrap();
    let (code, said) = eval("few.csv", "kind");
    let few: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!((code, &few["accuracy"], &few["classes"][2]["support"]), (Some(0), &Value::from(1.0), &Value::from(0)));
    fs::write(folder.path().join("renamed.csv"), flowers().replace("lily", "tulip")).unwrap();
    let (code, said) = eval("renamed.csv", "kind");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains(
            "tells 3 classes (aster, lily, rose) apart, but the samples are of 3 classes (aster, rose, tulip)"
        )
    );

    let lines = rectify(
        folder.path(),
        &["eval", "--model", "run/model.safetensors", "--data", "flowers.csv", "--label", "kind"],
    );
    let lines = String::from_utf8(lines.stdout).unwrap();
    for expected in
        ["accuracy ", "balanced accuracy ", "Matthews correlation ", " F1  specificity ", "lily ", "macro average "]
    {
        assert!(lines.contains(expected), "{lines}");
    }
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(page.contains(">aster</th>"), "the page names the classes");
}

/// Every figure follows from the confusion matrix.
fn check_scores(evaluation: &Value) {
    let figure = |path: &str| {
        evaluation.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} in {evaluation}"))
    };
    let counts: Vec<Vec<u64>> = serde_json::from_value(evaluation["confusion"].clone()).unwrap();
    let right: u64 = (0..counts.len()).map(|class| counts[class][class]).sum();
    let all: u64 = counts.iter().flatten().sum();
    assert_eq!((all as f64, right as f64 / all as f64), (figure("/samples"), figure("/accuracy")));
    let recalls = counts.iter().enumerate().map(|(class, row)| row[class] as f64 / row.iter().sum::<u64>() as f64);
    let balanced = recalls.sum::<f64>() / counts.len() as f64;
    for path in ["/balanced_accuracy", "/macro_average/recall"] {
        assert!((figure(path) - balanced).abs() < 1e-12, "{path}");
    }
    assert_eq!(figure("/micro_average/f1"), figure("/accuracy"));
    assert_eq!((figure("/top_3_accuracy"), figure("/weighted_average/support")), (1.0, all as f64));
    assert!((0.8..=1.0).contains(&figure("/matthews")));
}

#[test]
fn an_archive_trains_on_bytes_and_on_measurements() {
    let folder = tempfile::tempdir().unwrap();
    let count = 200;
    let label = |i: usize| i * 7 % 4;
    let bright = |i: usize, pixel: usize| pixel % 4 == label(i);
    let pixel = |at: usize| (60.0 * noise(at)) as u8 + if bright(at / 48, at % 48) { 190 } else { 0 };
    let labels = Array::new(vec![count], (0..count).map(|i| label(i) as i64).collect::<Vec<_>>()).unwrap();
    let bytes: Vec<u8> = (0..count * 48).map(pixel).collect();
    let floats: Vec<f64> = bytes.iter().map(|&byte| f64::from(byte) * 1e-3 - 7.0).collect();
    for (x, name) in [(Values::Bytes(bytes), "bytes.npz"), (Values::Doubles(floats), "floats.npz")] {
        let x = Array::new(vec![count, 4, 4, 3], x).unwrap();
        npz::write(folder.path().join(name), &[("x", &x), ("y", &labels)]).unwrap();
        let evaluation = learned(folder.path(), &[name]);
        assert_eq!(evaluation["confusion"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn folders_of_images_train_divided_or_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let write = |place: &str, count: usize| {
        for (class, name) in ["across", "down"].into_iter().enumerate() {
            let folder = folder.path().join(place).join(name);
            fs::create_dir_all(&folder).unwrap();
            for i in 0..count {
                let bright = |at: usize| if class == 0 { at / 6 } else { at % 6 } == i % 6;
                let pixels: Vec<u8> =
                    (0..36).map(|at| (90.0 * noise(36 * i + at)) as u8 + if bright(at) { 160 } else { 0 }).collect();
                let mut encoder =
                    png::Encoder::new(fs::File::create(folder.join(format!("{i:03}.png"))).unwrap(), 6, 6);
                encoder.set_color(png::ColorType::Grayscale);
                encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
            }
        }
    };
    write("whole", 60);
    write("parts/train", 60);
    write("parts/test", 6);
    assert_eq!(learned(folder.path(), &["whole"])["samples"], Value::from(24));
    let parts = learned(folder.path(), &["parts"]);
    assert_eq!((&parts["samples"], &parts["classes"][1]["name"]), (&Value::from(12), &Value::from("down")));
}

#[test]
fn wrong_data_is_one_line_exit_code_2_and_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("table.csv"), "a,b\n1,x\n2,y\nz,x\n").unwrap();
    fs::write(place("broken.npz"), "PK\u{3}\u{4}").unwrap();
    fs::write(place("notes.md"), "mine").unwrap();
    fs::create_dir_all(place("classes/a")).unwrap();
    fs::write(place("classes/a/1.png"), "GIF89a").unwrap();
    let broken: [(&[&str], &str); 7] = [
        (&["table.csv"], "label: is needed: which column of table.csv has the labels?"),
        (&["table.csv", "--label", "c"], "table.csv: line 1: there is no column 'c' among the 2 (a, b)"),
        (&["table.csv", "--label", "b"], "table.csv: line 4: column 'a' holds 'z', which is no finite number"),
        (&["broken.npz"], "broken.npz: is no .npz archive"),
        (&["notes.md"], "notes.md: is neither a folder, an .npz archive nor a .csv table"),
        (&["classes"], "classes/a/1.png: is no PNG image that can be read"),
        (&["digits", "--label", "a"], "label: names a column of a table, and 'digits' is none"),
    ];
    for (data, expected) in broken {
        let output = rectify(folder.path(), &[&["train", "--data"], data].concat());
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), message.lines().count()), (Some(2), 1), "{message}");
        assert!(message.starts_with(&format!("error: {expected}")), "{message}");
        assert!(!place("run").exists());
    }
}
