//! IDX files, the format of MNIST and its kin: plain or gzip, told apart by their first bytes.
//!
//! Nothing a header says is believed before the file backs it: the sizes of a plain file must match its length before
//! anything is allocated, and the memory for a compressed one grows only as its bytes arrive. What remains after the
//! last byte is an error, like a checksum that does not match.

use std::path::{Path, PathBuf};

use crate::data::{Dataset, Geometry, Split, Targets};
use crate::{Error, Result};

use array::Array;
use source::Source;

mod array;
mod source;

/// Classes of an MNIST-style folder.
const CLASSES: usize = 10;

/// Loads an MNIST-style folder of ten classes.
///
/// It holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`,
/// each also as `train-images.idx3-ubyte` or with `.gz` behind; the plain file wins over the compressed one.
///
/// # Errors
/// [`Error::Data`] for a missing file, content that breaks the format, or sets that do not fit each other;
/// [`Error::Io`] where the system refuses to read.
pub fn load_folder(folder: impl AsRef<Path>) -> Result<Split> {
    let folder = folder.as_ref();
    std::fs::read_dir(folder).map_err(|cause| Error::io("read", folder, cause))?;
    let [train, test] = ["train", "t10k"].map(|name| {
        let images = find(folder, &format!("{name}-images"), "idx3-ubyte")?;
        let labels = find(folder, &format!("{name}-labels"), "idx1-ubyte")?;
        Pair::new(Source::open(&images)?, Source::open(&labels)?)
    });
    let (train, test) = (train?, test?);
    let ([_, train_rows, train_columns], [_, rows, columns]) = (train.images.sizes, test.images.sizes);
    if (train_rows, train_columns) != (rows, columns) {
        let rule = format!("test images are {rows}x{columns}, but training images are {train_rows}x{train_columns}");
        return Err(Error::data(folder, rule));
    }
    Ok(Split { train: train.read(CLASSES)?, test: test.read(CLASSES)? })
}

/// Loads one file of images and one of labels below `classes`.
///
/// # Errors
/// [`Error::Data`] for content that breaks the format or files that do not fit each other; [`Error::Io`] where the system
/// refuses to read.
pub fn load(images: impl AsRef<Path>, labels: impl AsRef<Path>, classes: usize) -> Result<Dataset> {
    Pair::new(Source::open(images.as_ref())?, Source::open(labels.as_ref())?)?.read(classes)
}

/// Reads the content of one file of images and one of labels below `classes`; errors call them `images` and `labels`.
///
/// # Errors
/// [`Error::Data`] for content that breaks the format or that does not fit together.
pub fn from_bytes(images: &[u8], labels: &[u8], classes: usize) -> Result<Dataset> {
    let images = Source::new("images".as_ref(), images, images.len() as u64)?;
    let labels = Source::new("labels".as_ref(), labels, labels.len() as u64)?;
    Pair::new(images, labels)?.read(classes)
}

/// The first file of the folder with a known spelling of this name.
fn find(folder: &Path, stem: &str, format: &str) -> Result<PathBuf> {
    let spelled = |(separator, ending)| folder.join(format!("{stem}{separator}{format}{ending}"));
    let spellings = [("-", ""), (".", ""), ("-", ".gz"), (".", ".gz")].map(spelled);
    let found = spellings.into_iter().find(|path| path.exists());
    found.ok_or_else(|| Error::data(folder, format!("the folder has no file {stem}-{format}, plain or .gz")))
}

/// Images and labels whose headers are read and fit each other.
struct Pair<'a> {
    images: Array<'a, 3>,
    labels: Array<'a, 1>,
}

impl<'a> Pair<'a> {
    fn new(images: Source<'a>, labels: Source<'a>) -> Result<Self> {
        let images = Array::open(images, ["count", "rows", "columns"])?;
        let labels = Array::open(labels, ["count"])?;
        let ([count, ..], [labelled]) = (images.sizes, labels.sizes);
        if count != labelled {
            let rule = format!("has {labelled} labels for the {count} images of {}", images.path().display());
            return Err(Error::data(labels.path(), rule));
        }
        Ok(Self { images, labels })
    }

    /// Reads the labels, which cost little, before the images.
    fn read(self, classes: usize) -> Result<Dataset> {
        let [_, rows, columns] = self.images.sizes;
        let path = self.labels.path().to_path_buf();
        let labels = self.labels.read()?.into_iter().map(u32::from).collect();
        let pixels = self.images.read()?;
        let set = Targets::numbered(labels, classes)
            .and_then(|targets| Dataset::checked(Geometry::image(1, rows, columns), pixels.into(), targets));
        set.map_err(|rule| Error::data(path, rule))
    }
}
