//! Where what was found out about a machine is kept.

use std::env;
use std::path::PathBuf;

/// A folder to keep compiled kernels, chosen algorithms and measured ceilings in; empty to keep none.
pub const FOLDER_VARIABLE: &str = "RECTIFY_CACHE_DIR";

/// The folder that `RECTIFY_CACHE_DIR` names, else `rectify` in the user's cache folder, if there is one.
pub fn cache_folder() -> Option<PathBuf> {
    match env::var_os(FOLDER_VARIABLE) {
        Some(folder) if folder.is_empty() => None,
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(user_cache()?.join("rectify")),
    }
}

fn user_cache() -> Option<PathBuf> {
    let named = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        return named("LOCALAPPDATA");
    }
    named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))
}
