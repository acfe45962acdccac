//! Compiled kernels on disk, so that a warm start compiles nothing.
//!
//! A file is named by the digest of what its code depends on, and holds that digest, the digest of the code, and the code.
//! It is written aside and renamed, so that it is there whole or not at all, and read only if it is a plain file of this
//! user's that nobody else may write to and both digests hold. Whatever is wrong with it, the kernel is compiled again.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::device::cache_folder;

const MAGIC: &[u8; 8] = b"rectify1";
/// More than any kernel takes.
const LARGEST: u64 = 64 << 20;

/// The folder.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// A SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Cache {
    /// The [folder](cache_folder) of this machine, if there is one.
    pub fn from_env() -> Option<Self> {
        cache_folder().map(|folder| Self { folder })
    }

    /// The code kept under a digest, if it can be trusted.
    pub fn read(&self, digest: &Digest) -> Option<Vec<u8>> {
        let file = open_private(&self.path(digest))?;
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&digest.0)?;
        let (sum, code) = rest.split_at_checked(32)?;
        (Digest::of_bytes(code).0 == sum).then(|| code.to_vec())
    }

    /// Keeps code under a digest. A failure, such as a full disk, costs a compilation next time and nothing else.
    pub fn write(&self, digest: &Digest, code: &[u8]) {
        let _kept = self.try_write(digest, code);
    }

    fn try_write(&self, digest: &Digest, code: &[u8]) -> std::io::Result<()> {
        create_private(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        for part in [MAGIC.as_slice(), &digest.0, &Digest::of_bytes(code).0, code] {
            file.write_all(part)?;
        }
        file.persist(self.path(digest)).map(drop).map_err(|error| error.error)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name: String = digest.0.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name)
    }
}

impl Digest {
    /// The digest of texts, each told from the next.
    pub fn of(texts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        Self(hash.finalize().into())
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Opens a plain file, not a link, that belongs to this user and that nobody else may write to.
#[cfg(target_os = "linux")]
fn open_private(path: &Path) -> Option<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let facts = file.metadata().ok()?;
    // SAFETY: it asks for a number and cannot fail.
    let user = unsafe { libc::geteuid() };
    (facts.is_file() && facts.uid() == user && facts.mode() & 0o022 == 0).then_some(file)
}

#[cfg(not(target_os = "linux"))]
fn open_private(path: &Path) -> Option<File> {
    let plain = fs::symlink_metadata(path).ok()?.is_file();
    plain.then(|| File::open(path).ok()).flatten()
}

/// Makes a folder that is this user's alone.
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { folder: folder.path().join("kernels") };
        (folder, cache)
    }

    #[test]
    fn code_comes_back_as_it_was() {
        let (_folder, cache) = cache();
        let digest = Digest::of(&["text", "sm_90"]);
        assert_eq!(cache.read(&digest), None);
        cache.write(&digest, b"code");
        assert_eq!(cache.read(&digest).as_deref(), Some(&b"code"[..]));
        assert_ne!(digest, Digest::of(&["texts", "m_90"]), "texts are told apart by where they end");
    }

    #[test]
    fn a_poisoned_file_is_never_read() {
        let (_folder, cache) = cache();
        let [digest, other] = [Digest::of(&["one"]), Digest::of(&["two"])];
        cache.write(&digest, b"code of one");
        cache.write(&other, b"code of two");
        let path = cache.path(&digest);
        let whole = fs::read(&path).unwrap();
        let mut poisons =
            vec![Vec::new(), whole[..whole.len() - 1].to_vec(), whole[..40].to_vec(), [&whole[..], b"x"].concat()];
        for place in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[place] ^= 1;
            poisons.push(flipped);
        }
        poisons.push(fs::read(cache.path(&other)).unwrap());
        for poison in poisons {
            fs::write(&path, &poison).unwrap();
            assert_eq!(cache.read(&digest), None, "{poison:?}");
        }
        fs::write(&path, &whole).unwrap();
        assert!(cache.read(&digest).is_some());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_link_a_folder_and_a_file_others_may_write_to_are_never_read() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let (_folder, cache) = cache();
        let digest = Digest::of(&["one"]);
        cache.write(&digest, b"code");
        let path = cache.path(&digest);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o622)).unwrap();
        assert_eq!(cache.read(&digest), None);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(cache.read(&digest).is_some());
        let moved = path.with_extension("moved");
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        assert_eq!(cache.read(&digest), None);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(cache.read(&digest), None);
        cache.write(&digest, b"code");
    }

    #[test]
    fn sixteen_writers_at_once_leave_whole_files() {
        let (_folder, cache) = cache();
        let digest = Digest::of(&["one"]);
        let code = vec![7u8; 100_000];
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    cache.write(&digest, &code);
                    assert_eq!(cache.read(&digest).as_ref(), Some(&code));
                });
            }
        });
    }
}
