//! Digits drawn by a program: as many as wanted, each a function of the seed and its index alone.
//!
//! A sample picks one of the ways to write its digit, moves the points of that skeleton a little, turns, slants, scales
//! and shifts it, and draws it with a pen of some width on noisy paper. Arithmetic is plain IEEE single precision with
//! no library functions that differ between systems, so the bytes are the same everywhere.

use std::thread;

use pen::Pen;
use skeletons::SKELETONS;

use crate::data::{Dataset, Geometry, Split};
use crate::formula::philox::Stream;
use crate::{Error, Result};

mod canvas;
mod pen;
mod skeletons;

/// Rows and columns of an image.
pub const SIDE: usize = 28;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Digits from 0 to 9.
pub const CLASSES: usize = SKELETONS.len();
/// Test samples have the indices from here on, so a larger training set keeps them as they are.
pub const FIRST_TEST_INDEX: u64 = 1 << 63;

/// Sets drawing digits apart from everything else drawn with the same seed.
const STREAM: u32 = u32::from_be_bytes(*b"digi");
/// Training samples for each test sample, as in MNIST.
const TRAIN_PER_TEST: usize = 6;
/// Samples that are worth a thread.
const SAMPLES_PER_THREAD: usize = 1024;

/// `count` training digits of 28x28 pixels, and a sixth as many test digits (at least one of each class).
///
/// Labels go round from 0 to 9. The same seed gives the same bytes on every machine and for any number of threads, and
/// a smaller set is the beginning of a larger one.
///
/// # Errors
/// [`Error::Argument`] for a count of 0 or one that memory cannot hold.
pub fn synthetic(count: usize, seed: u64) -> Result<Split> {
    let test = (count / TRAIN_PER_TEST).max(CLASSES);
    Ok(Split { train: dataset(count, 0, seed)?, test: dataset(test, FIRST_TEST_INDEX, seed)? })
}

/// Draws sample `index` of `seed` into `pixels`, rows from the top, and gives its label.
pub fn draw(seed: u64, index: u64, pixels: &mut [u8; PIXELS]) -> u32 {
    let mut stream = Stream::new(seed, [index as u32, (index >> 32) as u32, STREAM]);
    let class = (index % FIRST_TEST_INDEX % CLASSES as u64) as usize;
    let ways = SKELETONS[class];
    let skeleton = &ways[stream.below(ways.len() as u64) as usize];
    let pen = Pen::drawn(&mut stream);
    let canvas = pen.write(skeleton, &mut stream);
    pen.ink(&canvas, &mut stream, pixels);
    class as u32
}

fn dataset(count: usize, first: u64, seed: u64) -> Result<Dataset> {
    let too_many = || Error::argument("synthetic", format!("{count} samples do not fit into memory"));
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let size = count.checked_mul(PIXELS).ok_or_else(too_many)?;
    pixels.try_reserve_exact(size).and_then(|()| labels.try_reserve_exact(count)).map_err(|_| too_many())?;
    pixels.resize(size, 0);
    labels.resize(count, 0);
    fill(&mut pixels, &mut labels, first, seed);
    Dataset::new(Geometry::image(1, SIDE, SIDE), pixels, labels, CLASSES)
}

/// Draws the samples from index `first` on, on as many threads as pay.
fn fill(pixels: &mut [u8], labels: &mut [u32], first: u64, seed: u64) {
    let processors = thread::available_parallelism().map_or(1, |n| n.get());
    let share = labels.len().div_ceil(processors).max(SAMPLES_PER_THREAD);
    let shares = pixels.chunks_mut(share * PIXELS).zip(labels.chunks_mut(share)).zip((first..).step_by(share));
    thread::scope(|scope| {
        for ((pixels, labels), first) in shares {
            scope.spawn(move || {
                let images = pixels.as_chunks_mut().0;
                for ((image, label), index) in images.iter_mut().zip(labels).zip(first..) {
                    *label = draw(seed, index, image);
                }
            });
        }
    });
}
