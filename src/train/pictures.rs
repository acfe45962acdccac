//! Pictures of the samples that a model takes for what they are not.

use super::verdicts::{Answers, Verdicts};
use crate::data::{Dataset, Features};
use crate::report::{GrayImage, Mistake};

/// Misclassified samples shown on the page.
const MISTAKES: usize = 48;

/// The first samples that were taken for what they are not; none where values are predicted.
pub fn mistakes(test: &Dataset, verdicts: &Verdicts) -> Vec<Mistake> {
    let Answers::Classes { predictions, .. } = &verdicts.answers else { return Vec::new() };
    let name = |class: usize| test.class_names().get(class).cloned().unwrap_or_else(|| class.to_string());
    let pairs = test.labels().iter().zip(predictions).enumerate();
    let wrong = pairs.filter(|(_, (truth, (class, _)))| **truth as usize != *class);
    wrong
        .take(MISTAKES)
        .map(|(index, (&truth, &(class, confidence)))| Mistake {
            image: picture(test, index),
            truth: name(truth as usize),
            prediction: name(class),
            confidence,
        })
        .collect()
}

/// A sample in grey: the mean of its channels, of measurements from the least to the greatest.
fn picture(test: &Dataset, index: usize) -> GrayImage {
    let geometry = test.geometry();
    let place = index * geometry.features()..(index + 1) * geometry.features();
    let (values, least, most) = match test.features() {
        Features::Bytes(pixels) => {
            (pixels[place].iter().map(|&pixel| f32::from(pixel)).collect::<Vec<_>>(), 0.0, f32::from(geometry.maximum))
        }
        Features::Floats(numbers) => {
            let values = numbers[place].to_vec();
            let (least, most) =
                (values.iter().copied().fold(f32::MAX, f32::min), values.iter().copied().fold(f32::MIN, f32::max));
            (values, least, most)
        }
    };
    let plane = geometry.rows * geometry.columns;
    let grey = |at: usize| {
        let sum: f32 = values[at..].iter().step_by(plane).map(|value| value - least).sum();
        (sum * 255.0 / (most - least).max(f32::MIN_POSITIVE) / geometry.channels as f32) as u8
    };
    GrayImage { width: geometry.columns as u32, height: geometry.rows as u32, pixels: (0..plane).map(grey).collect() }
}
