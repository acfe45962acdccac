//! The handwritten digits inside the crate; see `assets/digits/README.md` for their source and licence.

use crate::Result;
use crate::data::idx;
use crate::data::{Dataset, Geometry, Split};

const IMAGES: &[u8] = include_bytes!("../../assets/digits/images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../assets/digits/labels-idx1-ubyte.gz");
const CLASSES: usize = 10;
/// Pixels count the inked cells of a 4x4 block of the scan.
const MAXIMUM: u8 = 16;
/// Within each class, in file order, every fifth sample is for the test.
const TEST_EVERY: usize = 5;

/// 1,797 real handwritten digits of 8x8 pixels from 0 to 16: 1,442 to train on and 355 to test with.
///
/// From "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (1998), CC BY 4.0,
/// <https://doi.org/10.24432/C50P49>.
///
/// # Errors
/// None in practice: the files are part of the program.
pub fn digits() -> Result<Split> {
    let all = idx::from_bytes(IMAGES, LABELS, CLASSES)?;
    let geometry = Geometry { maximum: MAXIMUM, ..all.geometry() };
    let all = Dataset::new(geometry, all.pixels().to_vec(), all.labels().to_vec(), CLASSES)?;
    let (test, train) = split(all.labels());
    Ok(Split { train: all.select(&train)?, test: all.select(&test)? })
}

/// The indices of the test samples and of the others, both in file order.
fn split(labels: &[u32]) -> (Vec<usize>, Vec<usize>) {
    let mut seen = [0; CLASSES];
    (0..labels.len()).partition(|&sample| {
        let seen = &mut seen[labels[sample] as usize];
        *seen += 1;
        *seen % TEST_EVERY == 0
    })
}
