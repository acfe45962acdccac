//! The bytes of a file in order, decompressed where needed, and what is known of their number before reading.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::data::file::DEFLATE_EXPANSION;
use crate::{Error, Result};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes that memory for compressed content grows by, each time after as many have arrived.
const PIECE: usize = 256 << 10;

/// A file being read from its first byte to its last.
pub(super) struct Source<'a> {
    path: PathBuf,
    reader: Box<dyn Read + 'a>,
    /// Bytes not read yet.
    left: Left,
}

/// How much is left to read.
#[derive(Clone, Copy)]
enum Left {
    /// Plain content: the file says it all.
    Exactly(u64),
    /// Compressed content cannot hold more; how much it does hold shows at its end.
    AtMost(u64),
}

impl Source<'static> {
    /// Opens a regular file; anything else, a pipe for one, could block or never end.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let refused = |cause| Error::io("read", path, cause);
        let about = std::fs::metadata(path).map_err(refused)?;
        if !about.is_file() {
            return Err(Error::data(path, "is not a regular file"));
        }
        Self::new(path, BufReader::new(File::open(path).map_err(refused)?), about.len())
    }
}

impl<'a> Source<'a> {
    /// Reads `length` bytes of `content`; compressed if they start like gzip.
    pub(super) fn new(path: &Path, mut content: impl BufRead + 'a, length: u64) -> Result<Self> {
        let start = content.fill_buf().map_err(|cause| Error::io("read", path, cause))?;
        let path = path.to_path_buf();
        if start.starts_with(&GZIP_MAGIC) {
            let left = Left::AtMost(length.saturating_mul(DEFLATE_EXPANSION));
            return Ok(Self { path, reader: Box::new(MultiGzDecoder::new(content)), left });
        }
        Ok(Self { path, reader: Box::new(content), left: Left::Exactly(length) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The error of content that breaks `rule`.
    pub(super) fn broken(&self, rule: impl Into<String>) -> Error {
        Error::data(&self.path, rule)
    }

    /// Fills `bytes` with what comes next.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.reader.read_exact(bytes).map_err(|cause| self.failed(cause))?;
        self.left = self.left.after(bytes.len() as u64);
        Ok(())
    }

    /// Says what is wrong where `length` more bytes cannot be all that is left.
    pub(super) fn check_holds(&self, length: usize) -> Result<(), String> {
        match self.left {
            Left::Exactly(left) if left != length as u64 => {
                Err(format!("need {length} bytes after the header, but the file has {left}"))
            }
            Left::AtMost(left) if left < length as u64 => {
                Err(format!("need {length} bytes, but a compressed file of this length holds at most {left}"))
            }
            _ => Ok(()),
        }
    }

    /// The next `length` bytes, in memory of that size.
    pub(super) fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        let size = match self.left {
            Left::Exactly(_) => length,
            Left::AtMost(_) => length.min(PIECE),
        };
        let mut pieces = Vec::new();
        let mut missing = length;
        while missing > size {
            pieces.push(self.piece(size)?);
            missing -= size;
        }
        let last = self.piece(missing)?;
        if pieces.is_empty() {
            return Ok(last);
        }
        let mut bytes = self.reserve(length)?;
        pieces.iter().chain([&last]).for_each(|piece| bytes.extend_from_slice(piece));
        Ok(bytes)
    }

    /// Checks that nothing is left, the checksum of compressed content included.
    pub(super) fn finish(&mut self) -> Result<()> {
        match self.reader.read(&mut [0]).map_err(|cause| self.failed(cause))? {
            0 => Ok(()),
            _ => Err(self.broken("goes on after the last byte that its header declares")),
        }
    }

    fn piece(&mut self, size: usize) -> Result<Vec<u8>> {
        let mut piece = self.reserve(size)?;
        self.reader.by_ref().take(size as u64).read_to_end(&mut piece).map_err(|cause| self.failed(cause))?;
        if piece.len() < size {
            return Err(self.failed(ErrorKind::UnexpectedEof.into()));
        }
        Ok(piece)
    }

    fn reserve(&self, size: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| self.broken(format!("its {size} bytes do not fit into memory")))?;
        Ok(bytes)
    }

    fn failed(&self, cause: io::Error) -> Error {
        match (cause.kind(), self.left) {
            (ErrorKind::UnexpectedEof, _) => self.broken("ends before the last byte that its header declares"),
            (ErrorKind::InvalidData | ErrorKind::InvalidInput, Left::AtMost(_)) => {
                self.broken(format!("its compressed content is damaged: {cause}"))
            }
            _ => Error::io("read", &self.path, cause),
        }
    }
}

impl Left {
    fn after(self, read: u64) -> Self {
        match self {
            Self::Exactly(left) => Self::Exactly(left.saturating_sub(read)),
            Self::AtMost(left) => Self::AtMost(left.saturating_sub(read)),
        }
    }
}
