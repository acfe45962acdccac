//! What the data sets hold, how samples are cut into batches, and how pixels become floats.

use std::collections::HashSet;

use proptest::prelude::*;
use rectify::data::synthetic::{self, FIRST_TEST_INDEX, PIXELS};
use rectify::data::{self, Batches, Dataset, Geometry, Normalisation};

/// FNV-1a, to pin bytes that must be the same on every machine.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn counts(labels: &[u32]) -> [usize; 10] {
    let mut counts = [0; 10];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    counts
}

fn small() -> Dataset {
    let geometry = Geometry { channels: 1, rows: 1, columns: 2, maximum: 16 };
    Dataset::new(geometry, vec![0, 16, 8, 4, 2, 1], vec![2, 0, 1], 3).unwrap()
}

#[test]
fn the_embedded_digits_split_as_documented() {
    let digits = data::digits().unwrap();
    assert_eq!((digits.train.samples(), digits.test.samples()), (1442, 355));
    assert_eq!(digits.train.geometry(), Geometry { channels: 1, rows: 8, columns: 8, maximum: 16 });
    assert_eq!(digits.test.geometry(), digits.train.geometry());
    assert_eq!(counts(digits.test.labels()), [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]);
    assert_eq!(counts(digits.train.labels()), [143, 146, 142, 147, 145, 146, 145, 144, 140, 144]);
    // The first image of the published file, a zero.
    assert_eq!(digits.train.labels()[0], 0);
    assert_eq!(digits.train.image(0).unwrap()[..16], [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]);
    assert_eq!(digits.train.pixels().iter().max(), Some(&16));
}

#[test]
fn every_fifth_of_a_class_is_test_in_file_order() {
    let digits = data::digits().unwrap();
    // Rebuild the file: per class, four training samples, then a test one.
    let of = |set: &Dataset, class: u32| -> Vec<Vec<u8>> {
        let of_class = (0..set.samples()).filter(|&i| set.labels()[i] == class);
        of_class.map(|i| set.image(i).unwrap().to_vec()).collect()
    };
    let all = data::idx::load(
        concat!(env!("CARGO_MANIFEST_DIR"), "/assets/digits/images-idx3-ubyte.gz"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/assets/digits/labels-idx1-ubyte.gz"),
        10,
    )
    .unwrap();
    for class in 0..10 {
        let (test, train): (Vec<_>, Vec<_>) = of(&all, class).into_iter().enumerate().partition(|(i, _)| i % 5 == 4);
        let images = |part: Vec<(usize, Vec<u8>)>| part.into_iter().map(|(_, image)| image).collect::<Vec<_>>();
        assert_eq!(images(test), of(&digits.test, class));
        assert_eq!(images(train), of(&digits.train, class));
    }
}

#[test]
fn a_synthetic_sample_depends_on_seed_and_index_alone() {
    let set = data::synthetic(3000, 9).unwrap();
    let mut image = [0; PIXELS];
    for index in [2999, 0, 1024, 1023, 1500] {
        assert_eq!(synthetic::draw(9, index as u64, &mut image), set.train.labels()[index]);
        assert_eq!(set.train.image(index), Some(&image[..]), "sample {index}");
    }
    synthetic::draw(9, FIRST_TEST_INDEX + 7, &mut image);
    assert_eq!(set.test.image(7), Some(&image[..]));
    let smaller = data::synthetic(100, 9).unwrap();
    assert_eq!(smaller.train.pixels(), &set.train.pixels()[..100 * PIXELS]);
    assert_ne!(data::synthetic(100, 10).unwrap().train.pixels(), smaller.train.pixels());
}

#[test]
fn synthetic_bytes_are_the_same_on_every_machine() {
    let set = data::synthetic(1000, 7).unwrap();
    assert_eq!(fingerprint(set.train.pixels()), 9_843_748_547_499_546_831);
}

#[test]
fn synthetic_samples_are_balanced_distinct_and_inked() {
    let set = data::synthetic(5000, 3).unwrap();
    assert_eq!(counts(set.train.labels()), [500; 10]);
    assert_eq!((set.test.samples(), set.test.geometry()), (833, set.train.geometry()));
    let images: HashSet<&[u8]> = [&set.train, &set.test].iter().flat_map(|set| set.pixels().chunks(PIXELS)).collect();
    assert_eq!(images.len(), 5833, "an image occurs twice");
    for image in images {
        let ink = image.iter().filter(|&&pixel| pixel > 100).count();
        assert!((15..PIXELS / 2).contains(&ink), "{ink} dark pixels");
    }
}

#[test]
fn the_nearest_class_mean_reads_synthetic_digits_but_not_all_of_them() {
    let set = data::synthetic(4000, 5).unwrap();
    let mut means = vec![[0f32; PIXELS]; 10];
    for (image, &label) in set.train.pixels().chunks(PIXELS).zip(set.train.labels()) {
        let mean = &mut means[label as usize];
        mean.iter_mut().zip(image).for_each(|(mean, &pixel)| *mean += f32::from(pixel) / 400.0);
    }
    let distance = |image: &[u8], mean: &[f32]| -> f32 {
        image.iter().zip(mean).map(|(&pixel, mean)| (f32::from(pixel) - mean).powi(2)).sum()
    };
    let read = |image| (0..10).min_by(|&a, &b| distance(image, &means[a]).total_cmp(&distance(image, &means[b])));
    let images = set.test.pixels().chunks(PIXELS).zip(set.test.labels());
    let right = images.filter(|&(image, &label)| read(image) == Some(label as usize)).count();
    let share = right as f64 / set.test.samples() as f64;
    assert!((0.5..0.9).contains(&share), "{share}");
}

#[test]
fn absurd_counts_are_errors() {
    for count in [0, usize::MAX, usize::MAX / PIXELS, 1 << 50] {
        let message = data::synthetic(count, 1).unwrap_err().to_string();
        assert!(message.contains("hold nothing") || message.contains("do not fit into memory"), "{message}");
    }
}

#[test]
fn a_set_must_fit_together() {
    let geometry = Geometry { channels: 1, rows: 2, columns: 1, maximum: 16 };
    let broken = |pixels: &[u8], labels: &[u32], geometry: Geometry| {
        Dataset::new(geometry, pixels.to_vec(), labels.to_vec(), 3).unwrap_err().to_string()
    };
    assert_eq!(broken(&[], &[], geometry), "dataset: 0 samples of 2x1 hold nothing");
    assert_eq!(broken(&[1, 2, 3], &[0], geometry), "dataset: 1 targets of 2x1 samples do not match 3 features");
    assert_eq!(broken(&[1, 2], &[3], geometry), "dataset: sample 0 has label 3, but labels must be below 3");
    assert_eq!(broken(&[1, 17], &[0], geometry), "dataset: sample 0 has a pixel of 17, but pixels must not exceed 16");
    let huge = Geometry { channels: 1, rows: usize::MAX, columns: 2, maximum: 1 };
    assert!(broken(&[1, 1], &[0], huge).contains("do not match"));
}

#[test]
fn samples_are_selected_in_the_order_asked_for() {
    let set = small().select(&[2, 0, 2]).unwrap();
    assert_eq!((set.pixels(), set.labels()), (&[2, 1, 0, 16, 2, 1][..], &[1, 2, 1][..]));
    assert_eq!(small().select(&[3]).unwrap_err().to_string(), "select: sample 3 does not exist: the set has 3");
    assert!(small().select(&[]).is_err());
    assert_eq!(small().image(usize::MAX), None);
}

#[test]
fn pixels_become_shares_of_the_maximum() {
    let mut floats = [f32::NAN; 4];
    small().normalise(&[1, 0], &Normalisation::UNIT, &mut floats).unwrap();
    assert_eq!(floats, [0.5, 0.25, 0.0, 1.0]);
    small().normalise(&[0, 1], &Normalisation::new(0.5, 0.25).unwrap(), &mut floats).unwrap();
    assert_eq!(floats, [-2.0, 2.0, 0.0, -1.0]);
    assert!(small().normalise(&[0], &Normalisation::UNIT, &mut floats).is_err());
    assert!(small().normalise(&[0, 3], &Normalisation::UNIT, &mut floats).is_err());
    for (mean, deviation) in [(0.0, 0.0), (0.0, -1.0), (f32::NAN, 1.0), (0.0, f32::INFINITY)] {
        assert!(Normalisation::new(mean, deviation).is_err());
    }
}

#[test]
fn a_measured_normalisation_gives_mean_0_and_deviation_1() {
    let train = data::digits().unwrap().train;
    let all: Vec<usize> = (0..train.samples()).collect();
    let mut floats = vec![0.0; train.pixels().len()];
    train.normalise(&all, &Normalisation::of(&train), &mut floats).unwrap();
    let average = |term: &dyn Fn(f64) -> f64| floats.iter().map(|&x| term(x.into())).sum::<f64>() / floats.len() as f64;
    assert!(average(&|x| x).abs() < 1e-6);
    assert!((average(&|x| x * x) - 1.0).abs() < 1e-6);
    let blank = Dataset::new(Geometry { channels: 1, rows: 1, columns: 1, maximum: 0 }, vec![0], vec![0], 1).unwrap();
    assert_eq!(Normalisation::of(&blank), Normalisation::UNIT);
}

#[test]
fn shuffling_depends_on_seed_and_epoch() {
    let order = |seed, epoch| Batches::new(1000, 1000).unwrap().shuffled(seed).epoch(epoch).next().unwrap();
    assert_eq!(order(1, 0), order(1, 0));
    let orders: HashSet<_> = [order(1, 0), order(1, 1), order(2, 0), (0..1000).collect()].into();
    assert_eq!(orders.len(), 4);
}

#[test]
fn every_permutation_is_equally_likely() {
    let mut seen = std::collections::HashMap::new();
    let batches = Batches::new(4, 4).unwrap().shuffled(11);
    for epoch in 0..24_000 {
        *seen.entry(batches.epoch(epoch).next().unwrap()).or_insert(0i32) += 1;
    }
    assert_eq!(seen.len(), 24);
    // Five standard deviations of a binomial of 24,000 trials at 1/24.
    assert!(seen.values().all(|count| (count - 1000).abs() < 155), "{seen:?}");
}

proptest! {
    #[test]
    fn an_epoch_holds_every_sample_once(samples in 1usize..500, size in 1usize..600, seed: Option<u64>, epoch: u32) {
        let batches = Batches::new(samples, size).unwrap();
        let batches = if let Some(seed) = seed { batches.shuffled(seed) } else { batches };
        let kept: Vec<Vec<usize>> = batches.epoch(epoch).collect();
        prop_assert_eq!(kept.len(), batches.per_epoch());
        prop_assert!(kept.iter().rev().skip(1).all(|batch| batch.len() == size));
        let mut all = kept.concat();
        if seed.is_some() {
            all.sort_unstable();
        }
        prop_assert_eq!(all, (0..samples).collect::<Vec<_>>());

        let dropping = batches.dropping_remainder();
        let dropped: Vec<Vec<usize>> = dropping.epoch(epoch).collect();
        prop_assert_eq!(dropped.len(), dropping.per_epoch());
        prop_assert_eq!(&dropped[..], &kept[..samples / size]);
    }
}

#[test]
fn batches_of_nothing_are_errors() {
    assert!(Batches::new(0, 1).is_err());
    assert!(Batches::new(1, 0).is_err());
    assert_eq!(Batches::new(3, usize::MAX).unwrap().epoch(0).next().unwrap(), [0, 1, 2]);
}
