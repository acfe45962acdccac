//! Files that are read whole.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

/// Deflate spends at least two bits on 258 bytes of output, so no honest stream expands more than this.
pub(super) const DEFLATE_EXPANSION: u64 = 1032;

/// The bytes of a regular file; anything else, a pipe for one, could block or never end.
pub(super) fn contents(path: &Path) -> Result<Vec<u8>> {
    let refused = |cause| Error::io("read", path, cause);
    let about = std::fs::metadata(path).map_err(refused)?;
    if !about.is_file() {
        return Err(Error::data(path, "is not a regular file"));
    }
    let mut bytes = Vec::new();
    let length = usize::try_from(about.len()).unwrap_or(usize::MAX);
    bytes
        .try_reserve_exact(length)
        .map_err(|_| Error::data(path, format!("its {length} bytes do not fit into memory")))?;
    File::open(path).and_then(|file| file.take(about.len()).read_to_end(&mut bytes)).map_err(refused)?;
    Ok(bytes)
}
