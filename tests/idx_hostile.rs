//! IDX files that are cut, damaged or lie about their sizes: one clear error each, never a panic, never a silent accept,
//! and no more memory than the file backs.

mod allocator;

use std::io::Write;
use std::path::Path;

use allocator::peak_of;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use rectify::data::{Dataset, idx};
use rectify::{Error, Result};

/// What reading may hold: the content twice (in pieces, then whole) and a little for decoders and messages.
fn allowed(decoded: usize) -> usize {
    2 * decoded + (1 << 20)
}

/// The two files of a set of images.
#[derive(Clone, Debug)]
struct Files {
    images: Vec<u8>,
    labels: Vec<u8>,
}

impl Files {
    /// `count` images of `rows` x `columns`, neither blank nor alike.
    fn plain(count: u32, rows: u32, columns: u32) -> Self {
        let pixels = count * rows * columns;
        let pixels = (0..pixels).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        Self {
            images: idx_file(3, &[count, rows, columns], pixels),
            labels: idx_file(1, &[count], (0..count).map(|i| (i * 7 % 10) as u8)),
        }
    }

    fn gzipped(&self) -> Self {
        Self { images: gzip(&self.images), labels: gzip(&self.labels) }
    }

    fn read(&self) -> Result<Dataset> {
        idx::from_bytes(&self.images, &self.labels, 10)
    }

    /// Both files, each damaged by `damage` while the other is whole.
    fn each_damaged(&self, damage: impl Fn(&[u8]) -> Vec<u8>) -> [Self; 2] {
        let images = damage(&self.images);
        let labels = damage(&self.labels);
        [Self { images, ..self.clone() }, Self { labels, ..self.clone() }]
    }
}

fn idx_file(rank: u8, sizes: &[u32], content: impl Iterator<Item = u8>) -> Vec<u8> {
    let header = [0, 0, 8, rank].into_iter().chain(sizes.iter().flat_map(|size| size.to_be_bytes()));
    header.chain(content).collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// Judges damaged inputs against the set they were made from.
struct Judge {
    original: Dataset,
    allowed: usize,
    refused: usize,
    accepted: usize,
}

impl Judge {
    fn new(files: &Files) -> Self {
        let original = files.read().unwrap();
        let allowed = allowed(original.pixels().len() + original.labels().len());
        Self { original, allowed, refused: 0, accepted: 0 }
    }

    /// An error must be one clear line about one of the files; a success must hold what the original holds.
    fn judge(&mut self, files: &Files) {
        let (result, peak) = peak_of(|| files.read());
        assert!(peak <= self.allowed, "held {peak} bytes, allowed {}: {files:?}", self.allowed);
        match result {
            Ok(set) => {
                assert!(set == self.original, "a silent accept: {files:?}");
                self.accepted += 1;
            }
            Err(error) => {
                let message = error.to_string();
                assert!(matches!(error, Error::Data { .. }), "{error:?}");
                assert!(message.starts_with("images: ") || message.starts_with("labels: "), "{message}");
                assert!(message.lines().count() == 1 && message.len() < 200, "{message}");
                self.refused += 1;
            }
        }
    }
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    bytes
}

fn seeds() -> [Files; 4] {
    [Files::plain(1, 1, 1), Files::plain(12, 5, 3), Files::plain(10, 28, 28), Files::plain(300, 2, 2)]
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for plain in seeds() {
        for files in [plain.gzipped(), plain] {
            let mut judge = Judge::new(&files);
            for length in 0..files.images.len() {
                judge.judge(&Files { images: files.images[..length].to_vec(), ..files.clone() });
            }
            for length in 0..files.labels.len() {
                judge.judge(&Files { labels: files.labels[..length].to_vec(), ..files.clone() });
            }
            assert_eq!((judge.accepted, judge.refused), (0, files.images.len() + files.labels.len()));
        }
    }
}

#[test]
fn a_plain_header_with_any_one_or_two_bits_flipped_is_refused() {
    for files in seeds() {
        let mut judge = Judge::new(&files);
        for first in 0..128 {
            for second in first..128 {
                // One bit where both are the same. Two bits of one header may give another header of the same
                // product, rows and columns exchanged for one: those describe a file as honest as the original.
                let flip = |file: &[u8]| {
                    let header = 8 * if file.len() == files.images.len() { 16 } else { 8 };
                    let once = flipped(file, first % header);
                    if first == second { once } else { flipped(&once, second % header) }
                };
                for damaged in files.each_damaged(flip) {
                    if !honest(&damaged) {
                        judge.judge(&damaged);
                    }
                }
            }
        }
        assert_eq!(judge.accepted, 0);
        assert!(judge.refused > 15_000, "{}", judge.refused);
    }
}

/// Whether the headers describe these plain files truly, whatever the original was.
fn honest(Files { images, labels }: &Files) -> bool {
    let size = |file: &[u8], axis: usize| {
        let at = 4 + 4 * axis;
        u64::from(u32::from_be_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]))
    };
    let [count, rows, columns] = [0, 1, 2].map(|axis| size(images, axis));
    let pixels = u128::from(count) * u128::from(rows) * u128::from(columns);
    images[..4] == [0, 0, 8, 3]
        && labels[..4] == [0, 0, 8, 1]
        && pixels == images.len() as u128 - 16
        && (count, count) == (size(labels, 0), labels.len() as u64 - 8)
}

#[test]
fn a_compressed_file_with_any_bit_flipped_is_refused_or_unchanged() {
    for files in seeds().map(|plain| plain.gzipped()) {
        let mut judge = Judge::new(&files);
        for bit in 0..8 * files.images.len() {
            judge.judge(&Files { images: flipped(&files.images, bit), ..files.clone() });
        }
        for bit in 0..8 * files.labels.len() {
            judge.judge(&Files { labels: flipped(&files.labels, bit), ..files.clone() });
        }
        // Gzip has bits that mean nothing here: a time, a flag for text, an operating system.
        assert!(judge.accepted < 8 * 2 * 8, "{} accepted", judge.accepted);
        assert!(judge.refused > judge.accepted, "{} refused", judge.refused);
    }
}

/// Sizes that break careless arithmetic or promise what is not there.
const SIZES: [u32; 12] =
    [0, 1, 2, 27, 29, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe, u32::MAX, 0xffff_0000];

#[test]
fn headers_with_absurd_sizes_are_refused() {
    let plain = Files::plain(28, 28, 28);
    let mut judge = Judge::new(&plain);
    let with = |file: &[u8], sizes: &[u32]| {
        let mut file = file.to_vec();
        let bytes = sizes.iter().flat_map(|size| size.to_be_bytes());
        file[4..].iter_mut().zip(bytes).for_each(|(at, byte)| *at = byte);
        file
    };
    for count in SIZES {
        for rows in SIZES {
            for columns in SIZES {
                let images = with(&plain.images, &[count, rows, columns]);
                // With its labels in agreement, so that the sizes of the images alone decide.
                let labels = with(&plain.labels, &[count]);
                judge.judge(&Files { images: images.clone(), ..plain.clone() });
                let lies = Files { images, labels };
                judge.judge(&lies);
                if count > 2 && columns < 30 {
                    judge.judge(&lies.gzipped());
                }
            }
        }
    }
    for magic in 0..=u16::MAX {
        let [element, rank] = magic.to_be_bytes();
        let mut images = plain.images[..64].to_vec();
        images[2..4].copy_from_slice(&[element, rank]);
        judge.judge(&Files { images, ..plain.clone() });
    }
    assert_eq!(judge.accepted, 0);
    assert!(judge.refused > 65_000, "{}", judge.refused);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn bytes_of_any_kind_never_panic(start in 0usize..20, junk in proptest::collection::vec(any::<u8>(), 0..200), gz: bool) {
        let whole = if gz { Files::plain(12, 5, 3).gzipped() } else { Files::plain(12, 5, 3) };
        for files in whole.each_damaged(|file| [&file[..start.min(file.len())], &junk].concat()) {
            let (result, peak) = peak_of(|| files.read());
            prop_assert!(peak <= allowed(files.images.len()), "held {} bytes", peak);
            if let Ok(set) = result {
                prop_assert!(set == whole.read().unwrap() || (!gz && honest(&files)), "a silent accept");
            }
        }
    }
}

#[test]
fn anything_after_the_end_is_refused() {
    let plain = Files::plain(12, 5, 3);
    let message = |files: &Files| files.read().unwrap_err().to_string();
    for damaged in plain.each_damaged(|file| [file, &[0]].concat()) {
        assert!(message(&damaged).contains("after the header, but the file has"), "{}", message(&damaged));
        assert!(message(&damaged.gzipped()).contains("goes on after the last byte"), "{}", message(&damaged.gzipped()));
    }
    for junk in [&[0][..], &[0x1f], &[0x1f, 0x8b], &[0; 512], &gzip(&[1])] {
        for damaged in plain.gzipped().each_damaged(|file| [file, junk].concat()) {
            assert!(damaged.read().is_err(), "{junk:?}");
        }
    }
}

#[test]
fn a_file_compressed_in_parts_is_whole() {
    let plain = Files::plain(12, 5, 3);
    let parts = plain.each_damaged(|file| [gzip(&file[..5]), gzip(&[]), gzip(&file[5..])].concat());
    for files in parts {
        assert_eq!(files.read().unwrap(), plain.read().unwrap());
    }
}

#[test]
fn a_wrong_checksum_or_length_is_refused() {
    let files = Files::plain(12, 5, 3).gzipped();
    for behind in 1..=8 {
        for damaged in files.each_damaged(|file| flipped(file, 8 * (file.len() - behind))) {
            let message = damaged.read().unwrap_err().to_string();
            assert!(message.contains("its compressed content is damaged"), "{message}");
        }
    }
}

#[test]
fn memory_follows_the_file_and_not_its_header() {
    const MIB: usize = 1 << 20;
    let small = Files::plain(12, 5, 3);
    let images = |sizes: [u32; 3], content: usize| {
        idx_file(3, &sizes, (0..content as u32).map(|i| (i.wrapping_mul(2_654_435_761) ^ i.wrapping_mul(i) >> 9) as u8))
    };
    let labels = |count: u32| idx_file(1, &[count], (0..count).map(|_| 0));

    // Honest files, large enough that a third copy would show.
    let honest = Files { images: images([8 << 10, 32, 32], 8 * MIB), labels: labels(8 << 10) };
    for files in [honest.gzipped(), honest] {
        let (set, peak) = peak_of(|| files.read());
        assert_eq!(set.unwrap().pixels().len(), 8 * MIB);
        assert!(peak <= allowed(8 * MIB), "held {peak}");
    }

    // A compressed file that promises 64 MiB, within what its length could hold, and ends after 1 MiB.
    let lies = Files { images: gzip(&images([64 << 10, 32, 32], MIB)), labels: gzip(&labels(64 << 10)) };
    assert!(lies.images.len() * 1032 > 64 * MIB, "the file must be long enough for its promise");
    let (result, peak) = peak_of(|| lies.read());
    assert!(result.unwrap_err().to_string().contains("ends before the last byte"));
    assert!(peak <= allowed(MIB), "held {peak}");

    // One that promises more than its length could hold.
    let lies = Files { images: gzip(&images([u32::MAX, 28, 28], 100)), labels: gzip(&labels(1)) };
    let (result, peak) = peak_of(|| lies.read());
    let message = result.unwrap_err().to_string();
    assert!(message.contains("a compressed file of this length holds at most"), "{message}");
    assert!(peak <= MIB, "held {peak}");

    // A bomb: 64 MiB of zeros behind a small set.
    let bomb = small.each_damaged(|file| gzip(&[file, &vec![0; 64 * MIB]].concat()));
    for files in bomb {
        let (result, peak) = peak_of(|| files.read());
        assert!(result.unwrap_err().to_string().contains("goes on after the last byte"));
        assert!(peak <= MIB, "held {peak}");
    }
}

#[test]
fn labels_must_be_classes_and_as_many_as_images() {
    let Files { images, mut labels } = Files::plain(12, 5, 3);
    let message = |images: &[u8], labels: &[u8]| idx::from_bytes(images, labels, 10).unwrap_err().to_string();
    let fewer = Files::plain(11, 5, 3).labels;
    assert_eq!(message(&images, &fewer), "labels: has 11 labels for the 12 images of images");
    labels[8 + 3] = 10;
    assert_eq!(message(&images, &labels), "labels: sample 3 has label 10, but labels must be below 10");
    assert_eq!(idx::from_bytes(&images, &labels, 11).unwrap().classes(), 11);
    let empty = Files::plain(0, 5, 3);
    assert_eq!(message(&empty.images, &empty.labels), "images: the set is empty: its count is 0");
    assert_eq!(message(&labels, &images), "images: has 1 axes, but 3 are needed");
    assert_eq!(
        message(b"PK\x03\x04", &labels),
        "images: starts with bytes 0x50 0x4b, but an IDX file starts with two zeros"
    );
}

/// Writes a folder whose four files have the given spelling.
fn folder(train: &Files, test: &Files, separator: &str, ending: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, files) in [("train", train), ("t10k", test)] {
        let path = |kind: &str, format: &str| folder.path().join(format!("{name}-{kind}{separator}{format}{ending}"));
        std::fs::write(path("images", "idx3-ubyte"), &files.images).unwrap();
        std::fs::write(path("labels", "idx1-ubyte"), &files.labels).unwrap();
    }
    folder
}

fn refusal(folder: impl AsRef<Path>) -> String {
    let message = idx::load_folder(&folder).unwrap_err().to_string();
    let start = format!("{}", folder.as_ref().display());
    message.strip_prefix(&start).unwrap_or_else(|| panic!("{message} does not start with {start}")).to_owned()
}

#[test]
fn a_folder_is_found_in_every_spelling() {
    let (train, test) = (Files::plain(30, 5, 3), Files::plain(10, 5, 3));
    for separator in ["-", "."] {
        for (ending, files) in [("", [train.clone(), test.clone()]), (".gz", [train.gzipped(), test.gzipped()])] {
            let folder = folder(&files[0], &files[1], separator, ending);
            let split = idx::load_folder(folder.path()).unwrap();
            assert_eq!((split.train, split.test), (train.read().unwrap(), test.read().unwrap()));
        }
    }
}

#[test]
fn a_file_on_disk_is_judged_like_one_in_memory() {
    let (train, test) = (Files::plain(12, 5, 3), Files::plain(10, 5, 3));
    for [train, test] in [[train.clone(), test.clone()], [train.gzipped(), test.gzipped()]] {
        let folder = folder(&train, &test, "-", "");
        let path = folder.path().join("train-images-idx3-ubyte");
        for length in 0..train.images.len() {
            std::fs::write(&path, &train.images[..length]).unwrap();
            let (message, peak) = peak_of(|| refusal(folder.path()));
            assert!(message.starts_with("/train-images-idx3-ubyte: "), "{message}");
            assert!(peak < allowed(0), "held {peak}");
        }
    }
}

#[test]
fn a_folder_that_is_wrong_says_how() {
    let (train, test) = (Files::plain(30, 5, 3), Files::plain(10, 5, 3));
    let wrong = folder(&train, &Files::plain(10, 3, 5), "-", "");
    assert_eq!(refusal(wrong.path()), ": test images are 3x5, but training images are 5x3");

    let missing = folder(&train, &test, "-", "");
    std::fs::remove_file(missing.path().join("t10k-labels-idx1-ubyte")).unwrap();
    assert_eq!(refusal(missing.path()), ": the folder has no file t10k-labels-idx1-ubyte, plain or .gz");

    std::fs::create_dir(missing.path().join("t10k-labels-idx1-ubyte")).unwrap();
    assert_eq!(refusal(missing.path()), "/t10k-labels-idx1-ubyte: is not a regular file");

    assert!(refusal(missing.path().join("absent")).starts_with(": cannot read: "));
    assert!(refusal(missing.path().join("train-images-idx3-ubyte")).starts_with(": cannot read: "));
}
