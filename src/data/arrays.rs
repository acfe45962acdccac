//! Arrays as samples: features from one, labels from another.

use crate::data::npy::{Array, Values};
use crate::data::{Dataset, Features, Geometry, Targets, one_hot};

/// What an axis of channels can have.
const CHANNELS: [usize; 3] = [1, 3, 4];

/// The value of a fully inked pixel: 1 in arrays that hold nothing else but 0, truth values for one.
pub(super) fn maximum<'a>(arrays: impl IntoIterator<Item = &'a Array>) -> u8 {
    let is_binary =
        |array: &Array| matches!(array.values(), Values::Bytes(pixels) if pixels.iter().all(|&pixel| pixel <= 1));
    if arrays.into_iter().all(is_binary) { 1 } else { u8::MAX }
}

/// The set of these features `[samples, ...]` and targets; the error is the rule that is broken.
pub(super) fn dataset(x: Array, maximum: u8, targets: Targets) -> Result<Dataset, String> {
    if let Some(&samples) = x.shape().first().filter(|&&samples| samples != targets.samples()) {
        let kind = if matches!(targets, Targets::Classes { .. }) { "labels" } else { "targets" };
        return Err(format!("has {samples} samples, but {} {kind}", targets.samples()));
    }
    with_targets(x, maximum, targets)
}

/// The set of rows `[samples, columns]` of which some columns, by number from 1, are to be predicted.
pub(super) fn with_target_columns(rows: Array, columns: &[String]) -> Result<Dataset, String> {
    let &[samples, width] = rows.shape() else {
        return Err(format!("has samples of shape {:?}: targets are columns of [samples, columns]", rows.shape()));
    };
    let place = |column: &String| {
        let place = column.trim().parse::<usize>().ok().and_then(|nth| nth.checked_sub(1)).filter(|&at| at < width);
        place.ok_or_else(|| format!("there is no column '{column}' among the {width}: they have numbers from 1"))
    };
    let places = columns.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    if let Some((_, column)) = columns.iter().enumerate().find(|(nth, _)| places[..*nth].contains(&places[*nth])) {
        return Err(format!("column '{column}' is named twice"));
    }
    let numbers = floats(rows.into_values());
    let (mut features, mut values) = (Vec::new(), Vec::with_capacity(samples * places.len()));
    for row in numbers.chunks(width.max(1)) {
        values.extend(places.iter().map(|&place| row[place]));
        features.extend(row.iter().enumerate().filter(|(place, _)| !places.contains(place)).map(|(_, &value)| value));
    }
    let names = places.iter().map(|place| (place + 1).to_string()).collect();
    Dataset::checked(Geometry::row(width - places.len()), features.into(), Targets::Values { values, names })
}

/// The set of these features `[samples, ...]` of which nothing else is known.
pub(super) fn unlabelled(x: Array) -> Result<Dataset, String> {
    let (maximum, samples) = (maximum([&x]), x.shape().first().copied().unwrap_or(0));
    with_targets(x, maximum, Targets::none(samples))
}

fn with_targets(x: Array, maximum: u8, targets: Targets) -> Result<Dataset, String> {
    let (geometry, channels_last) = geometry(x.shape())?;
    let geometry = Geometry { maximum, ..geometry };
    let features = match x.into_values() {
        Values::Bytes(pixels) => Features::Bytes(pixels),
        numbers => Features::Floats(floats(numbers)),
    };
    let features = match features {
        Features::Bytes(pixels) if channels_last => Features::Bytes(planes(&pixels, geometry)),
        Features::Floats(numbers) if channels_last => Features::Floats(planes(&numbers, geometry)),
        features => features,
    };
    Dataset::checked(geometry, features, targets)
}

/// What is to be learned from arrays of one archive: of each the labels, all classes of one list, or the values.
pub(super) fn targets<const N: usize>(arrays: [Array; N], as_values: bool) -> Result<[Targets; N], String> {
    let targets: Vec<Targets> = if as_values {
        arrays.into_iter().map(values).collect::<Result<_, _>>()?
    } else {
        let all = arrays.into_iter().map(labels).collect::<Result<Vec<_>, _>>()?;
        let classes = all.iter().flatten().max().map_or(0, |&label| label as usize + 1);
        all.into_iter().map(|labels| Targets::numbered(labels, classes)).collect::<Result<_, _>>()?
    };
    targets.try_into().map_err(|_| "has not the arrays that it lists".into())
}

/// Values, `[samples]` or `[samples, width]`: `y`, or `y1`, `y2` and so on.
fn values(y: Array) -> Result<Targets, String> {
    let names = match *y.shape() {
        [_] | [_, 1] => vec!["y".to_owned()],
        [_, width] if width > 0 => (1..=width).map(|nth| format!("y{nth}")).collect(),
        _ => return Err(format!("has targets of shape {:?}, but a row for each sample is needed", y.shape())),
    };
    Ok(Targets::Values { values: floats(y.into_values()), names })
}

fn floats(values: Values) -> Vec<f32> {
    match values {
        Values::Bytes(values) => values.into_iter().map(f32::from).collect(),
        Values::Integers(values) => values.into_iter().map(|value| value as f32).collect(),
        Values::Floats(values) => values,
        Values::Doubles(values) => values.into_iter().map(|value| value as f32).collect(),
    }
}

/// Labels from whole numbers, `[samples]` or `[samples, 1]`, or from rows of one-hot numbers, `[samples, classes]`.
fn labels(y: Array) -> Result<Vec<u32>, String> {
    let (shape, values) = (y.shape().to_vec(), y.into_values());
    match shape.as_slice() {
        [_] | [_, 1] => {}
        [_, classes] => return from_one_hot(values, *classes),
        _ => return Err(format!("has labels of shape {shape:?}, but one label for each sample is needed")),
    }
    let whole = |value: f64| (value.fract() == 0.0).then_some(value as i64);
    let numbers: Option<Vec<i64>> = match values {
        Values::Bytes(values) => Some(values.into_iter().map(i64::from).collect()),
        Values::Integers(values) => Some(values),
        Values::Floats(values) => values.into_iter().map(|value| whole(value.into())).collect(),
        Values::Doubles(values) => values.into_iter().map(whole).collect(),
    };
    let numbers = numbers.ok_or(
        "has labels that are no whole numbers, as classes are: for numbers to predict, a loss of values is needed",
    )?;
    let label = |(at, &number): (usize, &i64)| match u32::try_from(number) {
        Ok(label) if (label as usize) < Dataset::MAX_CLASSES => Ok(label),
        _ => Err(format!("sample {at} has label {number}, but labels are from 0 to {}", Dataset::MAX_CLASSES - 1)),
    };
    numbers.iter().enumerate().map(label).collect()
}

fn from_one_hot(values: Values, classes: usize) -> Result<Vec<u32>, String> {
    let rows = floats(values);
    let honest = |row: &[f32]| row.iter().all(|&value| value == 0.0 || value == 1.0) && row.iter().sum::<f32>() == 1.0;
    if let Some(at) = rows.chunks(classes.max(1)).position(|row| !honest(row)) {
        return Err(format!(
            "has {classes} numbers for the label of sample {at}, of which not one is 1 and the others 0"
        ));
    }
    one_hot::decode(&rows, classes).map_err(|error| error.to_string())
}

/// The form of samples `[samples, ...]`, and whether their channels come last.
fn geometry(shape: &[usize]) -> Result<(Geometry, bool), String> {
    match *shape {
        [_] => Ok((Geometry::row(1), false)),
        [_, features] => Ok((Geometry::row(features), false)),
        [_, rows, columns] => Ok((Geometry::image(1, rows, columns), false)),
        [_, channels, rows, columns] if CHANNELS.contains(&channels) => {
            Ok((Geometry::image(channels, rows, columns), false))
        }
        [_, rows, columns, channels] if CHANNELS.contains(&channels) => {
            Ok((Geometry::image(channels, rows, columns), true))
        }
        _ => {
            Err(format!("has samples of shape {shape:?}: rows of features or images of 1, 3 or 4 channels are needed"))
        }
    }
}

/// From `[samples, rows, columns, channels]` to `[samples, channels, rows, columns]`.
fn planes<T: Copy>(mixed: &[T], geometry: Geometry) -> Vec<T> {
    let mut sorted = Vec::with_capacity(mixed.len());
    for sample in mixed.chunks_exact(geometry.features().max(1)) {
        for channel in 0..geometry.channels {
            sorted.extend(sample.iter().skip(channel).step_by(geometry.channels));
        }
    }
    sorted
}
