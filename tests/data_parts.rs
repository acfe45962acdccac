//! How sets are cut into parts, normalised, encoded and found by what a path holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use rectify::data::npy::{Array, Values};
use rectify::data::{self, Dataset, Features, Geometry, Normalisation, Partition, Split, Targets, npz, one_hot};

/// A row of one feature for each label.
fn set(labels: Vec<u32>, classes: usize) -> Dataset {
    let names = (0..classes).map(|class| format!("class {class}")).collect();
    let features: Vec<f32> = (0..labels.len()).map(|sample| sample as f32).collect();
    Dataset::from_parts(Geometry::row(1), features.into(), Targets::Classes { labels, names }).unwrap()
}

fn rows(numbers: &[f32], width: usize) -> Dataset {
    let targets = Targets::Values { values: vec![0.0; numbers.len() / width], names: vec!["y".into()] };
    Dataset::from_parts(Geometry::row(width), numbers.to_vec().into(), targets).unwrap()
}

#[test]
fn parts_have_the_sizes_asked_for_and_depend_on_the_seed() {
    let set = set((0..1000).map(|i| i % 7).collect(), 7);
    let sizes = |partition: Partition| partition.indices(&set).unwrap().iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(Partition::fractions(&[0.7, 0.2, 0.1]).unwrap()), [700, 200, 100]);
    assert_eq!(sizes(Partition::counts(&[1, 998]).unwrap().shuffled(1).stratified()), [1, 998]);
    assert_eq!(Partition::counts(&[2, 3]).unwrap().indices(&set).unwrap(), [vec![0, 1], vec![2, 3, 4]]);
    let of = |seed| Partition::fractions(&[0.5, 0.5]).unwrap().shuffled(seed).indices(&set).unwrap();
    assert!(of(1) == of(1) && of(1) != of(2));
    let parts = Partition::counts(&[3]).unwrap().shuffled(5).of(&set).unwrap();
    assert_eq!((parts[0].samples(), parts[0].class_names()), (3, set.class_names()));
}

#[test]
fn parts_that_cannot_be_are_errors() {
    for fractions in [&[][..], &[0.0], &[-0.1, 0.5], &[0.7, 0.4], &[f64::NAN], &[f64::INFINITY]] {
        assert!(Partition::fractions(fractions).is_err(), "{fractions:?}");
    }
    assert!(Partition::counts(&[]).is_err() && Partition::counts(&[1, 0]).is_err());
    let set = set(vec![0; 10], 1);
    let message = |partition: Partition| partition.of(&set).unwrap_err().to_string();
    assert_eq!(message(Partition::counts(&[9, 2]).unwrap()), "partition: 10 samples are too few for parts of [9, 2]");
    assert!(message(Partition::counts(&[1, usize::MAX]).unwrap()).contains("too few"));
    assert!(
        message(Partition::fractions(&[0.98, 0.02]).unwrap()).contains("too few for parts of shares of [0.98, 0.02]")
    );
}

proptest! {
    #[test]
    fn parts_share_no_sample_and_stratified_ones_have_their_share_of_each_class(
        labels in prop::collection::vec(0u32..5, 10..300),
        first in 1usize..5,
        second in 1usize..5,
        seed: Option<u64>,
    ) {
        let set = set(labels.clone(), 5);
        let partition = Partition::counts(&[first, second]).unwrap().stratified();
        let partition = if let Some(seed) = seed { partition.shuffled(seed) } else { partition };
        let parts = partition.indices(&set).unwrap();
        prop_assert_eq!([parts[0].len(), parts[1].len()], [first, second]);
        let all: BTreeSet<_> = parts.concat().into_iter().collect();
        prop_assert_eq!(all.len(), first + second);

        let shares = [0.5, 0.3, 0.2];
        let parts = Partition::fractions(&shares).unwrap().stratified().shuffled(1).indices(&set).unwrap();
        prop_assert_eq!(parts.concat().into_iter().collect::<BTreeSet<_>>().len(), labels.len());
        for class in 0..5 {
            let total = labels.iter().filter(|&&label| label == class).count() as f64;
            for (part, share) in parts.iter().zip(shares) {
                let count = part.iter().filter(|&&sample| labels[sample] == class).count() as f64;
                prop_assert!((count - share * total).abs() <= 2.0, "{count} of {total} in a share of {share}");
            }
        }
    }

    #[test]
    fn one_hot_rows_decode_to_what_they_were(labels in prop::collection::vec(0u32..9, 0..50)) {
        let rows = one_hot::encode(&labels, 9).unwrap();
        prop_assert_eq!(rows.iter().sum::<f32>(), labels.len() as f32);
        prop_assert_eq!(one_hot::decode(&rows, 9).unwrap(), labels);
    }

    #[test]
    fn a_normalisation_by_feature_gives_mean_0_and_deviation_1(numbers in prop::collection::vec(-1e3f32..1e3, 30)) {
        let set = rows(&numbers, 3);
        let mut floats = vec![0.0; 30];
        set.normalise(&(0..10).collect::<Vec<_>>(), &Normalisation::per_feature(&set), &mut floats).unwrap();
        for feature in 0..3 {
            let column: Vec<f64> = floats.iter().skip(feature).step_by(3).map(|&value| value.into()).collect();
            prop_assert!((column.iter().sum::<f64>() / 10.0).abs() < 1e-4);
            prop_assert!((column.iter().map(|value| value * value).sum::<f64>() / 10.0 - 1.0).abs() < 1e-3);
        }
        set.normalise(&(0..10).collect::<Vec<_>>(), &Normalisation::min_max(&set), &mut floats).unwrap();
        for feature in 0..3 {
            let column = floats.iter().skip(feature).step_by(3).copied();
            prop_assert_eq!(column.clone().fold(f32::MAX, f32::min), 0.0);
            prop_assert_eq!(column.fold(f32::MIN, f32::max), 1.0);
        }
    }
}

#[test]
fn what_is_fitted_on_some_samples_is_used_for_others() {
    let train = rows(&[1.0, 5.0, 3.0, 5.0], 2);
    let fitted = Normalisation::per_feature(&train);
    assert_eq!((fitted.mean(), fitted.deviation()), (&[2.0, 5.0][..], &[1.0, 1.0][..]));
    let mut floats = [0.0; 2];
    rows(&[10.0, 7.0], 2).normalise(&[0], &fitted, &mut floats).unwrap();
    assert_eq!(floats, [8.0, 2.0]);
    let wrong = rows(&[1.0, 2.0, 3.0], 3).normalise(&[0], &fitted, &mut [0.0; 3]).unwrap_err().to_string();
    assert_eq!(wrong, "normalise: a normalisation of 2 features does not fit samples of 3");
    assert!(Normalisation::each(vec![0.0], vec![1.0, 1.0]).is_err() && Normalisation::each(vec![], vec![]).is_err());
    // The range of these is beyond f32.
    let wide = Normalisation::min_max(&rows(&[f32::MIN, f32::MAX], 1));
    assert!(wide.deviation()[0].is_finite());
}

#[test]
fn codes_that_cannot_be_are_errors() {
    assert_eq!(
        one_hot::encode(&[1, 3], 3).unwrap_err().to_string(),
        "one-hot encode: label 3 at position 1 is not below 3 classes"
    );
    assert!(one_hot::encode(&[0, 0, 0], usize::MAX).is_err() && one_hot::encode(&[0], 1 << 50).is_err());
    assert!(one_hot::decode(&[1.0], 0).is_err() && one_hot::decode(&[1.0, 2.0, 3.0], 2).is_err());
    assert!(one_hot::decode(&[1.0, f32::NAN], 2).is_err());
    assert_eq!(one_hot::decode(&[0.2, 0.2, -1.0, f32::NEG_INFINITY], 2).unwrap(), [0, 0]);
}

fn archive(path: &Path, arrays: &[(&str, &[usize], Values)]) {
    let arrays: Vec<_> = arrays
        .iter()
        .map(|(name, shape, values)| (*name, Array::new(shape.to_vec(), values.clone()).unwrap()))
        .collect();
    let named: Vec<_> = arrays.iter().map(|(name, array)| (*name, array)).collect();
    npz::write(path, &named).unwrap();
}

fn bytes(count: u8) -> Values {
    (0..count).collect::<Vec<u8>>().into()
}

#[test]
fn archives_are_known_by_their_names_and_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let labels = |labels: &[i64]| Values::Integers(labels.to_vec());
    // Parts of their own, channels last, classes over both parts.
    archive(
        &path,
        &[
            ("x_train", &[2, 2, 1, 3], bytes(12)),
            ("y_train", &[2], labels(&[1, 0])),
            ("x_test", &[1, 2, 1, 3], bytes(6)),
            ("y_test", &[1, 1], labels(&[2])),
        ],
    );
    let split = data::load(&path, None, 7).unwrap();
    assert_eq!((split.train.geometry(), split.train.classes()), (Geometry::image(3, 2, 1), 3));
    assert_eq!(split.train.pixels(), [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
    assert_eq!((split.test.labels(), split.test.pixels()), (&[2][..], &[0, 3, 1, 4, 2, 5][..]));
    // One part, divided; channels first; one-hot labels.
    let one_hot = one_hot::encode(&[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 2).unwrap();
    archive(&path, &[("images", &[10, 3, 1, 2], bytes(60)), ("labels", &[10, 2], one_hot.into())]);
    let split = data::load(&path, None, 7).unwrap();
    let one_of_each: BTreeSet<_> = split.test.labels().iter().collect();
    assert_eq!((split.train.samples(), split.test.samples(), one_of_each.len()), (8, 2, 2));
    assert_eq!(split.train.geometry(), Geometry::image(3, 1, 2));
    // One of 25 pairs is drawn.
    let drawn = (0..20).map(|seed| data::load(&path, None, seed).unwrap().test.pixels().to_vec());
    assert!((8..=20).contains(&drawn.collect::<BTreeSet<_>>().len()));
    // Nothing above 1 in either part: then 1 is full ink.
    let parts = |most: u8| {
        let part = |x, y, values: &[u8]| [(x, &[2, 1][..], Values::Bytes(values.to_vec())), (y, &[2], bytes(2))];
        archive(&path, &[part("x_train", "y_train", &[0, 1]), part("x_test", "y_test", &[0, most])].concat());
        let Split { train, test } = data::load(&path, None, 7).unwrap();
        [train, test].map(|set| set.geometry().maximum)
    };
    assert_eq!((parts(1), parts(2)), ([1, 1], [255, 255]));
    // Measurements, and labels that are whole floats.
    let floats = Values::Doubles((0..10).map(|i| f64::from(i) / 4.0).collect());
    let whole = Values::Floats((0..10u8).map(|i| f32::from(i % 2)).collect());
    archive(&path, &[("X", &[10], floats), ("y", &[10], whole)]);
    let split = data::load(&path, None, 7).unwrap();
    assert!(matches!(split.train.features(), Features::Floats(numbers) if numbers.len() == 8));
}

#[test]
fn archives_that_cannot_be_used_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let said = |arrays: &[(&str, &[usize], Values)], expected: &str| {
        archive(&path, arrays);
        let message = data::load(&path, None, 7).unwrap_err().to_string();
        assert!(message.starts_with(path.to_str().unwrap()) && message.contains(expected), "{message}");
    };
    let x = ("x", &[3, 2][..], bytes(6));
    let y = |values: Values| ("y", &[3][..], values);
    said(
        &[x.clone(), ("z", &[3], bytes(3))],
        "has no arrays x and y, nor x_train, y_train, x_test and y_test; it has: x, z",
    );
    said(&[x.clone(), ("y", &[2], bytes(2))], "has 3 samples, but 2 labels");
    said(&[x.clone(), y(Values::Floats(vec![0.0, 0.5, 1.0]))], "has labels that are no whole numbers");
    said(&[x.clone(), y(Values::Doubles(vec![0.0, f64::NAN, 1.0]))], "has labels that are no whole numbers");
    said(&[x.clone(), y(Values::Integers(vec![0, -1, 1]))], "sample 1 has label -1, but labels are from 0 to 4095");
    said(&[x.clone(), y(Values::Integers(vec![0, 1, i64::MAX]))], "sample 2 has label 9223372036854775807");
    said(&[x.clone(), ("y", &[3, 2], bytes(6))], "has 2 numbers for the label of sample 1, of which not one is 1");
    said(&[x.clone(), ("y", &[3, 1, 1], bytes(3))], "has labels of shape [3, 1, 1]");
    said(&[("x", &[3, 2, 5, 5], bytes(150)), y(bytes(3))], "has samples of shape [3, 2, 5, 5]");
    said(&[("x", &[], bytes(1)), ("y", &[1], bytes(1))], "has samples of shape []");
    said(&[("x", &[0, 2], bytes(0)), ("y", &[0], bytes(0))], "0 samples of 1x2 hold nothing");
    said(&[("x", &[3], Values::Floats(vec![0.0, f32::NAN, 0.0])), y(bytes(3))], "feature 0 of sample 1 is NaN");
}

#[test]
fn paths_that_hold_no_samples_say_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let said = |name: &str, label, expected: &str| {
        let message = data::load(place(name), label, 7).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    };
    for name in ["a.csv", "a.bin", "a.npy", "a.npz"] {
        fs::write(place(name), "a,b\n1,2\n3,4\n").unwrap();
    }
    said("a.csv", None, "label: is needed: which column of");
    said("a.csv", Some("c"), "there is no column 'c' among the 2 (a, b)");
    said("a.csv", Some("b"), "too few");
    said("a.npz", Some("b"), "label: 'b' is a column, but");
    said("a.npz", None, "is no .npz archive");
    said("a.npy", None, "is one array, without labels");
    said("a.bin", None, "is neither a folder, an .npz archive nor a .csv table");
    said("nowhere.csv", Some("b"), "cannot read");
    fs::create_dir(place("empty")).unwrap();
    said("empty", None, "has no file train-images-idx3-ubyte");
    fs::create_dir_all(place("classes/a")).unwrap();
    said("classes", None, "the folder of a class holds no image");
}
