//! `rectify train` and `rectify eval` from the first word typed to the last file written.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

/// What a run leaves in its folder.
const FILES: [&str; 8] = [
    "best.safetensors",
    "checkpoint.safetensors",
    "config.json",
    "events.out.tfevents",
    "metrics.csv",
    "metrics.jsonl",
    "model.safetensors",
    "report.html",
];
/// The fields of the last object of a run.
const DONE: [&str; 16] = [
    "event",
    "device",
    "dtype",
    "parameters",
    "epochs",
    "steps",
    "train_loss",
    "test_loss",
    "test_accuracy",
    "seconds",
    "samples_per_second",
    "peak_bytes",
    "live_bytes_before_step",
    "live_bytes_after_step",
    "seed",
    "model",
];

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rectify"));
    command.args(arguments).current_dir(folder);
    command
}

fn rectify(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The objects that a run prints, one on each line.
fn objects(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", said(output));
    let lines = std::str::from_utf8(&output.stdout).unwrap().lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|cause| panic!("{line}: {cause}"))).collect()
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn number(object: &Value, field: &str) -> f64 {
    object[field].as_f64().unwrap_or_else(|| panic!("{field} in {object}"))
}

/// The accuracy that `eval` finds for the weights of a run on this data.
fn evaluated(folder: &Path, model: &str, data: &str) -> f64 {
    let output = rectify(folder, &["eval", "--json", "--model", model, "--data", data]);
    let [evaluation] = &objects(&output)[..] else { panic!("one object") };
    assert_eq!(evaluation["event"], "evaluation");
    number(evaluation, "accuracy")
}

#[test]
fn a_run_on_the_digits_tells_learns_and_leaves_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let output = rectify(folder.path(), &["train", "--out", "deep/run", "--epochs", "8", "--json", "--seed", "9"]);
    let objects = objects(&output);
    let events: Vec<_> = objects.iter().map(|object| object["event"].as_str().unwrap()).collect();
    assert_eq!(events, [&["start"][..], &["epoch"; 8], &["done"]].concat());

    let done = objects.last().unwrap();
    let fields: BTreeSet<_> = done.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, DONE.into());
    assert!(number(done, "test_accuracy") > 0.9, "{done}");
    assert_eq!(done["live_bytes_before_step"], done["live_bytes_after_step"]);
    assert!(number(done, "live_bytes_after_step") > 0.0);
    assert!(number(done, "peak_bytes") > number(done, "live_bytes_after_step"));
    assert_eq!((&done["epochs"], &done["seed"]), (&Value::from(8), &Value::from(9)));
    // 64-128-64-10 with biases.
    assert_eq!(done["parameters"], Value::from(64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10));
    let steps_per_epoch = number(&objects[0], "train_samples") / 64.0;
    assert_eq!(number(done, "steps"), 8.0 * steps_per_epoch.ceil());

    let losses: Vec<_> = objects[1..9].iter().map(|epoch| number(epoch, "train_loss")).collect();
    assert!(losses[7] < 0.2 * losses[0], "{losses:?}");
    for field in ["train_loss", "test_loss", "test_accuracy", "seconds"] {
        assert_eq!(done[field], objects[8][field], "{field} is that of the last epoch");
    }

    let run = folder.path().join("deep/run");
    assert_eq!(names_in(&run), FILES.map(String::from).into());
    assert_eq!(Path::new(done["model"].as_str().unwrap()), Path::new("deep/run/model.safetensors"));
    let accuracy = evaluated(folder.path(), "deep/run/model.safetensors", "digits");
    assert_eq!(accuracy, number(done, "test_accuracy"));
    check_metrics(&run, &objects[1..9]);
    check_config(&run);
    check_weights(&run);
    check_page(&run);
}

/// The metrics hold the numbers of the events, as lines of JSON and as a table.
fn check_metrics(run: &Path, epochs: &[Value]) {
    let lines = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let table = fs::read_to_string(run.join("metrics.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((lines.len(), rows.len()), (epochs.len(), epochs.len() + 1));
    for (epoch, (line, row)) in epochs.iter().zip(lines.iter().zip(&rows[1..])) {
        assert_eq!(rows[0].len(), epoch.as_object().unwrap().len() - 1, "every field but the name of the event");
        for (name, cell) in rows[0].iter().zip(row) {
            assert_eq!(line[name], epoch[name]);
            assert_eq!(serde_json::from_str::<f64>(cell).unwrap(), number(epoch, name));
        }
    }
}

fn check_config(run: &Path) {
    let config: Value = serde_json::from_slice(&fs::read(run.join("config.json")).unwrap()).unwrap();
    let expected = [
        ("data", Value::from("digits")),
        ("hidden", Value::from(vec![128, 64])),
        ("activation", Value::from("relu")),
        ("epochs", Value::from(8)),
        ("batch_size", Value::from(64)),
        ("seed", Value::from(9)),
    ];
    for (name, value) in expected {
        assert_eq!(config[name], value, "{name}");
    }
    assert_eq!(config["optimizer"]["kind"], "sgd");
}

/// The weights can be read by anyone who reads safetensors.
fn check_weights(run: &Path) {
    let bytes = fs::read(run.join("model.safetensors")).unwrap();
    let weights = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut shapes: Vec<_> = weights.iter().map(|(_, tensor)| tensor.shape().to_vec()).collect();
    shapes.sort();
    assert_eq!(shapes, [vec![10], vec![10, 64], vec![64], vec![64, 128], vec![128], vec![128, 64]]);
    for (name, tensor) in weights.iter() {
        let (numbers, _) = tensor.data().as_chunks::<4>();
        let numbers: Vec<_> = numbers.iter().map(|&number| f32::from_le_bytes(number)).collect();
        assert!(numbers.iter().all(|x| x.is_finite()) && numbers.iter().any(|&x| x != 0.0), "{name}");
    }
}

/// The page needs nothing but itself, and has its pictures.
fn check_page(run: &Path) {
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    let outside_pictures: String = page.split('"').filter(|part| !part.starts_with("data:image/png;base64,")).collect();
    for link in ["http:", "https:", "//", "@import", "url(", "<script", "<iframe", "srcset"] {
        let found = outside_pictures.replace("http://www.w3.org/", "");
        assert!(!found.contains(link), "the page has '{link}'");
    }
    let section = |name: &str| {
        let start = page.find(&format!("<h2>{name}</h2>")).unwrap_or_else(|| panic!("no section {name}"));
        &page[start..start + page[start..].find("</section>").unwrap()]
    };
    let learning = section("Learning");
    for chart in ["Loss", "Accuracy"] {
        let figure = learning.split("<figure>").find(|figure| figure.contains(&format!("<h3>{chart}</h3>")));
        let figure = figure.unwrap_or_else(|| panic!("no chart of {chart}"));
        assert_eq!(figure.matches("<path class=\"curve").count(), 2, "training and test");
        assert!(figure.contains("</svg>"));
    }
    let errors = section("Right and wrong");
    assert!(errors.matches("recognised as").count() == 10 && errors.matches("taken for").count() >= 90);
    assert!(errors.contains("<img src=\"data:image/png;base64,iVBORw0KGgo"), "a misclassified digit is shown");
    let memory = section("Memory");
    assert!(memory.matches("<path class=\"area").count() >= 5 && memory.contains("</svg>"));
    for label in ["parameters", "optimizer", "gradients", "batch", "hidden1"] {
        assert!(memory.contains(&format!("</span>{label}</")), "no area for {label}");
    }
    let after = |word: &str| memory.split_once(word).and_then(|(_, rest)| rest.split(['<', '"']).next());
    let peak = after(">peak ").and_then(|mark| mark.split_once(" at ")).map(|(bytes, _)| bytes);
    assert!(peak.is_some() && peak == after(">predicted "), "{peak:?} is not what was predicted");
}

#[test]
fn what_an_earlier_run_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let train = |epochs| objects(&rectify(folder.path(), &["train", "--json", "--quiet", "--epochs", epochs]));
    train("3");
    fs::write(folder.path().join("run/notes.txt"), "mine").unwrap();
    let done = train("1").pop().unwrap();
    let run = folder.path().join("run");
    assert_eq!(fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines().count(), 1);
    assert_eq!(evaluated(folder.path(), "run/model.safetensors", "digits"), number(&done, "test_accuracy"));
    assert_eq!(fs::read_to_string(run.join("notes.txt")).unwrap(), "mine");
    assert_eq!(names_in(&run).len(), FILES.len() + 1);
}

#[test]
fn quiet_is_quiet_and_plain_lines_are_lines() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = rectify(folder.path(), &["train", "--epochs", "1", "--quiet"]);
    assert!(quiet.status.success() && quiet.stdout.is_empty() && quiet.stderr.is_empty());
    let json = rectify(folder.path(), &["train", "--epochs", "1", "--quiet", "--json"]);
    assert_eq!(objects(&json).len(), 1);
    let plain = rectify(folder.path(), &["train", "--epochs", "2"]);
    let lines: Vec<_> = std::str::from_utf8(&plain.stdout).unwrap().lines().collect();
    assert!(lines[0].starts_with("64-128-64-10 relu"), "{lines:?}");
    assert!(
        lines[0].contains("17,226 parameters (f32) on cpu; digits: 1,442 training and 355 test samples"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("epoch 1/2  loss ") && lines[2].starts_with("epoch 2/2  loss "), "{lines:?}");
    assert!(lines[3].starts_with("test accuracy ") && lines.last().unwrap().ends_with("model.safetensors"));
    assert!(!plain.stdout.contains(&0x1b), "no control sequences where there is no terminal");
}

/// The four files of a set as MNIST names them: squares of which the label says the brightness and the place.
struct Folder {
    train: [Vec<u8>; 2],
    test: [Vec<u8>; 2],
}

impl Folder {
    fn new() -> Self {
        Self { train: Self::set(400), test: Self::set(100) }
    }

    /// Images and labels.
    fn set(count: u32) -> [Vec<u8>; 2] {
        let label = |i: u32| (i * 7 % 10) as u8;
        let pixel = |i: u32, row: u32, column: u32| {
            let bright = row == u32::from(label(i)) || column == u32::from(label(i));
            let noise = (i.wrapping_mul(31) ^ row.wrapping_mul(17) ^ column) % 60;
            if bright { 255 - noise as u8 } else { noise as u8 }
        };
        let pixels = (0..count * 100).map(|at| pixel(at / 100, at / 10 % 10, at % 10));
        [Self::file(3, &[count, 10, 10], pixels), Self::file(1, &[count], (0..count).map(label))]
    }

    fn file(rank: u8, sizes: &[u32], content: impl Iterator<Item = u8>) -> Vec<u8> {
        let header = [0, 0, 8, rank].into_iter().chain(sizes.iter().flat_map(|size| size.to_be_bytes()));
        header.chain(content).collect()
    }

    /// Writes the set beside an empty place for runs; compressed if asked for.
    fn write(&self, gzip: bool) -> TempDir {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        fs::create_dir(&data).unwrap();
        for (name, [images, labels]) in [("train", &self.train), ("t10k", &self.test)] {
            for (kind, content) in [("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)] {
                if gzip {
                    let file = fs::File::create(data.join(format!("{name}-{kind}.gz"))).unwrap();
                    GzEncoder::new(file, Compression::fast()).write_all(content).unwrap();
                } else {
                    fs::write(data.join(format!("{name}-{kind}")), content).unwrap();
                }
            }
        }
        place
    }
}

#[test]
fn a_folder_of_idx_files_trains_plain_and_compressed_alike() {
    let mut weights = Vec::new();
    for gzip in [false, true] {
        let place = Folder::new().write(gzip);
        let arguments = ["train", "--data", "data", "--hidden", "32", "--epochs", "5", "--json"];
        let objects = objects(&rectify(place.path(), &arguments));
        let (start, done) = (&objects[0], objects.last().unwrap());
        assert_eq!((number(start, "train_samples"), number(start, "test_samples")), (400.0, 100.0));
        assert_eq!(done["parameters"], Value::from(100 * 32 + 32 + 32 * 10 + 10));
        assert!(number(done, "test_accuracy") > 0.9, "{done}");
        assert_eq!(evaluated(place.path(), "run/model.safetensors", "data"), number(done, "test_accuracy"));
        weights.push(fs::read(place.path().join("run/model.safetensors")).unwrap());

        let other = rectify(place.path(), &["eval", "--model", "run/model.safetensors", "--data", "digits"]);
        assert_eq!(other.status.code(), Some(2), "{}", said(&other));
        assert!(said(&other).contains("takes 100 inputs, and the samples have 64 features"), "{}", said(&other));
    }
    assert!(weights[0] == weights[1]);
}

#[test]
fn a_broken_folder_is_one_line_exit_code_2_and_no_run() {
    type Damage = fn(&mut Folder);
    let damages: [(&str, Damage, &str); 9] = [
        ("cut", |set| set.train[0].truncate(20_000), "need 40000 bytes after the header, but the file has 19984"),
        ("cut in the header", |set| set.test[1].truncate(6), "ends before the last byte"),
        ("empty", |set| set.train[1].clear(), "ends before the last byte"),
        ("no magic", |set| set.test[0][0] = b'P', "but an IDX file starts with two zeros"),
        ("floating point", |set| set.train[0][2] = 0x0d, "has element type 0x0d"),
        ("label 10", |set| set.train[1][8 + 17] = 10, "sample 17 has label 10, but labels must be below 10"),
        ("counts", |set| set.test[1] = Folder::set(99)[1].clone(), "has 99 labels for the 100 images of"),
        ("4 GiB", |set| set.train[0][4..8].copy_from_slice(&[0x02, 0x8f, 0x5c, 0x29]), "need 4294967300 bytes"),
        ("goes on", |set| set.test[0].push(0), "need 10000 bytes after the header, but the file has 10001"),
    ];
    for (name, damage, expected) in damages {
        let mut set = Folder::new();
        damage(&mut set);
        let place = set.write(false);
        let output = rectify(place.path(), &["train", "--data", "data", "--out", "deep/run"]);
        let message = said(&output);
        assert_eq!(output.status.code(), Some(2), "{name}: {message}");
        assert!(message.contains(expected), "{name}: {message}");
        assert!(message.starts_with("error: data/") && message.lines().count() == 1, "{name}: {message}");
        assert!(output.stdout.is_empty());
        assert_eq!(names_in(place.path()), ["data".to_string()].into(), "{name}: nothing is left behind");
    }
}

#[test]
fn a_compressed_folder_that_promises_4_gib_is_refused() {
    let mut set = Folder::new();
    set.train[0][4..8].copy_from_slice(&[0x02, 0x8f, 0x5c, 0x29]);
    let place = set.write(true);
    let output = rectify(place.path(), &["train", "--data", "data"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("a compressed file of this length holds at most"), "{}", said(&output));
    assert_eq!(names_in(place.path()).len(), 1);
}

#[test]
fn a_folder_that_is_broken_leaves_an_earlier_run_alone() {
    let place = Folder::new().write(false);
    let train = ["train", "--data", "data", "--hidden", "8", "--epochs", "1", "--quiet"];
    assert!(rectify(place.path(), &train).status.success());
    let files = || FILES.map(|name| fs::read(place.path().join("run").join(name)).unwrap());
    let before = files();
    fs::write(place.path().join("data/t10k-labels-idx1-ubyte"), [0, 0, 8, 1]).unwrap();
    assert_eq!(rectify(place.path(), &train).status.code(), Some(2));
    assert!(files() == before);
}

#[test]
fn a_place_that_cannot_be_written_is_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "mine").unwrap();
    let long = "n".repeat(300);
    for out in ["file", "file/run", "/proc/run", "/dev/null", &long] {
        let output = rectify(folder.path(), &["train", "--epochs", "1", "--out", out]);
        assert_eq!(output.status.code(), Some(2), "{out}: {}", said(&output));
        assert!(said(&output).starts_with(&format!("error: {out}: cannot ")), "{}", said(&output));
        assert_eq!(said(&output).lines().count(), 1);
    }
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "mine");
    assert_eq!(names_in(folder.path()).len(), 1);
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(rectify(folder.path(), &["train", "--epochs", "1", "--quiet"]).status.success());
    let whole = fs::read(folder.path().join("run/model.safetensors")).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for (name, content) in
        [("cut", &whole[..whole.len() - 1]), ("flipped", &flipped), ("text", b"weights"), ("empty", b"")]
    {
        fs::write(folder.path().join(name), content).unwrap();
        let output = rectify(folder.path(), &["eval", "--model", name]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
        assert!(said(&output).starts_with(&format!("error: {name}: ")) && said(&output).lines().count() == 1);
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_training() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &["train", "--epochs", "60", "--json"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("cannot write to standard output"), "{}", said(&output));
    assert_eq!(names_in(&folder.path().join("run")), FILES.map(String::from).into());
    assert!(evaluated(folder.path(), "run/model.safetensors", "digits") > 0.9);
}

/// Starts a run without an end, sends it `signal` after its second epoch and waits for it.
#[cfg(unix)]
fn stopped_by(signal: &str, folder: &Path) -> (Option<i32>, Vec<Value>, String) {
    let mut child = command(folder, &["train", "--epochs", "1000000", "--json"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let seen: Vec<_> = lines.by_ref().take(3).collect();
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let objects = seen.into_iter().chain(lines).map(|line| serde_json::from_str(&line).unwrap()).collect();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), objects, said(&output).to_string())
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_exits_with_130() {
    for signal in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let (code, objects, said) = stopped_by(signal, folder.path());
        assert_eq!(code, Some(130), "{signal}: {said}");
        assert!(said.contains("saving and stopping"), "{said}");
        let done = objects.last().unwrap();
        assert_eq!(done["event"], "done");
        let epochs = objects.iter().filter(|object| object["event"] == "epoch").count();
        assert!(epochs >= 2 && number(done, "epochs") as usize == epochs, "{done}");
        assert_eq!(done["live_bytes_before_step"], done["live_bytes_after_step"]);
        let run = folder.path().join("run");
        assert_eq!(names_in(&run), FILES.map(String::from).into());
        assert_eq!(fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines().count(), epochs);
        let accuracy = evaluated(folder.path(), "run/model.safetensors", "digits");
        assert_eq!(accuracy, number(done, "test_accuracy"), "the model is that of the moment");
    }
}
