//! Where tunings are kept: a file for each adapter, driver and text of the shaders, in the user's folder for caches.

use super::Lock;
use crate::error::{Error, Remedy, Result};
use crate::nn::weights::write_atomically;
use std::ffi::OsString;
use std::path::PathBuf;

/// The environment variable that names the folder.
pub const VARIABLE: &str = "WGRAD_CACHE";

/// The folder by the environment: `$WGRAD_CACHE`, else `wgrad` where the system keeps caches (the XDG base directories,
/// `~/Library/Caches`, `%LOCALAPPDATA%`). `None` where the environment names none.
fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let of = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(named) = variable(VARIABLE).filter(|path| !path.is_empty()) {
        return Some(named.into());
    }
    let base = match () {
        () if cfg!(windows) => of("LOCALAPPDATA"),
        () if cfg!(target_os = "macos") => of("HOME").map(|home| home.join("Library/Caches")),
        () => of("XDG_CACHE_HOME").or_else(|| of("HOME").map(|home| home.join(".cache"))),
    };
    base.map(|base| base.join("wgrad"))
}

/// The file of tunings that belong with `lock`; `None` where the system has no folder for caches.
pub fn file(lock: &Lock) -> Option<PathBuf> {
    Some(folder(|name| std::env::var_os(name))?.join(format!("tuning-{}.toml", lock.key())))
}

/// The tuning that the cache holds beside `lock`, if it can be read.
pub fn earlier(lock: &Lock) -> Option<Lock> {
    Lock::read(&file(lock)?).ok().filter(|earlier| earlier.belongs_with(lock))
}

/// Writes `lock` to the cache; gives the file.
///
/// # Errors
/// [`Error::Io`]; [`Error::Device`] where the system has no folder for caches.
pub fn write(lock: &Lock) -> Result<PathBuf> {
    let Some(path) = file(lock) else {
        let file = Remedy::NameTuningFile;
        let message = format!("the environment names no folder for caches. Set {VARIABLE} to one, or {file}");
        return Err(Error::Device(message));
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    write_atomically(&path, lock.to_toml().as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_follows_the_environment() {
        let with = |set: &'static [(&str, &str)]| {
            folder(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value)))
        };
        assert_eq!(with(&[("WGRAD_CACHE", "here"), ("HOME", "/h")]), Some("here".into()));
        assert_eq!(with(&[("WGRAD_CACHE", "")]), None);
        if cfg!(all(unix, not(target_os = "macos"))) {
            assert_eq!(with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")]), Some("/c/wgrad".into()));
            // The base directories' specification has relative paths ignored.
            assert_eq!(with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "c")]), Some("/h/.cache/wgrad".into()));
        }
    }
}
