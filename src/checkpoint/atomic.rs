//! Replacing a file whole, or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};

/// Replaces the file at `path` by what `write` writes, whole or not at all.
///
/// The content goes to a scratch file beside `path` (exclusively created, so two writers never share one), is flushed
/// and synced, takes the place of `path` by a rename, and the folder is synced. What that gives:
///
/// - An error or panic in `write`, a full disk, a failing sync: the old file stays and the scratch file is removed.
/// - The process is killed at any moment: `path` holds the old content or the new, never a mixture. A scratch file,
///   `.name.XXXXXX.tmp`, may be left behind; nothing ever reads it, and deleting it is safe.
/// - The power fails: as above once this function has returned, on file systems and disks that honour a sync. A disk
///   that acknowledges what it has not stored can lose the new content, and no program can tell.
/// - Only the last step, syncing the folder, can fail with the new content already in place: a power failure may then
///   bring the old content back.
///
/// A symbolic link at `path` is replaced, not followed.
///
/// # Errors
/// [`Error::Io`] naming `path`, the step and the system's reason.
pub fn write_atomically<W>(path: impl AsRef<Path>, write: W) -> Result<()>
where
    W: FnOnce(&mut dyn Write) -> io::Result<()>,
{
    let path = path.as_ref();
    let folder = folder_of(path);
    let mut scratch =
        create_scratch(path, folder).map_err(|cause| Error::io("create a scratch file for", path, cause))?;
    fill(scratch.as_file_mut(), write).map_err(|cause| Error::io("write", path, cause))?;
    scratch.persist(path).map_err(|refused| Error::io("replace", path, refused.error))?;
    sync_folder(folder).map_err(|cause| Error::io("sync the folder of", path, cause))
}

/// Creates the folder `path` where it is missing, with its parents, and makes sure that files can be written in it.
///
/// Call it before work whose results go there: hours of training must not end at an unwritable folder.
///
/// # Errors
/// [`Error::Io`] naming the folder.
pub fn prepare_folder(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    fs::create_dir_all(path).map_err(|cause| Error::io("create the folder", path, cause))?;
    Builder::new().tempfile_in(path).map_err(|cause| Error::io("write in the folder", path, cause))?;
    Ok(())
}

/// The folder a file lies in: a bare file name lies in the current one.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn create_scratch(path: &Path, folder: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // Scratch files are private by default; this one becomes an ordinary file, open to whom the umask allows.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn fill<W>(file: &mut File, write: W) -> io::Result<()>
where
    W: FnOnce(&mut dyn Write) -> io::Result<()>,
{
    let mut buffered = BufWriter::new(&mut *file);
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    file.sync_all()
}

/// Makes a rename in `folder` durable. Only Unix lets a program open a folder to sync it.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_failure_after_any_number_of_bytes_keeps_the_old_file_and_removes_the_scratch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        write_atomically(&path, |out| out.write_all(b"old")).unwrap();
        for count in [0, 1, 8191, 8192, 8193, 100_000] {
            let error = write_atomically(&path, |out| {
                out.write_all(&vec![1; count])?;
                Err(io::Error::from(io::ErrorKind::StorageFull))
            });
            let message = error.unwrap_err().to_string();
            assert!(message.contains("model: cannot write: no storage space"), "{message}");
            assert_eq!(fs::read(&path).unwrap(), b"old");
            assert_eq!(names(folder.path()), ["model"]);
        }
        let panicked = catch_unwind(AssertUnwindSafe(|| write_atomically(&path, |_| panic!("in the writer"))));
        assert!(panicked.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["model"]);
    }

    #[test]
    fn a_folder_in_the_way_is_kept_and_no_scratch_remains() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::create_dir(&path).unwrap();
        let message = write_atomically(&path, |out| out.write_all(b"new")).unwrap_err().to_string();
        assert!(message.contains("cannot replace"), "{message}");
        assert!(path.is_dir());
        assert_eq!(names(folder.path()), ["model"]);
    }

    #[test]
    fn a_path_below_a_file_is_refused() {
        let file = NamedTempFile::new().unwrap();
        let below = file.path().join("model");
        assert!(matches!(write_atomically(&below, |_| Ok(())), Err(Error::Io { .. })));
        assert!(matches!(prepare_folder(&below), Err(Error::Io { .. })));
        assert!(matches!(write_atomically("/", |_| Ok(())), Err(Error::Io { .. })));
    }

    #[test]
    fn a_prepared_folder_exists_and_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        prepare_folder(&deep).unwrap();
        prepare_folder(&deep).unwrap();
        assert!(names(&deep).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (plain, atomic) = (folder.path().join("plain"), folder.path().join("atomic"));
        fs::write(&plain, b"").unwrap();
        write_atomically(&atomic, |_| Ok(())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&plain), mode(&atomic));
    }
}
