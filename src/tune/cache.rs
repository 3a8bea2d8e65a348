//! Where tunings are kept, a file for each adapter, driver and text of the shaders, in the user's folder for caches; and which
//! of them a command works with.

use super::Lock;
use crate::error::{Error, Remedy, Result};
use crate::exec::Device;
use crate::nn::weights::write_atomically;
use crate::plan::tuning::Table;
use crate::train::record::RunRecord;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The environment variable that names the folder.
pub const VARIABLE: &str = "WGRAD_CACHE";

/// The folder by the environment: `$WGRAD_CACHE`, else `wgrad` where the system keeps caches (the XDG base directories,
/// `~/Library/Caches`, `%LOCALAPPDATA%`). `None` where the environment names none.
pub fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
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

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Asked {
    /// The cache's file of this adapter, driver and text of the shaders where there is one, else the rules.
    #[default]
    Auto,
    /// The rules alone.
    Rules,
    /// This file.
    File(PathBuf),
}

impl Asked {
    /// The text that stands for it: `auto`, `none` or the file.
    pub fn as_arg(&self) -> &OsStr {
        match self {
            Asked::Auto => OsStr::new("auto"),
            Asked::Rules => OsStr::new("none"),
            Asked::File(path) => path.as_os_str(),
        }
    }
}

/// `device` with the tuning that is asked for.
///
/// # Errors
/// As [`Lock::read`] and [`Lock::fit`]: a file that is there must be right, the cache's as well as the user's.
pub fn choose(device: Device, asked: &Asked) -> Result<Device> {
    let path = match asked {
        Asked::Rules => None,
        Asked::File(path) => Some(path.clone()),
        Asked::Auto => Lock::new(&device, &Table::new()).and_then(|key| file(&key)).filter(|path| path.exists()),
    };
    let tuning = path.map(|path| Lock::read(&path)?.fit(&device, &path.display().to_string())).transpose()?;
    Ok(device.tuned(tuning))
}

/// `device` with the tuning by which the run of `record` was trained last, whatever a cache holds now. Where that belongs to
/// another adapter, driver or text of the shaders, the rules decide.
pub fn as_begun(device: Device, record: &RunRecord) -> Device {
    let last = record.parts.last().and_then(|part| part.tuning.as_ref());
    let tuning = last.and_then(|lock| lock.fit(&device, "the run's own").ok());
    device.tuned(tuning)
}
