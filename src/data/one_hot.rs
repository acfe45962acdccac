//! Labels as rows of a matrix, and back.

use crate::{Error, Result};

/// A row for each label, `[labels, classes]`: 1 at the label, 0 elsewhere.
///
/// ```
/// use rectify::data::one_hot;
/// let rows = one_hot::encode(&[2, 0], 3)?;
/// assert_eq!(rows, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
/// assert_eq!(one_hot::decode(&rows, 3)?, [2, 0]);
/// # Ok::<(), rectify::Error>(())
/// ```
///
/// # Errors
/// [`Error::Argument`] for a label that is not below `classes`, or rows that do not fit into memory.
pub fn encode(labels: &[u32], classes: usize) -> Result<Vec<f32>> {
    let too_large = || {
        let rule = format!("{} rows of {classes} classes do not fit into memory", labels.len());
        Error::argument("one-hot encode", rule)
    };
    let size = labels.len().checked_mul(classes).ok_or_else(too_large)?;
    let mut rows = Vec::new();
    rows.try_reserve_exact(size).map_err(|_| too_large())?;
    rows.resize(size, 0.0);
    for (at, &label) in labels.iter().enumerate() {
        if label as usize >= classes {
            let rule = format!("label {label} at position {at} is not below {classes} classes");
            return Err(Error::argument("one-hot encode", rule));
        }
        rows[at * classes + label as usize] = 1.0;
    }
    Ok(rows)
}

/// The place of the greatest of each row of `classes` numbers, the first of equals: labels, scores and probabilities alike.
///
/// # Errors
/// [`Error::Argument`] for rows that do not come out even, more classes than a label can name, or a value that is no number.
pub fn decode(rows: &[f32], classes: usize) -> Result<Vec<u32>> {
    if classes == 0 || !rows.len().is_multiple_of(classes) || u32::try_from(classes).is_err() {
        let rule = format!("{} numbers cannot be cut into rows of {classes} classes", rows.len());
        return Err(Error::argument("one-hot decode", rule));
    }
    if let Some(at) = rows.iter().position(|value| value.is_nan()) {
        return Err(Error::argument(
            "one-hot decode",
            format!("class {} of row {} is NaN", at % classes, at / classes),
        ));
    }
    let greatest = |row: &[f32]| (1..classes).fold(0, |best, class| if row[class] > row[best] { class } else { best });
    Ok(rows.chunks_exact(classes).map(|row| greatest(row) as u32).collect())
}
