//! Arrays, tables and images that are cut, damaged or lie about their sizes: one clear error each, never a panic, and no
//! more memory than the file backs.

mod allocator;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use allocator::peak_of;
use proptest::prelude::*;
use rectify::data::npy::{self, Array, Values};
use rectify::data::{Table, images, npz};
use rectify::{Error, Result};
use tempfile::TempDir;

/// Memory for decoders and messages.
const SLACK: usize = 1 << 20;

/// A file that is written again and again.
struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        Self { _folder: folder, path }
    }

    /// Reads this content: an error must be one line about the file, and memory must stay below `allowed`.
    fn judge<T>(&self, content: &[u8], allowed: usize, read: impl Fn(&Path) -> Result<T>) -> Option<String> {
        fs::write(&self.path, content).unwrap();
        let (result, peak) = peak_of(|| read(&self.path));
        assert!(peak <= allowed, "held {peak} bytes, allowed {allowed}");
        let error = result.err()?;
        let message = error.to_string();
        assert!(matches!(error, Error::Data { .. }), "{error:?}");
        assert!(message.lines().count() == 1 && message.len() < 400, "{message}");
        Some(message)
    }
}

/// Each byte with one of its bits flipped.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).map(|at| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1 << (at * 5 % 8);
        bytes
    })
}

fn arrays() -> [Array; 4] {
    [
        Array::new(vec![3, 4], (0..12).map(|i| i as f32).collect::<Vec<_>>()).unwrap(),
        Array::new(vec![100], vec![7u8; 100]).unwrap(),
        Array::new(vec![2, 2, 2], vec![-1i64; 8]).unwrap(),
        Array::new(vec![], vec![0.5f64]).unwrap(),
    ]
}

fn read_array(path: &Path) -> Result<Array> {
    npy::read(path)
}

/// Nothing an array becomes is larger than eight times its bytes; then there are the bytes, and messages.
fn array_memory(bytes: usize) -> usize {
    16 * bytes + SLACK
}

#[test]
fn an_array_cut_anywhere_or_followed_by_anything_is_refused() {
    let place = Place::new("a.npy");
    for array in arrays() {
        let whole = npy::to_bytes(&array);
        let judge = |content: &[u8]| place.judge(content, array_memory(whole.len()), read_array);
        assert_eq!(judge(&whole), None);
        for length in 0..whole.len() {
            assert!(judge(&whole[..length]).is_some(), "{length} bytes of {array:?}");
        }
        assert!(judge(&[&whole[..], &[0]].concat()).is_some());
        // A flipped bit may make another honest header, that of the other byte order for one.
        let refused = flipped(&whole).filter(|damaged| judge(damaged).is_some()).count();
        assert!(refused > 40, "{refused}");
    }
}

/// A file of version 1 with this header and content.
fn array_file(header: &str, content: &[u8]) -> Vec<u8> {
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), content].concat()
}

#[test]
fn headers_that_lie_or_break_the_format_are_refused() {
    let place = Place::new("a.npy");
    let headers = [
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
            "more bytes than can be counted",
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", "needs 4000000000000 bytes"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 99999999999999999999), }",
            "a shape that cannot be read",
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "a shape that cannot be read"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1 1), }", "a ')' is missing"),
        ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", "neither True nor False"),
        ("{'descr': '|f4', 'fortran_order': False, 'shape': (1,), }", "has elements of type '|f4'"),
        ("{'descr': '\u{2603}', 'fortran_order': False, 'shape': (1,), }", "has elements of type '\u{2603}'"),
        ("{'descr': '', 'fortran_order': False, 'shape': (1,), }", "has elements of type ''"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "has elements of type '|O'"),
        ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "'descr' twice"),
        ("{'descr': '<f4', 'fortran_order': False, }", "without 'shape'"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", "unknown key 'more'"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", "goes on after its dictionary"),
        ("{'descr", "no dictionary of texts"),
        ("", "a '{' is missing"),
    ];
    for (header, expected) in headers {
        let message = place.judge(&array_file(header, &[0; 4]), SLACK, read_array).unwrap();
        assert!(message.contains(expected), "{header}: {message}");
    }
    let many = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", "1, ".repeat(65));
    assert!(place.judge(&array_file(&many, &[0; 4]), SLACK, read_array).unwrap().contains("more than 64 axes"));
    let boolean = "{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }";
    assert!(place.judge(&array_file(boolean, &[2]), SLACK, read_array).unwrap().contains("a truth value of 2"));
    assert!(place.judge(b"\x93NUMPY\x04\x00", SLACK, read_array).unwrap().contains("has version 4.0"));
    assert!(place.judge(b"PK\x03\x04", SLACK, read_array).unwrap().contains("does not start as an .npy file does"));
    assert!(npy::read("/dev/zero").unwrap_err().to_string().contains("is not a regular file"));
}

/// Reads all arrays of an archive.
fn all(path: &Path) -> Result<Vec<Array>> {
    let mut archive = npz::Archive::open(path)?;
    archive.names().iter().map(|name| archive.array(name)).collect()
}

#[test]
fn an_archive_cut_or_flipped_anywhere_never_gives_other_values() {
    let place = Place::new("a.npz");
    let originals = arrays();
    let named: Vec<_> = ["a", "b", "c", "d"].into_iter().zip(&originals).collect();
    npz::write(&place.path, &named).unwrap();
    let whole = fs::read(&place.path).unwrap();
    let allowed = array_memory(8 * whole.len());
    assert_eq!(place.judge(&whole, allowed, all), None);
    for length in 0..whole.len() {
        assert!(place.judge(&whole[..length], allowed, all).is_some(), "{length} bytes");
    }
    for (at, damaged) in flipped(&whole).enumerate() {
        let same = |path: &Path| {
            // The names are not under the checksum of what they name.
            let values = all(path)?;
            assert!(values.iter().all(|array| originals.contains(array)), "byte {at}");
            Ok(())
        };
        place.judge(&damaged, allowed, same);
    }
}

#[test]
fn an_archive_that_promises_more_than_it_holds_is_refused_before_memory_is_taken() {
    let place = Place::new("a.npz");
    let array = Array::new(vec![1000], vec![0u8; 1000]).unwrap();
    npz::write(&place.path, &[("x", &array)]).unwrap();
    let whole = fs::read(&place.path).unwrap();
    let directory = whole.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    for (size, expected) in [(u32::MAX - 1, "declares 4294967294 bytes"), (100_000, ""), (1127, ""), (5, "")] {
        let mut lying = whole.clone();
        // Uncompressed size, in the directory and before the content.
        lying[directory + 24..directory + 28].copy_from_slice(&size.to_le_bytes());
        lying[22..26].copy_from_slice(&size.to_le_bytes());
        let message = place.judge(&lying, SLACK, all).unwrap();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_table_of_any_bytes_is_read_or_refused() {
    let place = Place::new("a.csv");
    let read = |path: &Path| Table::labelled("1").read(path);
    for content in [&b"\"1,2\n3,4\n"[..], b"1,2\n3,4\0", b"\xff,2\n", b"1,2\n1,\xff\n", b"\xef\xbb\xbfa,b\n1,2\n"] {
        place.judge(content, SLACK, read);
    }
    assert!(place.judge(b"\"1,2\n3,4\n", SLACK, read).is_some(), "a quote that is not closed");
    assert!(place.judge(b"1,2\n1,\xff\n", SLACK, read).unwrap().contains("line 2: is not UTF-8 text"));
    let wide = [&b"1,".repeat(100_000)[..], b"x\n"].concat();
    assert!(place.judge(&wide, 64 * wide.len() + SLACK, read).unwrap().contains("holds 'x'"));
    let long = [&b"1,"[..], &b"9".repeat(1 << 20), b"x\n"].concat();
    assert!(place.judge(&long, 64 * long.len(), read).unwrap().contains("999..."));
}

/// An image of 9x7 with this number of channels.
fn image(color: png::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 9, 7);
    encoder.set_color(color);
    let pixels: Vec<u8> = (0..63 * color.samples()).map(|i| (i * 37) as u8).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

#[test]
fn an_image_cut_or_flipped_anywhere_is_refused() {
    let place = Place::new("classes/a/1.png");
    let read = |path: &Path| images::load(path.ancestors().nth(2).unwrap());
    for color in [png::ColorType::Grayscale, png::ColorType::Rgb] {
        let whole = image(color);
        let judge = |content: &[u8]| place.judge(content, 2 * SLACK, read);
        assert_eq!(judge(&whole), None);
        for length in 0..whole.len() {
            assert!(judge(&whole[..length]).is_some(), "{length} bytes");
        }
        for (at, damaged) in flipped(&whole).enumerate() {
            assert!(judge(&damaged).is_some(), "byte {at}");
        }
        assert!(judge(&[&whole[..], b"more"].concat()).unwrap().contains("goes on after its end"));
    }
}

#[test]
fn an_image_that_declares_more_than_its_bytes_can_hold_is_refused() {
    let place = Place::new("classes/a/1.png");
    let read = |path: &Path| images::load(path.ancestors().nth(2).unwrap());
    for size in [[20_000u32, 20_000], [i32::MAX as u32, i32::MAX as u32], [1 << 20, 1], [0, 1]] {
        let mut lying = image(png::ColorType::Grayscale);
        lying[16..20].copy_from_slice(&size[0].to_be_bytes());
        lying[20..24].copy_from_slice(&size[1].to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&lying[12..29]);
        lying[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        assert!(place.judge(&lying, 2 * SLACK, read).is_some(), "{size:?}");
    }
}

proptest! {
    #[test]
    fn bytes_by_chance_never_panic(content: Vec<u8>, start in 0usize..3) {
        let arrays = Place::new("a.npy");
        let starts = [&b""[..], b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00\x10\x00\x00\x00"];
        let content = [starts[start], &content].concat();
        arrays.judge(&content, array_memory(content.len()), read_array);
        let archives = Place::new("a.npz");
        archives.judge(&content, SLACK, all);
        let tables = Place::new("a.csv");
        tables.judge(&content, SLACK, |path| Table::labelled("1").read(path));
    }

    #[test]
    fn a_table_holds_what_was_written(rows in prop::collection::vec((any::<i16>(), "[ -~]{0,9}[a-z]"), 1..40)) {
        let place = Place::new("a.csv");
        let mut file = fs::File::create(&place.path).unwrap();
        writeln!(file, "number,label").unwrap();
        for (number, label) in &rows {
            writeln!(file, "{number},\"{}\"", label.replace('"', "\"\"")).unwrap();
        }
        let set = Table::labelled("label").read(&place.path).unwrap();
        for (at, (number, label)) in rows.iter().enumerate() {
            prop_assert_eq!(&set.class_names()[set.labels()[at] as usize], label.trim());
            let rectify::data::Features::Floats(numbers) = set.features() else { panic!() };
            prop_assert_eq!(numbers[at], f32::from(*number));
        }
    }

    #[test]
    fn any_array_reads_back(shape in prop::collection::vec(0usize..5, 0..5), start: i64) {
        let count: usize = shape.iter().product();
        let values: Vec<i64> = (0..count as i64).map(|i| start.wrapping_mul(i)).collect();
        let array = Array::new(shape, values.clone()).unwrap();
        let read = npy::from_bytes(&npy::to_bytes(&array)).unwrap();
        prop_assert_eq!(read.into_values(), Values::Integers(values));
    }
}
