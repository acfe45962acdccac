//! What a path holds, found out by looking: one way in for every kind of file.

use std::path::Path;

use crate::data::arrays::{dataset, maximum, targets, unlabelled, with_target_columns};
use crate::data::npz::Archive;
use crate::data::{Dataset, Partition, Split, Table, idx, images, npy};
use crate::{Error, Result};

/// The share of samples to train on, where a file does not say which are for the test.
const TRAIN: f64 = 0.8;
/// Names of the arrays of an archive that has no test samples: features, and what to predict.
const WHOLE: [[&str; 2]; 6] =
    [["x", "y"], ["X", "y"], ["images", "labels"], ["data", "labels"], ["data", "target"], ["features", "labels"]];
/// Names of the arrays of one that has, without the word for the part.
const PARTS: [[[&str; 2]; 2]; 3] = [
    [["x_train", "y_train"], ["x_test", "y_test"]],
    [["train_images", "train_labels"], ["test_images", "test_labels"]],
    [["X_train", "y_train"], ["X_test", "y_test"]],
];

/// Loads the training and test samples at `path`:
///
/// - a folder of IDX files, named as MNIST's;
/// - a folder with a folder of PNG images for each class, or with two of that kind, `train` and `test`;
/// - an `.npz` archive with arrays `x_train`, `y_train`, `x_test`, `y_test`, or `x`, `y`, or named in another usual way;
/// - a table, `.csv`, `.tsv` or `.txt`, of which `label` names the column of classes, by name or by number from 1.
///
/// Where nothing says which samples are for the test, a fifth of each class is, drawn by `seed`.
///
/// # Errors
/// [`Error::Argument`] where `label` is missing or has no use; [`Error::Data`] for a path that holds none of these, or content
/// that breaks its format; [`Error::Io`] where the system refuses to read.
pub fn load(path: impl AsRef<Path>, label: Option<&str>, seed: u64) -> Result<Split> {
    let path = path.as_ref();
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_table = !path.is_dir() && ["csv", "tsv", "txt"].contains(&ending.as_str());
    if let (Some(label), false) = (label, is_table) {
        let rule = format!("'{label}' is a column, but {} is no table", path.display());
        return Err(Error::argument("label", rule));
    }
    match ending.as_str() {
        _ if path.is_dir() => load_folder(path, seed),
        "npz" => load_archive(path, seed, false),
        _ if is_table => match label {
            Some(label) => divided(&Table::labelled(label).read(path)?, seed),
            None => {
                Err(Error::argument("label", format!("is needed: which column of {} has the labels?", path.display())))
            }
        },
        "npy" => Err(Error::data(path, "is one array, without labels: put x and y into an .npz archive")),
        _ => Err(Error::data(path, "is neither a folder, an .npz archive nor a .csv table")),
    }
}

/// Loads the training and test samples at `path` with numbers to predict:
///
/// - a table, of which `columns` are those, by name or by number from 1;
/// - an `.npy` array `[samples, columns]`, of which `columns` are those, by number from 1;
/// - an `.npz` archive as [`load`] has it, with `y` the numbers, `[samples]` or `[samples, width]`, and no `columns`.
///
/// Where nothing says which samples are for the test, a fifth is, drawn by `seed`.
///
/// # Errors
/// [`Error::Argument`] where `columns` are missing or have no use; [`Error::Data`] and [`Error::Io`] as [`load`].
pub fn load_valued(path: impl AsRef<Path>, columns: &[String], seed: u64) -> Result<Split> {
    let path = path.as_ref();
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let misplaced = |rule: String| Err(Error::argument("target", rule));
    match (ending.as_str(), columns) {
        _ if path.is_dir() => misplaced(format!("{} is a folder, whose samples are of classes", path.display())),
        ("npz", []) => load_archive(path, seed, true),
        ("npz", [column, ..]) => misplaced(format!("'{column}' is a column, but {} has its y", path.display())),
        ("csv" | "tsv" | "txt" | "npy", []) => {
            misplaced(format!("is needed: which columns of {} are to be predicted?", path.display()))
        }
        ("npy", columns) => {
            divided(&with_target_columns(npy::read(path)?, columns).map_err(|rule| Error::data(path, rule))?, seed)
        }
        ("csv" | "tsv" | "txt", columns) => divided(&Table::valued_each(columns).read(path)?, seed),
        _ => Err(Error::data(path, "is neither an .npz archive, an .npy array nor a .csv table")),
    }
}

/// Loads samples without targets, each of so many features: a PNG image, an `.npy` array of one sample or of
/// `[samples, ...]`, or a table, with columns to pass over, by name or by number from 1. The targets are none to go by.
///
/// # Errors
/// As [`load`].
pub fn load_unlabelled(path: impl AsRef<Path>, pass_over: &[String], features: usize) -> Result<Dataset> {
    let path = path.as_ref();
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match ending.as_str() {
        "png" => images::load_one(path),
        "npy" => {
            let array = npy::read(path)?;
            let one = array.shape().iter().try_fold(1usize, |product, &size| product.checked_mul(size));
            let is_one = one == Some(features) && array.shape().first() != Some(&1);
            let shape = if is_one { [&[1], array.shape()].concat() } else { array.shape().to_vec() };
            unlabelled(npy::Array::new(shape, array.into_values())?).map_err(|rule| Error::data(path, rule))
        }
        "csv" | "tsv" | "txt" => Table::unlabelled().pass_over(pass_over).read(path),
        _ => Err(Error::data(path, "is neither a .png image, an .npy array nor a .csv table")),
    }
}

fn load_folder(path: &Path, seed: u64) -> Result<Split> {
    let names: Vec<_> = images::entries(path)?.iter().map(|path| images::name_of(path)).collect();
    match names.as_slice() {
        names if names.iter().any(|name| name.starts_with("train-images")) => idx::load_folder(path),
        [test, train] if (test.as_str(), train.as_str()) == ("test", "train") => images::load_split(path),
        names if names.iter().any(|name| path.join(name).is_dir()) => divided(&images::load(path)?, seed),
        // Its error names the files that are missing.
        _ => idx::load_folder(path),
    }
}

fn load_archive(path: &Path, seed: u64, as_values: bool) -> Result<Split> {
    let mut archive = Archive::open(path)?;
    let names = archive.names();
    let has = |pair: &[&str; 2]| pair.iter().all(|name| names.iter().any(|known| known == name));
    let broken = |rule: String| Error::data(path, rule);
    let mut read = |[x, y]: [&str; 2]| Ok::<_, Error>((archive.array(x)?, archive.array(y)?));
    if let Some([train, test]) = PARTS.into_iter().find(|[train, test]| has(train) && has(test)) {
        let ((x, y), (x_test, y_test)) = (read(train)?, read(test)?);
        let ([y, y_test], maximum) = (targets([y, y_test], as_values).map_err(broken)?, maximum([&x, &x_test]));
        let [train, test] = [(x, y), (x_test, y_test)].map(|(x, y)| dataset(x, maximum, y).map_err(broken));
        let (train, test) = (train?, test?);
        if train.geometry() != test.geometry() {
            let rule = format!("test samples are {}, but training samples are {}", test.geometry(), train.geometry());
            return Err(broken(rule));
        }
        if train.value_names() != test.value_names() {
            let rule =
                format!("has {} targets to test, but {} to train", test.value_names().len(), train.value_names().len());
            return Err(broken(rule));
        }
        return Ok(Split { train, test });
    }
    let Some(pair) = WHOLE.into_iter().find(has) else {
        let known = names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(broken(format!("has no arrays x and y, nor x_train, y_train, x_test and y_test; it has: {known}")));
    };
    let (x, y) = read(pair)?;
    let ([y], maximum) = (targets([y], as_values).map_err(broken)?, maximum([&x]));
    divided(&dataset(x, maximum, y).map_err(broken)?, seed)
}

/// Cuts a set whose file does not say which samples are for the test.
fn divided(whole: &Dataset, seed: u64) -> Result<Split> {
    let parts = Partition::fractions(&[TRAIN, 1.0 - TRAIN])?.shuffled(seed).stratified().of(whole)?;
    let [train, test] =
        <[Dataset; 2]>::try_from(parts).map_err(|_| Error::argument("data", "two parts were asked for"))?;
    Ok(Split { train, test })
}
