//! Which tuning a command works with.

use super::{Lock, cache};
use crate::error::Result;
use crate::exec::Device;
use crate::plan::tuning::Table;
use crate::train::record::RunRecord;
use std::ffi::OsStr;
use std::path::PathBuf;

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
        Asked::Auto => Lock::new(&device, &Table::new()).and_then(|key| cache::file(&key)).filter(|path| path.exists()),
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
