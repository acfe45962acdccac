//! `rectify profile` as a person types it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const SMALL: [&str; 9] =
    ["--data", "synthetic:2000", "--hidden", "16", "--batch-size", "32", "--device", "cpu", "--steps=3"];

fn profile(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rectify"));
    command.arg("profile").args(arguments).current_dir(folder).env("RECTIFY_CACHE_DIR", folder.join("cache"));
    command.output().unwrap()
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = profile(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines of one kind.
fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

fn sum(rows: &[&Value], key: &str) -> f64 {
    rows.iter().map(|row| row[key].as_f64().unwrap()).sum()
}

#[test]
fn training_is_profiled_and_compared_with_an_earlier_run() {
    let folder = tempfile::tempdir().unwrap();
    let first = succeeds(folder.path(), &[&["train", "--json"][..], &SMALL].concat());
    let all = lines(&first);
    let (whole, rows) = (of(&all, "profile"), of(&all, "row"));
    assert_eq!((whole.len(), whole[0]["steps"].as_u64(), whole[0]["device"].as_str()), (1, Some(3), Some("cpu")));
    assert!(rows.len() > 8 && rows.iter().all(|row| row["seconds"].as_f64().unwrap() > 0.0));
    let busy = 3.0 * whole[0]["busy_seconds"].as_f64().unwrap();
    let computing: Vec<_> = rows.iter().copied().filter(|row| row["operation"] != "prefetch").collect();
    assert!((sum(&computing, "seconds") / busy - 1.0).abs() < 1e-6);
    let flops = rows.iter().find(|row| row["label"] == "hidden1").unwrap()["flops"].as_f64().unwrap();
    // 784 x 16 products for each of 32 rows, bias, comparison and choice, in three steps.
    assert_eq!(flops, 3.0 * 32.0 * 16.0 * (2.0 * 784.0 + 3.0));
    let ceilings = fs::read_dir(folder.path().join("cache")).unwrap().next().unwrap().unwrap().path();
    let kept = fs::read(&ceilings).unwrap();
    fs::write(folder.path().join("before.jsonl"), &first).unwrap();
    let second = succeeds(
        folder.path(),
        &[
            &["train", "--compare", "before.jsonl", "--html", "p.html", "--trace", "t.json", "--csv", "p.csv"][..],
            &SMALL,
        ]
        .concat(),
    );
    assert_eq!(fs::read(&ceilings).unwrap(), kept, "ceilings are measured once");
    assert!(
        second.contains(&format!("against {} rows", rows.len())) && second.contains("hidden1/gradient"),
        "{second}"
    );
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("p.html").contains("784-16-10 relu, linear on synthetic:2000"));
    assert!(serde_json::from_str::<Value>(&read("t.json")).unwrap()["traceEvents"].as_array().unwrap().len() > 30);
    assert_eq!(read("p.csv").lines().count(), rows.len() + 1);
    assert!(!folder.path().join("run").exists(), "nothing of a run is left");
}

#[test]
fn memory_is_followed_event_by_event() {
    let folder = tempfile::tempdir().unwrap();
    let all = lines(&succeeds(folder.path(), &[&["memory", "--json"][..], &SMALL].concat()));
    let whole = of(&all, "memory")[0];
    let mut live = whole["live_bytes"].as_i64().unwrap();
    let mut peak = live;
    for line in &all {
        match line["event"].as_str().unwrap() {
            "allocate" => live += line["bytes"].as_i64().unwrap(),
            "release" => live -= line["bytes"].as_i64().unwrap(),
            _ => {}
        }
        peak = peak.max(live);
    }
    assert_eq!(whole["peak_bytes"].as_i64(), Some(peak));
    assert_eq!(whole["allocations"].as_u64().unwrap() as usize, of(&all, "allocate").len());
    assert_eq!(sum(&of(&all, "holder"), "bytes"), peak as f64, "all that is alive at the peak is somebody's");
    let text = succeeds(folder.path(), &[&["memory", "--csv", "step.csv"][..], &SMALL].concat());
    assert!(text.contains("alive at the peak") && text.contains("gradients"), "{text}");
    for (arguments, pooled) in
        [(&["replay", "step.csv", "--json"][..], true), (&["replay", "step.csv", "--json", "--no-pool"], false)]
    {
        let replayed = &lines(&succeeds(folder.path(), arguments))[0];
        assert_eq!((replayed["pooled"].as_bool(), replayed["peak_bytes"].as_i64()), (Some(pooled), Some(peak)));
    }
}

#[test]
fn operations_are_chosen_by_name_size_and_type() {
    let folder = tempfile::tempdir().unwrap();
    let chosen = [
        "ops",
        "--device",
        "cpu",
        "--only",
        "softmax",
        "--sizes",
        "1024,4096",
        "--types",
        "f32,bf16",
        "--seconds",
        "0",
    ];
    let all = lines(&succeeds(folder.path(), &[&chosen[..], &["--json"]].concat()));
    let rows = of(&all, "operation");
    // Four operations, of f32 in both sizes and of bf16 in the smaller.
    assert_eq!((rows.len(), of(&all, "operations")[0]["wrong"].as_u64()), (12, Some(0)));
    assert!(rows.iter().all(|row| row["error"].as_f64().unwrap() <= 1.0 && row["runs"].as_u64() >= Some(5)));
    let text = succeeds(folder.path(), &chosen);
    assert_eq!(text.lines().filter(|line| line.contains("softmax")).count(), 12, "{text}");
}

#[test]
fn what_cannot_be_done_is_told_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("other.txt"), "no profile\n").unwrap();
    let refused: [(&[&str], i32, &str); 5] = [
        (&["train", "--steps", "0"], 2, "--steps is 0"),
        (&["train", "--compare", "other.txt"], 2, "holds no row of a profile"),
        (&["ops", "--types", "i64"], 2, "no floating point type"),
        (&["ops", "--sizes", "10"], 2, "at least 1024 elements"),
        (
            &["ops", "--device", "cpu", "--only", "nonsense", "--sizes", "1024"],
            2,
            "no operation's name holds 'nonsense'",
        ),
    ];
    for (arguments, code, said) in refused {
        let output = profile(folder.path(), arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(code) && told.contains(said),
            "{arguments:?}: {:?} {told}",
            output.status.code()
        );
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}
