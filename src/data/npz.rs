//! NumPy's archives: `.npz` files, which are ZIP files of arrays by name, stored or deflated.

use std::fs::File;
use std::io::{Cursor, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::checkpoint::write_atomically;
use crate::data::file::DEFLATE_EXPANSION;
use crate::data::npy::{self, Array};
use crate::{Error, Result};

/// What follows the name of an array in the archive.
const ENDING: &str = ".npy";

/// An archive whose list of arrays is read and whose arrays are not.
///
/// ```
/// use rectify::data::npy::Array;
/// use rectify::data::npz::{self, Archive};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("set.npz");
/// npz::write(&path, &[("x", &Array::new(vec![2], vec![0.5f32, 1.5])?), ("y", &Array::new(vec![2], vec![1i64, 0])?)])?;
/// let mut archive = Archive::open(&path)?;
/// assert_eq!(archive.names(), ["x", "y"]);
/// assert_eq!(archive.array("y")?.shape(), [2]);
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    /// Bytes of the whole file.
    length: u64,
    zip: ZipArchive<File>,
}

impl Archive {
    /// Opens an archive and reads its list.
    ///
    /// # Errors
    /// [`Error::Data`] for a file that is no ZIP archive; [`Error::Io`] where the system refuses to read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let refused = |cause| Error::io("read", &path, cause);
        let about = std::fs::metadata(&path).map_err(refused)?;
        if !about.is_file() {
            return Err(Error::data(&path, "is not a regular file"));
        }
        let file = File::open(&path).map_err(refused)?;
        let zip = ZipArchive::new(file).map_err(|cause| broken(&path, "", cause))?;
        Ok(Self { path, length: about.len(), zip })
    }

    /// The names of the arrays, sorted.
    pub fn names(&self) -> Vec<String> {
        let names = self.zip.file_names().filter_map(|name| Some(name.ok()?.strip_suffix(ENDING)?.to_owned()));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    /// Reads one array. Memory grows only as its bytes arrive.
    ///
    /// # Errors
    /// [`Error::Data`] for a name that is not there, or content that breaks the format of the archive or of the array.
    pub fn array(&mut self, name: &str) -> Result<Array> {
        let Self { path, length, zip } = self;
        let entry = zip.by_name(&format!("{name}{ENDING}")).map_err(|cause| broken(path, name, cause))?;
        let rule = |rule: String| Error::data(&*path, format!("array '{name}' {rule}"));
        let (size, compressed) = (entry.size(), entry.compressed_size());
        let most = match entry.compression() {
            CompressionMethod::Stored => compressed,
            _ => compressed.saturating_mul(DEFLATE_EXPANSION),
        };
        if compressed > *length || size > most {
            return Err(rule(format!("declares {size} bytes, but the archive cannot hold more than {most} of it")));
        }
        let mut bytes = Vec::new();
        // One byte more than declared: so the end is seen, and with it the checksum, and whatever goes on behind it.
        match entry.take(size.saturating_add(1)).read_to_end(&mut bytes) {
            Ok(read) if read as u64 == size => npy::from_bytes(&bytes).map_err(rule),
            Ok(_) => Err(rule(format!("does not have the {size} bytes that it declares"))),
            Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => Err(rule("is cut".into())),
            Err(cause) => Err(rule(format!("is damaged: {cause}"))),
        }
    }
}

/// Replaces the file at `path` by an archive of these arrays, deflated, whole or not at all.
///
/// # Errors
/// [`Error::Argument`] for a name that occurs twice; [`Error::Io`] where the system refuses.
pub fn write(path: impl AsRef<Path>, arrays: &[(&str, &Array)]) -> Result<()> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let refused = |cause: ZipError| Error::argument("write npz", cause.to_string());
    for (name, array) in arrays {
        let bytes = npy::to_bytes(array);
        let large = bytes.len() >= u32::MAX as usize;
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(large);
        zip.start_file(format!("{name}{ENDING}"), options).map_err(refused)?;
        zip.write_all(&bytes).map_err(|cause| refused(cause.into()))?;
    }
    let bytes = zip.finish().map_err(refused)?.into_inner();
    write_atomically(path, |file| file.write_all(&bytes))
}

/// The error of an archive, or of an array in it, that cannot be used.
fn broken(path: &Path, name: &str, cause: ZipError) -> Error {
    let rule = match cause {
        ZipError::Io(cause) if cause.kind() != ErrorKind::UnexpectedEof => return Error::io("read", path, cause),
        ZipError::FileNotFound => format!("holds no array '{name}'"),
        cause if name.is_empty() => format!("is no .npz archive: {cause}"),
        cause => format!("array '{name}' cannot be read: {cause}"),
    };
    Error::data(path, rule)
}
