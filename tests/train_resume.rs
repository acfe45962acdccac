//! Runs that are cut off, in every way there is, and what is left to go on from.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rectify::checkpoint::Weights;
use serde_json::Value;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rectify"));
    command.arg("train").args(arguments).current_dir(folder);
    command
}

fn train(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// Draws at every pass, statistics beside the parameters, a schedule, an average, and several batches in a step.
const EVERYTHING: &str = r#"
data = "synthetic:8000"
batch_size = 8
accumulate = 3
diagnose = true
smoothing = 0.1
clip_norm = 1.0
average = 0.99
warm_up = 20
momentum_warm_up = { from = 0.5, steps = 1000 }
optimizer = { kind = "adamw", beta2 = 0.99 }
schedule = { kind = "cosine", to = 0.01 }
layers = [
    { kind = "dense", units = 64, activation = "relu" },
    { kind = "batch_norm" },
    { kind = "dropout", rate = 0.3 },
]
"#;
/// Losses that are scaled, by what follows from all steps before.
const HALF: &str = r#"
data = "synthetic:8000"
batch_size = 4
accumulate = 2
compute = "f16"
clip_norm = 1.0
optimizer = { kind = "adam" }
layers = [
    { kind = "dense", units = 64, activation = "relu" },
    { kind = "dropout", rate = 0.3 },
]
"#;
const PLAIN: &str = "data = \"synthetic:8000\"\nbatch_size = 8\nhidden = [96]\n";

/// Goes on with the run in `cut`, and stops it with Ctrl-C so long after it printed so many lines. Whether it was cut off.
fn cut_off(folder: &Path, lines: usize, milliseconds: u64) -> bool {
    let arguments = ["--config", "c.toml", "--epochs", "4", "--out", "cut", "--resume", "auto", "--json"];
    let mut child = command(folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    output.by_ref().take(lines).for_each(|line| drop(line.unwrap()));
    sleep(Duration::from_millis(milliseconds));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    output.for_each(|line| drop(line.unwrap()));
    let code = child.wait().unwrap().code();
    assert!(code == Some(130) || code == Some(0), "{code:?}");
    code == Some(130)
}

/// The epochs of a run, without times.
fn metrics(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for row in &mut rows {
        let fields = row.as_object_mut().unwrap();
        fields.remove("seconds").unwrap();
        fields.remove("samples_per_second").unwrap();
    }
    rows
}

#[cfg(unix)]
#[test]
fn a_run_that_is_cut_off_and_goes_on_comes_to_the_same_bits() {
    for config in [PLAIN, EVERYTHING, HALF] {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        fs::write(folder.join("c.toml"), config).unwrap();
        let whole = train(folder, &["--config", "c.toml", "--epochs", "4", "--out", "whole", "--quiet"]);
        assert!(whole.status.success(), "{}", said(&whole));
        let (mut cuts, mut within_an_epoch) = (0, 0);
        // Each goes on where the one before it was cut: within the first epoch, and later.
        for (lines, milliseconds) in [(1, 0), (1, 20), (2, 10), (1, 30), (1, 7)] {
            cuts += usize::from(cut_off(folder, lines, milliseconds));
            let checkpoint = Weights::load(folder.join("cut/checkpoint.safetensors")).unwrap();
            let running: Value = serde_json::from_str(&checkpoint.metadata["running"]).unwrap();
            within_an_epoch += usize::from(running["batches"] != 0);
        }
        assert!(cuts >= 2 && within_an_epoch >= 2, "{cuts} cuts, {within_an_epoch} of them within an epoch");
        let rest =
            train(folder, &["--config", "c.toml", "--epochs", "4", "--out", "cut", "--resume", "auto", "--quiet"]);
        assert!(rest.status.success(), "{}", said(&rest));
        for file in ["model.safetensors", "best.safetensors"] {
            let read = |run: &str| fs::read(folder.join(run).join(file)).unwrap();
            assert!(read("whole") == read("cut"), "{file} differs");
        }
        assert_eq!(metrics(&folder.join("whole")), metrics(&folder.join("cut")));
        if config == HALF {
            let metadata = |run: &str| Weights::load(folder.join(run).join("checkpoint.safetensors")).unwrap().metadata;
            let scale = |run: &str| {
                let names = ["loss_scale", "loss_scale.good_steps", "optimizer.skipped"];
                names.map(|name| metadata(run).get(name).cloned())
            };
            assert_eq!(scale("whole"), scale("cut"));
            let [factor, _, skipped] = scale("whole");
            assert!(factor.unwrap() != "65536" || skipped.is_some(), "it changed on the way");
        }
        // What went on in the layers before a cut is told like the rest.
        let file = |run: &str, name: &str| fs::read(folder.join(run).join(name)).unwrap();
        assert_eq!(file("whole", "events.out.tfevents").len(), file("cut", "events.out.tfevents").len());
        let layers = |run: &str| {
            let page = String::from_utf8(file(run, "report.html")).unwrap();
            page.split_once("<h2>Layers</h2>").map(|(_, rest)| rest.split_once("</section>").unwrap().0.to_owned())
        };
        assert_eq!(layers("whole").is_some(), config == EVERYTHING);
        assert!(layers("whole") == layers("cut"));
    }
}

#[test]
fn more_epochs_may_be_asked_for_and_nothing_else() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let fine = |arguments: &[&str]| {
        let output = train(folder, &[arguments, &["--quiet"]].concat());
        assert!(output.status.success(), "{}", said(&output));
        fs::read(folder.join("run/model.safetensors")).unwrap()
    };
    let two = fine(&["--epochs", "2"]);
    let one = fine(&["--epochs", "1"]);
    assert!(one != two && fine(&["--epochs", "2", "--resume", "auto"]) == two);
    fs::rename(folder.join("run/checkpoint.safetensors"), folder.join("two.safetensors")).unwrap();
    assert!(fine(&["--epochs", "1", "--resume", "auto"]) == one, "nothing there to go on from");

    let resumed = |arguments: &[&str]| {
        let output = train(folder, &[arguments, &["--resume", "two.safetensors", "--epochs", "3"]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        said(&output).to_owned()
    };
    let other = resumed(&["--seed", "8", "--batch-size", "32", "--clip-norm", "2"]);
    for expected in ["seed is 7, here 8", "batch_size is 64, here 32", "clip_norm is not given, here 2.0"] {
        assert!(other.contains(expected) && !other.contains("epochs"), "{other}");
    }
    assert!(resumed(&["--hidden", "16"]).contains("hidden is [128,64], here [16]"));
    assert!(resumed(&["--optimizer", "adam"]).contains("optimizer is {"));
    assert!(resumed(&["--schedule", "cosine"]).contains("epochs is 2, here 3"), "a schedule counts them");
    fs::write(
        folder.join("c.toml"),
        "schedule = { kind = \"phases\", phases = [{ epochs = 1, share = 1 }, { epochs = 1, share = 0.1 }] }",
    )
    .unwrap();
    let two = fine(&["--config", "c.toml", "--epochs", "2"]);
    fine(&["--config", "c.toml", "--epochs", "1"]);
    assert!(fine(&["--config", "c.toml", "--epochs", "2", "--resume", "auto"]) == two, "phases do not count them");
    let model = train(folder, &["--resume", "run/model.safetensors"]);
    assert!(said(&model).contains("is no checkpoint of a training run"), "{}", said(&model));
}

/// Almost all that such a run does is to save.
#[test]
fn kill_9_at_any_moment_leaves_a_checkpoint_to_go_on_from() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let arguments =
        ["--data", "synthetic:40", "--hidden", "512,256", "--epochs", "100000", "--resume", "auto", "--quiet"];
    let checkpoint = folder.join("run/checkpoint.safetensors");
    let mut epochs = 0;
    for round in 0..20 {
        let mut child = command(folder, &arguments).stderr(Stdio::piped()).spawn().unwrap();
        // A multiplicative walk spreads the moments.
        sleep(Duration::from_millis(40 + round * 2_654_435 % 150));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(ended.is_none(), "round {round}: ended by itself: {}", said(&output));
        if checkpoint.exists() {
            let saved = Weights::load(&checkpoint).unwrap_or_else(|error| panic!("round {round}: {error}"));
            let finished = saved.get("trainer.epochs").map_or(0, |table| table.shape[0]);
            assert!(finished >= epochs, "round {round}: {finished} epochs after {epochs}");
            epochs = finished;
        }
    }
    // A save that is cut off leaves its scratch file.
    let names = fs::read_dir(folder.join("run")).unwrap().map(|entry| entry.unwrap().path());
    let cut = names.filter(|path| path.extension().is_some_and(|ending| ending == "tmp")).count();
    println!("{cut} of 20 kills amid a save, {epochs} epochs in all");
    assert!(epochs > 2 && cut > 0, "{cut} kills hit a save, {epochs} epochs were finished");
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_and_the_last_good_epoch_stays() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(folder.join("c.toml"), "schedule = { kind = \"step\", factor = 1e30, epochs = 1 }\n").unwrap();
    let output = train(folder, &["--config", "c.toml", "--quiet"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    // 23 steps an epoch: the first of the second breaks the weights, the next one sees it.
    assert!(
        said(&output).contains("train: the result of hidden1 is not finite at step 25")
            || said(&output).contains("train: the result of hidden2 is not finite at step 25"),
        "{}",
        said(&output)
    );
    assert_eq!(said(&output).lines().count(), 1);
    let checkpoint = Weights::load(folder.join("run/checkpoint.safetensors")).unwrap();
    assert_eq!(checkpoint.get("trainer.epochs").unwrap().shape.sizes(), [1, 8]);
    let numbers = checkpoint.get("hidden1.weight").unwrap().bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b));
    assert!(numbers.into_iter().all(f32::is_finite));
}
