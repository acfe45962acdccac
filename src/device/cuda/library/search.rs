//! Where CUDA's libraries may lie: the loader's own folders, a toolkit, Python wheels.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Absence, Library, Loaded};

/// Folders to look through instead of all others, separated as in `PATH`; an empty one stands for all others.
pub const PATH_VARIABLE: &str = "RECTIFY_CUDA_PATH";

/// Major versions this crate works with, newest first.
const MAJORS: [u32; 2] = [13, 12];

/// Folders of a toolkit or a prefix that may hold libraries.
const SUBFOLDERS: [&str; 6] = ["", "lib64", "lib", "bin", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"];

/// Finds and loads a library. Of several versions, the one of the driver's major version comes first, then older ones: what a
/// newer compiler makes, an older driver may refuse.
pub fn open(library: Library, driver_major: Option<u32>) -> Result<Loaded, Absence> {
    let names = file_names(library, driver_major);
    let places = Places::from_env();
    let mut broken = None;
    for folder in &places.folders {
        for name in &names {
            let path = folder.join(name);
            if !path.is_file() {
                continue;
            }
            match Loaded::open(&path) {
                Ok(loaded) => return Ok(loaded),
                Err(absence) => broken = broken.or(Some(absence)),
            }
        }
    }
    if places.and_loader {
        for name in &names {
            if let Ok(loaded) = Loaded::open(Path::new(name)) {
                return Ok(loaded);
            }
        }
    }
    Err(broken.unwrap_or(Absence::NotFound { library, searched: places.described }))
}

/// The file that would be tried first; none where the loader's own search has to find it.
pub fn locate(library: Library, driver_major: Option<u32>) -> Option<PathBuf> {
    let names = file_names(library, driver_major);
    let folders = Places::from_env().folders;
    folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).find(|path| path.is_file())
}

/// The names its file may have, best first.
fn file_names(library: Library, driver_major: Option<u32>) -> Vec<String> {
    let windows = cfg!(windows);
    match library {
        Library::Driver if windows => return vec!["nvcuda.dll".into()],
        Library::Driver => return vec!["libcuda.so.1".into(), "libcuda.so".into()],
        Library::Nvml if windows => return vec!["nvml.dll".into()],
        Library::Nvml => return vec!["libnvidia-ml.so.1".into()],
        Library::Nvrtc | Library::Cublas | Library::CublasLt => {}
    }
    let known = driver_major.unwrap_or(u32::MAX);
    let (usable, newer): (Vec<u32>, Vec<u32>) = MAJORS.into_iter().partition(|&major| major <= known);
    let name = library.name();
    let of_major = |major: u32| match (windows, library) {
        (true, Library::Nvrtc) => format!("{name}64_{major}0_0.dll"),
        (true, _) => format!("{name}64_{major}.dll"),
        (false, _) => format!("lib{name}.so.{major}"),
    };
    let plain = if windows { Vec::new() } else { vec![format!("lib{name}.so")] };
    usable.into_iter().chain(newer).map(of_major).chain(plain).collect()
}

/// Where to look.
struct Places {
    folders: Vec<PathBuf>,
    /// Whether the loader's own search comes last.
    and_loader: bool,
    /// In words, for a message.
    described: String,
}

impl Places {
    fn from_env() -> Self {
        let Some(list) = env::var_os(PATH_VARIABLE) else { return Self::usual() };
        let mut places = Self {
            folders: Vec::new(),
            and_loader: false,
            described: format!("looked in {PATH_VARIABLE} = {}", list.to_string_lossy()),
        };
        for entry in env::split_paths(&list) {
            if entry.as_os_str().is_empty() {
                let usual = Self::usual();
                places.folders.extend(usual.folders);
                places.and_loader = true;
            } else {
                places.folders.extend(within(&entry));
            }
        }
        places
    }

    /// A toolkit that is named, the active Python environments' wheels, the usual place of a toolkit, then the loader.
    fn usual() -> Self {
        let toolkits = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env::var_os).map(PathBuf::from);
        let mut folders: Vec<PathBuf> = toolkits.flat_map(|toolkit| within(&toolkit)).collect();
        folders.extend(site_packages().iter().flat_map(|site| wheels(site)));
        folders.extend(within(Path::new("/usr/local/cuda")));
        folders.push("/usr/lib/wsl/lib".into());
        let described = "looked in CUDA_HOME, CUDA_PATH, the wheels of Python environments, /usr/local/cuda and the loader's folders";
        Self { folders, and_loader: true, described: described.into() }
    }
}

/// The folders at or below a prefix that may hold libraries. Stubs are left out: they are there to link with.
fn within(prefix: &Path) -> Vec<PathBuf> {
    let plain = SUBFOLDERS.iter().map(|sub| if sub.is_empty() { prefix.into() } else { prefix.join(sub) });
    plain.chain(wheels(prefix)).collect()
}

/// The library folders of NVIDIA's wheels in a folder of Python packages.
fn wheels(site: &Path) -> Vec<PathBuf> {
    entries(&site.join("nvidia")).into_iter().flat_map(|wheel| [wheel.join("lib"), wheel.join("bin")]).collect()
}

/// The folders of Python packages that the environment points to: the active environments, and those of the
/// interpreters in `PATH`.
fn site_packages() -> Vec<PathBuf> {
    let active = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let interpreters = env::split_paths(&path).filter(|folder| folder.join("python3").exists());
    let prefixes = active.chain(interpreters.filter_map(|folder| Some(folder.parent()?.to_path_buf())));
    let user = env::var_os("HOME").map(|home| Path::new(&home).join(".local"));
    let mut found = Vec::new();
    for prefix in prefixes.chain(user) {
        found.push(prefix.join("Lib/site-packages"));
        for folder in entries(&prefix.join("lib")) {
            if folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python3")) {
                found.extend([folder.join("site-packages"), folder.join("dist-packages")]);
            }
        }
    }
    found.dedup();
    found
}

/// What is in a folder, in order; nothing where it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(windows))]
    fn the_drivers_major_version_comes_first_and_newer_ones_last() {
        let names = |major| file_names(Library::Nvrtc, major);
        assert_eq!(names(None), ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"]);
        assert_eq!(names(Some(13)), ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"]);
        assert_eq!(names(Some(12)), ["libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc.so"]);
    }

    #[test]
    fn wheels_are_found_in_their_layouts() {
        let site = tempfile::tempdir().unwrap();
        for wheel in ["cu13", "cuda_nvrtc"] {
            fs::create_dir_all(site.path().join("nvidia").join(wheel).join("lib")).unwrap();
        }
        let found = wheels(site.path());
        assert!(found.contains(&site.path().join("nvidia/cu13/lib")));
        assert!(found.contains(&site.path().join("nvidia/cuda_nvrtc/lib")));
    }
}
