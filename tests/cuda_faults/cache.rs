//! The kernels kept on disk: used when whole, compiled again when not. And a compiler whose calls fail.

use std::fs;
use std::path::{Path, PathBuf};

use rectify::{Result, Tensor};
use tempfile::TempDir;

use super::{Turn, assert_typed, open};

const NVRTC: [&str; 11] = [
    "nvrtcVersion",
    "nvrtcGetNumSupportedArchs",
    "nvrtcGetSupportedArchs",
    "nvrtcCreateProgram",
    "nvrtcCompileProgram",
    "nvrtcGetProgramLogSize",
    "nvrtcGetProgramLog",
    "nvrtcGetCUBINSize",
    "nvrtcGetCUBIN",
    "nvrtcGetPTXSize",
    "nvrtcDestroyProgram",
];

/// A cache folder of its own while it lives.
struct Folder(TempDir, std::ffi::OsString);

impl Folder {
    fn new(_turn: &Turn) -> Self {
        let (folder, usual) = (tempfile::tempdir().unwrap(), std::env::var_os("RECTIFY_CACHE_DIR").unwrap());
        // SAFETY: one test runs at a time, and no thread of another reads the environment meanwhile.
        unsafe { std::env::set_var("RECTIFY_CACHE_DIR", folder.path()) };
        Self(folder, usual)
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { std::env::set_var("RECTIFY_CACHE_DIR", &self.1) };
    }
}

/// Two kernels' work on a device of its own.
fn work() -> Result<Vec<f32>> {
    let device = open()?;
    Tensor::from_slice(&[1f32, -2.0, 4.0], &[3], &device)?.neg()?.abs()?.to_vec()
}

fn compilations(turn: &Turn) -> u64 {
    turn.control.reset();
    assert_eq!(work().unwrap(), [1.0, 2.0, 4.0]);
    turn.control.count("nvrtcCompileProgram")
}

fn poison(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn kernels_that_were_poisoned_are_compiled_again_and_whole_ones_never() {
    let turn = Turn::new();
    let folder = Folder::new(&turn);
    assert_eq!(compilations(&turn), 2);
    assert_eq!(compilations(&turn), 0);
    assert!(NVRTC.iter().all(|function| turn.control.count(function) == 0), "a warm start needs no compiler");
    let files = folder.files();
    let [one, other] = &files[..] else { panic!("{files:?}") };
    poison(one, |bytes| bytes.truncate(bytes.len() / 2));
    poison(other, |bytes| *bytes.last_mut().unwrap() ^= 1);
    assert_eq!((compilations(&turn), compilations(&turn)), (2, 0), "cut short, and a bit flipped");
    let [first, second] = [one, other].map(|path| fs::read(path).unwrap());
    fs::write(one, second).unwrap();
    fs::write(other, first).unwrap();
    assert_eq!((compilations(&turn), compilations(&turn)), (2, 0), "swapped");
    turn.assert_clean("all is dropped");
}

#[test]
fn a_compiler_that_fails_once_works_the_next_time() {
    let turn = Turn::new();
    for function in NVRTC {
        let _folder = Folder::new(&turn);
        let device = open().unwrap();
        let work = || Tensor::from_slice(&[1f32, -2.0], &[2], &device)?.neg()?.to_vec::<f32>();
        turn.control.fail_at(function, 0, 1, false);
        let result = work();
        let failed = turn.control.failed();
        turn.control.clear();
        match result {
            // A log that cannot be read, or a program that cannot be destroyed, is no reason to stop.
            Ok(numbers) => assert_eq!(numbers, [-1.0, 2.0], "{function} {failed}"),
            Err(error) => assert_typed(&error, function),
        }
        assert_eq!(work().unwrap(), [-1.0, 2.0], "after {function} {failed}");
    }
    turn.assert_clean("all is dropped");
}
