//! Model weights as a safetensors file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use flate2::Crc;

use super::atomic::write_atomically;
use super::header::{Entry, Header, MAX_HEADER};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// The metadata entry that holds a checksum of everything else.
const CHECKSUM: &str = "crc32";

/// Bytes of the number that says how long the header is.
const LENGTH: usize = size_of::<u64>();

/// Named tensors and what is worth knowing about them, as stored in a safetensors file.
///
/// Other programs read these files (`safetensors.torch.load_file`), and theirs load here. The format has no checksum,
/// so a CRC-32 of names, types, shapes, bytes and metadata is kept as the metadata entry `crc32`; a file without that
/// entry loads unchecked.
///
/// ```
/// use rectify::checkpoint::{NamedTensor, Weights};
/// use rectify::{DType, Shape};
///
/// let bytes = [1.0f32, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
/// let bias = NamedTensor { name: "bias".into(), dtype: DType::F32, shape: Shape::new(&[2])?, bytes };
/// let weights = Weights { tensors: vec![bias], metadata: [("seed".into(), "7".into())].into() };
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("model.safetensors");
/// weights.save(&path)?;
/// assert_eq!(Weights::load(&path)?, weights);
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Weights {
    /// The tensors; a file holds them by falling element size, otherwise in this order.
    pub tensors: Vec<NamedTensor>,
    /// Free text by key.
    pub metadata: BTreeMap<String, String>,
}

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTensor {
    /// Its name, unique in the file.
    pub name: String,
    /// The type of its elements.
    pub dtype: DType,
    /// Its shape.
    pub shape: Shape,
    /// Its elements, little endian, last axis fastest.
    pub bytes: Vec<u8>,
}

impl Weights {
    /// Writes the file, atomically (see [`write_atomically`]).
    ///
    /// # Errors
    /// [`Error::Argument`] for a name that is used twice or reserved, for bytes that do not fit their shape, and for
    /// more names than a header holds; [`Error::Io`] where the file cannot be written. The old file then stays.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.check()?;
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        // With the widest elements first, every tensor starts at a multiple of its element size.
        tensors.sort_by_key(|tensor| std::cmp::Reverse(tensor.dtype.size()));
        let mut header =
            Header { metadata: self.metadata.clone(), tensors: tensors.iter().map(|t| t.entry()).collect() };
        let checksum = checksum(&header, tensors.iter().map(|tensor| tensor.bytes.as_slice()));
        header.metadata.insert(CHECKSUM.into(), checksum);
        let json = header.to_json().map_err(|cause| Error::argument("save weights", cause.to_string()))?;
        if json.len() > MAX_HEADER {
            let rule = format!("the names and metadata take {} bytes, at most {MAX_HEADER} are possible", json.len());
            return Err(Error::argument("save weights", rule));
        }
        write_atomically(path, |out| {
            out.write_all(&(json.len() as u64).to_le_bytes())?;
            out.write_all(&json)?;
            tensors.iter().try_for_each(|tensor| out.write_all(&tensor.bytes))
        })
    }

    /// Reads a file, after checking all of its header: no more memory is taken than the file has bytes for.
    ///
    /// # Errors
    /// [`Error::Data`] naming the file and the rule it breaks; [`Error::Io`] where it cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (mut file, size) = open(path)?;
        let mut header = read_header(&mut file, size, path)?;
        let stored_checksum = header.metadata.remove(CHECKSUM);
        let payload = header.tensors.iter().map(|entry| read_bytes(&mut file, entry.bytes));
        let payload = payload.collect::<io::Result<Vec<_>>>().map_err(|cause| Error::io("read", path, cause))?;
        if let Some(stored) = stored_checksum {
            let found = checksum(&header, payload.iter().map(Vec::as_slice));
            if stored != found {
                let rule = format!("the content has checksum {found}, not {stored} as when it was written: damaged");
                return Err(Error::data(path, rule));
            }
        }
        let tensors = header.tensors.into_iter().zip(payload).map(|(entry, bytes)| entry.with(bytes)).collect();
        Ok(Self { tensors, metadata: header.metadata })
    }

    /// The tensor `name`, if the file has it.
    pub fn get(&self, name: &str) -> Option<&NamedTensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    fn check(&self) -> Result<()> {
        if self.metadata.contains_key(CHECKSUM) {
            return Err(Error::argument("save weights", format!("the metadata key '{CHECKSUM}' is reserved")));
        }
        let mut seen = BTreeSet::from(["__metadata__"]);
        for NamedTensor { name, dtype, shape, bytes } in &self.tensors {
            if !seen.insert(name) {
                return Err(Error::argument("save weights", format!("the tensor name '{name}' is taken")));
            }
            let needed = shape.bytes(*dtype)?;
            if bytes.len() != needed {
                let rule = format!("'{name}' has {} bytes, shape {shape} of {dtype} needs {needed}", bytes.len());
                return Err(Error::argument("save weights", rule));
            }
        }
        Ok(())
    }
}

impl NamedTensor {
    fn entry(&self) -> Entry {
        Entry { name: self.name.clone(), dtype: self.dtype, shape: self.shape.clone(), bytes: self.bytes.len() }
    }
}

impl Entry {
    fn with(self, bytes: Vec<u8>) -> NamedTensor {
        NamedTensor { name: self.name, dtype: self.dtype, shape: self.shape, bytes }
    }
}

/// Opens a regular file: a pipe would block, a device has no size.
fn open(path: &Path) -> Result<(File, u64)> {
    let read_error = |cause| Error::io("read", path, cause);
    if !fs::metadata(path).map_err(read_error)?.is_file() {
        return Err(Error::data(path, "is not a regular file"));
    }
    let file = File::open(path).map_err(read_error)?;
    let size = file.metadata().map_err(read_error)?.len();
    Ok((file, size))
}

fn read_header(file: &mut File, size: u64, path: &Path) -> Result<Header> {
    let read_error = |cause| Error::io("read", path, cause);
    let Some(after_length) = size.checked_sub(LENGTH as u64) else {
        return Err(Error::data(path, format!("has {size} bytes, a safetensors file has at least {LENGTH}")));
    };
    let mut length = [0; LENGTH];
    file.read_exact(&mut length).map_err(read_error)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER as u64 {
        return Err(Error::data(
            path,
            format!("declares a header of {length} bytes, at most {MAX_HEADER} are accepted"),
        ));
    }
    let Some(payload) = after_length.checked_sub(length) else {
        return Err(Error::data(
            path,
            format!("declares a header of {length} bytes and holds {after_length}: truncated"),
        ));
    };
    let json = read_bytes(file, length as usize).map_err(read_error)?;
    Header::parse(&json, payload).map_err(|rule| Error::data(path, rule))
}

fn read_bytes(file: &mut File, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Eight hexadecimal digits over all that a file says, each part ended so that no two contents run together.
fn checksum<'a>(header: &Header, payload: impl Iterator<Item = &'a [u8]>) -> String {
    let mut crc = Crc::new();
    for (key, value) in &header.metadata {
        crc.update(format!("{key}\0{value}\0").as_bytes());
    }
    for (Entry { name, dtype, shape, .. }, bytes) in header.tensors.iter().zip(payload) {
        crc.update(format!("{name}\0{dtype}{shape}").as_bytes());
        crc.update(bytes);
    }
    format!("{:08x}", crc.sum())
}
