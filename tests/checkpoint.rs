//! Weights files under hostile content, full disks and kill -9.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rectify::checkpoint::{NamedTensor, Weights, write_atomically};
use rectify::{DType, Error, Shape};

fn tensor(name: &str, dtype: DType, sizes: &[usize], fill: u8) -> NamedTensor {
    let shape = Shape::new(sizes).unwrap();
    let bytes = (0..shape.bytes(dtype).unwrap()).map(|i| fill.wrapping_add(i as u8)).collect();
    NamedTensor { name: name.into(), dtype, shape, bytes }
}

/// Every element type, a scalar, an empty tensor and an odd number of bytes.
fn sample() -> Weights {
    Weights {
        tensors: vec![
            tensor("hidden1.weight", DType::F64, &[2, 3], 1),
            tensor("labels", DType::I64, &[2], 2),
            tensor("hidden1.bias", DType::F32, &[3], 3),
            tensor("scale", DType::F32, &[], 4),
            tensor("empty", DType::F32, &[0, 7], 5),
            tensor("counts", DType::U32, &[1], 6),
            tensor("signed", DType::I32, &[1], 7),
            tensor("half", DType::F16, &[3], 8),
            tensor("brain", DType::Bf16, &[1, 1], 9),
            tensor("mask", DType::U8, &[5], 10),
        ],
        metadata: [("model", "784-128-10"), ("quote", "\"\\ é\n")].map(|(k, v)| (k.into(), v.into())).into(),
    }
}

fn small() -> Weights {
    let metadata = [("seed".to_string(), "7".to_string())].into();
    Weights { tensors: vec![tensor("w", DType::F32, &[2], 1), tensor("b", DType::U8, &[3], 9)], metadata }
}

fn scratch_file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    (folder, path)
}

fn load_bytes(path: &Path, bytes: &[u8]) -> Result<Weights, Error> {
    fs::write(path, bytes).unwrap();
    Weights::load(path)
}

#[test]
fn what_was_saved_loads_and_the_reference_reader_agrees() {
    let (_folder, path) = scratch_file();
    let weights = sample();
    weights.save(&path).unwrap();
    assert_eq!(Weights::load(&path).unwrap(), weights);

    let bytes = fs::read(&path).unwrap();
    let reference = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(reference.len(), weights.tensors.len());
    for ours in &weights.tensors {
        let theirs = reference.tensor(&ours.name).unwrap();
        assert_eq!((theirs.shape(), theirs.data()), (ours.shape.sizes(), ours.bytes.as_slice()));
        assert_eq!(theirs.dtype().to_string().to_lowercase(), ours.dtype.name());
    }
    weights.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes, "the same weights give the same file");
}

#[test]
fn a_file_of_another_program_loads() {
    let (_folder, path) = scratch_file();
    let data = [0u8, 0, 128, 63, 0, 0, 0, 64];
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2], &data).unwrap();
    let bytes = safetensors::serialize([("bias", view)], None).unwrap();
    let weights = load_bytes(&path, &bytes).unwrap();
    assert_eq!(weights.get("bias").unwrap().bytes, data);
    assert!(weights.metadata.is_empty() && weights.get("weight").is_none());
}

#[test]
fn every_truncation_and_every_longer_file_is_an_error_that_names_the_file() {
    let (_folder, path) = scratch_file();
    sample().save(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        let error = load_bytes(&path, &bytes[..length]).unwrap_err();
        assert!(matches!(&error, Error::Data { .. }), "{length} bytes: {error}");
        assert!(error.to_string().contains("model.safetensors"), "{error}");
    }
    bytes.push(0);
    assert!(matches!(load_bytes(&path, &bytes), Err(Error::Data { .. })));
}

#[test]
fn every_flipped_bit_is_an_error_or_leaves_the_tensors_alone() {
    let (_folder, path) = scratch_file();
    let weights = small();
    weights.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let mut harmless = 0;
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(loaded) = load_bytes(&path, &damaged) {
            assert_eq!(loaded.tensors, weights.tensors, "bit {bit}");
            harmless += 1;
        }
    }
    // What is left: a flip that renames the checksum's own key, or swaps one kind of white space for another.
    assert!(harmless <= 5 * 8, "{harmless} of {} flips went unnoticed", bytes.len() * 8);
}

#[test]
fn every_substituted_number_is_an_error_or_leaves_the_tensors_alone() {
    let (_folder, path) = scratch_file();
    let weights = small();
    weights.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let text = String::from_utf8(bytes[8..8 + header].to_vec()).unwrap();
    let hostile = ["0", "1", "-1", "2147483648", "4294967296", "9007199254740992", "9223372036854775807", "NaN"]
        .into_iter()
        .chain(["9223372036854775808", "18446744073709551615", "18446744073709551616", "1e308", "[]", "null", "\"x\""]);
    let digits: Vec<usize> = text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
    for (value, &at) in hostile.flat_map(|value| digits.iter().map(move |at| (value, at))) {
        let json = format!("{}{value}{}", &text[..at], &text[at + 1..]);
        let mut damaged = (json.len() as u64).to_le_bytes().to_vec();
        damaged.extend(json.as_bytes());
        damaged.extend(&bytes[8 + header..]);
        if let Ok(loaded) = load_bytes(&path, &damaged) {
            assert_eq!(loaded.tensors, weights.tensors, "{json}");
        }
    }
    for length in [0, 1, header as u64 - 1, header as u64 + 1, 1 << 31, 1 << 32, 1 << 53, 1 << 63, u64::MAX] {
        let mut damaged = bytes.clone();
        damaged[..8].copy_from_slice(&length.to_le_bytes());
        assert!(load_bytes(&path, &damaged).is_err(), "header length {length}");
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Weights::load(folder.path()), Err(Error::Data { .. })));
    assert!(matches!(Weights::load(folder.path().join("missing")), Err(Error::Io { .. })));
    #[cfg(unix)]
    assert!(matches!(Weights::load("/dev/zero"), Err(Error::Data { .. })));
}

#[test]
fn weights_that_contradict_themselves_are_not_saved() {
    let (_folder, path) = scratch_file();
    let good = small();
    good.save(&path).unwrap();
    let mut twice = good.clone();
    twice.tensors.push(good.tensors[0].clone());
    let mut short = good.clone();
    short.tensors[0].bytes.pop();
    let mut reserved_name = good.clone();
    reserved_name.tensors[0].name = "__metadata__".into();
    let mut reserved_key = good.clone();
    reserved_key.metadata.insert("crc32".into(), "0".into());
    for bad in [twice, short, reserved_name, reserved_key] {
        assert!(matches!(bad.save(&path), Err(Error::Argument { .. })), "{bad:?}");
        assert_eq!(Weights::load(&path).unwrap(), good);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files_is_a_typed_error() {
    // Even root cannot create a file in /proc.
    for path in ["/proc/model.safetensors", "/dev/null/model.safetensors", "/proc/none/model.safetensors"] {
        assert!(matches!(small().save(path), Err(Error::Io { .. })), "{path}");
    }
}

/// This test binary again, running only the ignored test `name` with the file it works on.
fn child(name: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]).env("RECTIFY_TEST_FILE", path).stdout(Stdio::piped());
    command
}

/// The file a child works on; none where the ignored tests are run by hand.
fn child_file() -> Option<PathBuf> {
    std::env::var_os("RECTIFY_TEST_FILE").map(PathBuf::from)
}

fn numbered(number: u64) -> Weights {
    let bytes = number.to_le_bytes().repeat(32 * 1024);
    let tensor = NamedTensor { name: "w".into(), dtype: DType::I64, shape: Shape::new(&[32 * 1024]).unwrap(), bytes };
    Weights { tensors: vec![tensor], metadata: [("number".into(), number.to_string())].into() }
}

#[test]
#[ignore = "the child of kill_9_at_any_moment_leaves_a_loadable_file"]
fn saves_for_ever() {
    let Some(path) = child_file() else { return };
    for number in 1.. {
        numbered(number).save(&path).unwrap();
        println!("saved {number}");
    }
}

fn last_saved(output: impl Read) -> u64 {
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix("saved ")?.parse().ok()).last().unwrap_or(0)
}

#[test]
fn kill_9_at_any_moment_leaves_a_loadable_file() {
    let (_folder, path) = scratch_file();
    let mut kills_amid_saves = 0;
    for round in 0..200u64 {
        numbered(0).save(&path).unwrap();
        let mut saver: Child = child("saves_for_ever", &path).spawn().unwrap();
        let started = Instant::now();
        while Weights::load(&path).unwrap() == numbered(0) {
            assert!(started.elapsed() < Duration::from_secs(20), "the child never saved");
        }
        // A multiplicative walk spreads the moments over 0 to 8 ms without repeating.
        std::thread::sleep(Duration::from_micros(round * 2_654_435 % 8_000));
        saver.kill().unwrap();
        let acknowledged = last_saved(saver.stdout.take().unwrap());
        saver.wait().unwrap();
        let loaded = Weights::load(&path).unwrap_or_else(|error| panic!("round {round}: {error}"));
        let number: u64 = loaded.metadata["number"].parse().unwrap();
        assert_eq!(loaded, numbered(number));
        assert!(number == acknowledged || number == acknowledged + 1, "acknowledged {acknowledged}, found {number}");
        kills_amid_saves += fs::read_dir(path.parent().unwrap()).unwrap().count() - 1;
        remove_scratch_files(&path);
    }
    assert!(kills_amid_saves > 0, "no kill hit a save: the test no longer tests what it says");
}

fn remove_scratch_files(path: &Path) {
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap().path();
        if entry != path {
            assert_eq!(entry.extension().unwrap(), "tmp");
            fs::remove_file(entry).unwrap();
        }
    }
}

#[test]
#[ignore = "the child of a_full_disk_keeps_the_old_file"]
fn saves_too_much() {
    let Some(path) = child_file() else { return };
    let error = numbered(1).save(path).unwrap_err();
    assert!(matches!(error, Error::Io { action: "write", .. }), "{error}");
    println!("refused");
}

/// A limit on the size of files fails a write half-way, as a full disk does, and needs no privilege to set.
#[cfg(unix)]
#[test]
fn a_full_disk_keeps_the_old_file() {
    let (folder, path) = scratch_file();
    small().save(&path).unwrap();
    let inner = child("saves_too_much", &path);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""]).arg(inner.get_program());
    let output = limited.args(inner.get_args()).env("RECTIFY_TEST_FILE", &path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("refused"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(Weights::load(&path).unwrap(), small());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the scratch file is gone");
}

#[test]
fn two_writers_never_mix() {
    let (_folder, path) = scratch_file();
    std::thread::scope(|scope| {
        for fill in [b'a', b'b'] {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..50 {
                    write_atomically(path, |out| (0..64).try_for_each(|_| out.write_all(&[fill; 1024]))).unwrap();
                    let content = fs::read(path).unwrap();
                    assert!(content.len() == 64 * 1024 && content.iter().all(|byte| byte == &content[0]));
                }
            });
        }
    });
}
