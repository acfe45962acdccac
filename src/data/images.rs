//! Folders of PNG images, one folder for each class.
//!
//! Every image must have the size and the channels of the first one: grey or red, green and blue, of up to 16 bits each,
//! which are read as 8. Transparency must be there in name only.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use png::{ColorType, Decoder, Limits, Transformations};

use crate::data::file::{DEFLATE_EXPANSION, contents};
use crate::data::{Dataset, Geometry, Split, Targets};
use crate::{Error, Result};

/// What every PNG file ends with: an empty chunk, with its checksum.
const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";
/// Memory for what a decoder holds beside the image, in bytes: the metadata of honest images is much smaller.
const METADATA: u64 = 1 << 20;
/// The largest image, in bytes.
const MAX_BYTES: u64 = 1 << 28;

/// Loads a folder that holds a folder for each class, sorted by name. Hidden files and folders are passed over.
///
/// # Errors
/// [`Error::Data`] for a folder without classes, a class without images, anything that is no PNG image, or images of
/// different sizes; [`Error::Io`] where the system refuses to read.
pub fn load(folder: impl AsRef<Path>) -> Result<Dataset> {
    let folder = folder.as_ref();
    let classes = entries(folder)?;
    if let Some(stray) = classes.iter().find(|path| !path.is_dir()) {
        return Err(Error::data(stray, "is no folder, but beside the folders of classes there may be nothing else"));
    }
    let mut images = Images::default();
    let mut names = Vec::new();
    for class in &classes {
        let files = entries(class)?;
        if files.is_empty() {
            return Err(Error::data(class, "the folder of a class holds no image"));
        }
        for file in &files {
            images.add(file, names.len() as u32)?;
        }
        names.push(name_of(class));
    }
    let Some(geometry) = images.geometry else {
        return Err(Error::data(folder, "holds no folders of classes"));
    };
    let targets = Targets::Classes { labels: images.labels, names };
    Dataset::checked(geometry, images.pixels.into(), targets).map_err(|rule| Error::data(folder, rule))
}

/// Loads two such folders, `train` and `test`, within one.
///
/// # Errors
/// As for [`load`], and [`Error::Data`] where the two have different classes or sizes of images.
pub fn load_split(folder: impl AsRef<Path>) -> Result<Split> {
    let folder = folder.as_ref();
    let (train, test) = (load(folder.join("train"))?, load(folder.join("test"))?);
    if train.geometry() != test.geometry() {
        let rule = format!("test images are {}, but training images are {}", test.geometry(), train.geometry());
        return Err(Error::data(folder, rule));
    }
    if train.class_names() != test.class_names() {
        return Err(Error::data(folder, "train and test do not have the same classes"));
    }
    Ok(Split { train, test })
}

/// Loads one image, as a set of one sample whose target is 0.
///
/// # Errors
/// [`Error::Data`] for anything that is no PNG image; [`Error::Io`] where the system refuses to read.
pub fn load_one(path: impl AsRef<Path>) -> Result<Dataset> {
    let path = path.as_ref();
    let read = decode(&contents(path)?);
    read.and_then(|(geometry, pixels)| Dataset::checked(geometry, pixels.into(), Targets::none(1)))
        .map_err(|rule| Error::data(path, rule))
}

/// What is read so far.
#[derive(Default)]
struct Images {
    geometry: Option<Geometry>,
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

impl Images {
    fn add(&mut self, path: &Path, label: u32) -> Result<()> {
        let content = contents(path)?;
        let (geometry, pixels) = decode(&content).map_err(|rule| Error::data(path, rule))?;
        let first = *self.geometry.get_or_insert(geometry);
        if geometry != first {
            return Err(Error::data(path, format!("is {geometry}, but the images before it are {first}")));
        }
        self.pixels.extend_from_slice(&pixels);
        self.labels.push(label);
        Ok(())
    }
}

/// The pixels of an image, `[channels, rows, columns]`.
fn decode(content: &[u8]) -> Result<(Geometry, Vec<u8>), String> {
    let unreadable = |cause: png::DecodingError| format!("is no PNG image that can be read: {cause}");
    let limit = (content.len() as u64).saturating_mul(DEFLATE_EXPANSION).min(MAX_BYTES);
    let limits = Limits { bytes: (limit + METADATA) as usize };
    let mut decoder = Decoder::new_with_limits(Cursor::new(content), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(unreadable)?;
    // Of bytes as they lie in the file, which may be eighths of what they become.
    let info = reader.info();
    let packed = u64::from(info.height).saturating_mul(info.raw_row_length() as u64);
    let size = reader.output_buffer_size().filter(|&size| packed <= limit && size as u64 <= MAX_BYTES);
    let (width, height) = (info.width, info.height);
    let size = size.ok_or_else(|| format!("declares {width}x{height} pixels, more than its bytes can hold"))?;
    if !content.ends_with(END) {
        return Err("is cut, or goes on after its end".into());
    }
    let mut mixed = vec![0; size];
    let frame = reader.next_frame(&mut mixed).map_err(unreadable)?;
    reader.finish().map_err(unreadable)?;
    let (channels, transparent) = match frame.color_type {
        ColorType::Grayscale => (1, false),
        ColorType::GrayscaleAlpha => (1, true),
        ColorType::Rgb => (3, false),
        ColorType::Rgba => (3, true),
        ColorType::Indexed => return Err("has a palette that cannot be read".into()),
    };
    let samples = channels + usize::from(transparent);
    if transparent && mixed.chunks_exact(samples).any(|pixel| pixel[channels] != u8::MAX) {
        return Err("is transparent in places: what is behind it is not known".into());
    }
    let plane = |channel| mixed.chunks_exact(samples).map(move |pixel| pixel[channel]);
    let pixels = (0..channels).flat_map(plane).collect();
    Ok((Geometry::image(channels, frame.height as usize, frame.width as usize), pixels))
}

/// What a folder holds, sorted by name.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let refused = |cause| Error::io("read", folder, cause);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        if !name_of(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
