//! How values are distributed, in the buckets that TensorBoard's own writers use.

use super::protobuf::Message;

/// The least bucket border above 0; each next one is larger by a tenth, to 1e20.
const LEAST: f64 = 1e-12;
const GROWTH: f64 = 1.1;
const MOST: f64 = 1e20;

/// `HistogramProto` of `tensorflow/core/framework/summary.proto`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    min: f64,
    max: f64,
    count: f64,
    sum: f64,
    sum_of_squares: f64,
    /// The upper border of each bucket.
    borders: Vec<f64>,
    /// Values in each.
    counts: Vec<f64>,
}

impl Histogram {
    /// Of the finite ones of these values.
    pub(super) fn of(values: impl IntoIterator<Item = f32>) -> Self {
        let borders = borders();
        let mut counts = vec![0.0; borders.len()];
        let (mut min, mut max, mut count, mut sum, mut sum_of_squares) = (f64::MAX, f64::MIN, 0.0, 0.0, 0.0);
        for value in values.into_iter().filter(|value| value.is_finite()).map(f64::from) {
            (min, max) = (min.min(value), max.max(value));
            (count, sum, sum_of_squares) = (count + 1.0, sum + value, sum_of_squares + value * value);
            counts[borders.partition_point(|&border| border <= value)] += 1.0;
        }
        if count == 0.0 {
            (min, max) = (0.0, 0.0);
        }
        let (borders, counts) = without_empty_ends(&borders, &counts);
        Self { min, max, count, sum, sum_of_squares, borders, counts }
    }

    pub(super) fn message(&self) -> Message {
        let mut message = Message::default();
        message.double(1, self.min).double(2, self.max).double(3, self.count).double(4, self.sum);
        message.double(5, self.sum_of_squares).doubles(6, &self.borders).doubles(7, &self.counts);
        message
    }
}

/// Those below 0, 0 itself, those above, and the largest number there is.
fn borders() -> Vec<f64> {
    let above: Vec<f64> =
        std::iter::successors(Some(LEAST), |border| Some(border * GROWTH)).take_while(|b| *b < MOST).collect();
    let below = above.iter().rev().map(|border| -border);
    below.chain([0.0]).chain(above.iter().copied()).chain([f64::MAX]).collect()
}

/// The buckets from one before the first that has values to the last that has.
fn without_empty_ends(borders: &[f64], counts: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let first = counts.iter().position(|&count| count > 0.0).unwrap_or(0).saturating_sub(1);
    let last = counts.iter().rposition(|&count| count > 0.0).unwrap_or(0);
    (borders[first..=last].to_vec(), counts[first..=last].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_in_the_bucket_below_whose_border_it_lies() {
        let values = [0.0, -0.5, 1e-20, 3.0, 3.0, f32::MAX, f32::MIN, f32::NAN, f32::INFINITY];
        let histogram = Histogram::of(values);
        assert_eq!((histogram.count, histogram.min, histogram.max), (7.0, f32::MIN.into(), f32::MAX.into()));
        assert_eq!(histogram.counts.iter().sum::<f64>(), 7.0);
        assert!(histogram.borders.is_sorted_by(|a, b| a < b));
        let within = |low: f64, high: f64| {
            let buckets = histogram.borders.windows(2).zip(&histogram.counts[1..]);
            buckets.filter(|(borders, _)| borders[0] >= low && borders[1] <= high).map(|(_, count)| count).sum::<f64>()
        };
        assert_eq!((within(2.7, 3.4), within(0.0, 1e-12), within(-0.56, -0.45)), (2.0, 2.0, 1.0));
    }

    #[test]
    fn a_message_is_that_of_protocol_buffers_own_writer() {
        let (borders, counts) = (vec![-1.0, 0.5], vec![1.0, 2.0]);
        let histogram = Histogram { min: -1.0, max: 2.0, count: 3.0, sum: 0.5, sum_of_squares: 2.0, borders, counts };
        let hex: String = histogram.message().bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        // `HistogramProto` of tensorboard 2.21.
        assert_eq!(
            hex,
            "09000000000000f0bf11000000000000004019000000000000084021000000000000e03f290000000000000040\
             3210000000000000f0bf000000000000e03f3a10000000000000f03f0000000000000040"
        );
    }

    #[test]
    fn nothing_has_an_empty_histogram() {
        let histogram = Histogram::of([f32::NAN]);
        assert_eq!((histogram.count, histogram.min, histogram.counts.as_slice()), (0.0, 0.0, &[0.0][..]));
    }
}
