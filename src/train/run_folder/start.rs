//! Making a run's folder, and holding it for one process.

use super::{METRICS, PREPROCESSING, RECORD, RunFolder, SPEC, state};
use crate::error::{Error, Remedy, Result};
use crate::nn::disk::{Disk, is_temporary};
use std::fs::TryLockError;
use std::path::Path;
use std::sync::Arc;

/// The file that the process which trains in the folder holds locked.
const LOCK: &str = ".lock";

/// Holds a run's folder for this process. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: std::fs::File,
    /// What must be said where the file system has no locks.
    pub notice: Option<String>,
}

impl RunFolder {
    /// Makes the folder `dir` for a new run.
    ///
    /// # Errors
    /// [`Error::Spec`] when it holds anything already; [`Error::Io`].
    pub fn create(dir: &Path, disk: Arc<dyn Disk>) -> Result<RunFolder> {
        RunFolder::refuse_existing(dir)?;
        let new: Vec<&Path> = dir.ancestors().take_while(|d| !d.as_os_str().is_empty() && !d.exists()).collect();
        std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        for made in new {
            sync_parent(&*disk, made)?;
        }
        Ok(RunFolder { dir: dir.to_path_buf(), disk })
    }

    /// Refuses a folder that holds a run, or anything else that a run's files might replace. A start that was cut off
    /// before its spec was written is no run, and makes place for a new one.
    ///
    /// # Errors
    /// [`Error::Spec`].
    pub fn refuse_existing(dir: &Path) -> Result<()> {
        let message = if dir.join(SPEC).exists() {
            format!("this folder holds another run. {}, or {}", Remedy::OtherFolder, Remedy::Resume)
        } else if dir.exists() && !dir.is_dir() {
            format!("this is a file, not a folder. {}", Remedy::OtherFolder)
        } else if !is_free(dir) {
            format!("this folder is not empty, and a run would mix with what it holds. {}", Remedy::OtherFolder)
        } else {
            return Ok(());
        };
        Err(Error::spec(dir.display().to_string(), message))
    }

    /// Makes the first folder `runs/<name>-<number>` that does not exist yet.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_numbered(name: &str, disk: Arc<dyn Disk>) -> Result<RunFolder> {
        let root = Path::new("runs");
        std::fs::create_dir_all(root).map_err(|e| Error::io(root, e))?;
        sync_parent(&*disk, root)?;
        let mut number = 1;
        loop {
            let dir = root.join(format!("{name}-{number}"));
            // create_dir, not a look before it: two processes must not take the same number.
            match std::fs::create_dir(&dir) {
                Ok(()) => {
                    sync_parent(&*disk, &dir)?;
                    return Ok(RunFolder { dir, disk });
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(Error::io(dir, e)),
            }
        }
    }

    /// Holds the folder for this process, and clears away what a process that was stopped left unfinished.
    ///
    /// # Errors
    /// [`Error::Spec`] when another process holds it; [`Error::Io`].
    pub fn lock(&self) -> Result<Lock> {
        let path = self.file(LOCK);
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|e| Error::io(&path, e))?;
        let notice = match file.try_lock() {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => {
                let other = Remedy::OtherFolder;
                let message = format!("another process trains in this folder. {other}, or wait until it has ended");
                return Err(Error::spec(self.dir.display().to_string(), message));
            }
            Err(TryLockError::Error(e)) => Some(format!(
                "this file system has no locks ({e}): make sure that no other process trains in {}",
                self.dir.display()
            )),
        };
        self.refuse_links_outside()?;
        self.remove_files(is_temporary)?;
        Ok(Lock { _file: file, notice })
    }

    /// Clears away what a start that was cut off has left. The caller holds the lock.
    ///
    /// # Errors
    /// [`Error::Spec`] when the folder has become a run since it was looked at; [`Error::Io`].
    pub fn clear_cut_off_start(&self) -> Result<()> {
        RunFolder::refuse_existing(&self.dir)?;
        self.remove_files(|name| name != LOCK)?;
        // The lock tells a start that was cut off from a user's own files, so its name is on the disk before any other.
        self.disk.sync_folder(&self.dir).map_err(|e| Error::io(&self.dir, e))
    }

    /// Refuses a folder with a link that leads out of it: a run writes through links, and a folder that came from somebody
    /// else must not decide which of the user's files that replaces.
    fn refuse_links_outside(&self) -> Result<()> {
        let folder = std::fs::canonicalize(&self.dir).map_err(|e| Error::io(&self.dir, e))?;
        for entry in std::fs::read_dir(&self.dir).map_err(|e| Error::io(&self.dir, e))? {
            let path = entry.map_err(|e| Error::io(&self.dir, e))?.path();
            let is_link = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
            if is_link && !std::fs::canonicalize(&path).is_ok_and(|target| target.starts_with(&folder)) {
                let message = "this link leads out of the run's folder, and a run would write through it. Put the file \
                               itself in its place";
                return Err(Error::spec(path.display().to_string(), message));
            }
        }
        Ok(())
    }

    fn remove_files(&self, which: impl Fn(&str) -> bool) -> Result<()> {
        for entry in std::fs::read_dir(&self.dir).map_err(|e| Error::io(&self.dir, e))? {
            let path = entry.map_err(|e| Error::io(&self.dir, e))?.path();
            if path.file_name().and_then(|name| name.to_str()).is_some_and(&which) {
                self.disk.remove(&path).map_err(|e| Error::io(&path, e))?;
            }
        }
        Ok(())
    }
}

/// Whether a folder is not there, is empty, or holds nothing but the beginnings of a run: the lock is the first file that
/// a run writes, the spec the last.
fn is_free(dir: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else { return true };
    let names: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    let ours = |name: &String| {
        is_temporary(name) || [LOCK, METRICS, PREPROCESSING, RECORD].contains(&name.as_str()) || state::holds(name)
    };
    let begun = |name: &String| name == LOCK || is_temporary(name);
    names.is_empty() || (names.iter().any(begun) && names.iter().all(ours))
}

/// A folder is on the disk only once its name in the folder above it is.
fn sync_parent(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk.sync_folder(parent).map_err(|e| Error::io(parent, e))
}
