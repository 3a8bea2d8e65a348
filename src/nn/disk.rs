//! File operations, one by one: what keeps a file whole through a kill or a power cut, behind an interface that a test can
//! stand in for.

use crate::error::{Error, Result};
use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{Error as IoError, Result as IoResult, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The operations on a folder's files that a run folder is written by. Nothing is on the disk for certain before it is
/// synced: a file's content by [`DiskFile::sync`], its name by [`Disk::sync_folder`].
pub trait Disk: Debug + Send + Sync {
    /// Makes the file `path`, which must not exist.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, path: &Path) -> IoResult<Box<dyn DiskFile>>;
    /// Opens the file `path`, to write at its end.
    ///
    /// # Errors
    /// What the system says.
    fn append(&self, path: &Path) -> IoResult<Box<dyn DiskFile>>;
    /// Gives a file another name; a file of that name is replaced.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> IoResult<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> IoResult<()>;
    /// Waits until the names in a folder are on the disk.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&self, folder: &Path) -> IoResult<()>;
}

/// A file under writing.
pub trait DiskFile {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// What the system says.
    fn write(&mut self, bytes: &[u8]) -> IoResult<()>;
    /// Waits until the content is on the disk.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self) -> IoResult<()>;
}

/// The computer's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&self, path: &Path) -> IoResult<Box<dyn DiskFile>> {
        Ok(Box::new(std::fs::File::create_new(path)?))
    }

    fn append(&self, path: &Path) -> IoResult<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().append(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> IoResult<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> IoResult<()> {
        std::fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> IoResult<()> {
        // Only Unix lets a program flush a folder.
        if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
    }
}

impl DiskFile for std::fs::File {
    fn write(&mut self, bytes: &[u8]) -> IoResult<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> IoResult<()> {
        self.sync_all()
    }
}

/// How the names of files begin and end that are not whole yet; a program that was stopped may leave some behind.
const TEMPORARY: (&str, &str) = (".wgrad-", ".tmp");

/// Whether this is the name of a file that was not whole yet.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

/// Replaces the file at `path` by `bytes`: whoever reads it, and whatever stops the program or the computer, sees the old
/// content or the new one, whole.
///
/// # Errors
/// [`Error::Io`]; the file at `path` stays as it was.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<()> {
    replace_with(disk, path, &mut |file| file.write_all(bytes))
}

/// The same for what `write` writes, piece by piece; when it fails, the file at `path` stays as it was.
///
/// # Errors
/// As [`replace`].
pub fn replace_with(disk: &dyn Disk, path: &Path, write: &mut dyn FnMut(&mut dyn Write) -> IoResult<()>) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(Error::io(path, IoError::other("this is a folder. Name a file"))),
        // A device or a pipe (/dev/stdout) has no old content to keep, and a rename would put a file in its place.
        Ok(found) if !found.is_file() => {
            let file = OpenOptions::new().write(true).open(path);
            return file.and_then(|mut file| write(&mut file)).map_err(|e| Error::io(path, e));
        }
        _ => {}
    }
    // What a link points to is replaced, not the link.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    put(disk, path, &target, write, None)
}

/// The same for a file of which the one before is kept, under the name `previous`: at every moment one of the two names
/// holds a whole file, from the first write on.
///
/// # Errors
/// [`Error::Io`]; the last whole file stays under one of the two names.
pub fn replace_keeping(disk: &dyn Disk, path: &Path, previous: &Path, bytes: &[u8]) -> Result<()> {
    put(disk, path, path, &mut |file| file.write_all(bytes), Some(previous))
}

/// A file under writing, for what writes to any.
struct Stream<'a>(&'a mut dyn DiskFile);

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.0.write(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}

fn put(
    disk: &dyn Disk,
    path: &Path,
    target: &Path,
    write: &mut dyn FnMut(&mut dyn Write) -> IoResult<()>,
    previous: Option<&Path>,
) -> Result<()> {
    let failed = |e| Error::io(path, e);
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let missing = format!("there is no folder {}. Make it, or name another file", folder.display());
        return Err(failed(IoError::other(missing)));
    }
    let (temporary, mut file) = create_temporary(folder, |path| disk.create(path)).map_err(failed)?;
    let put = write(&mut Stream(file.as_mut())).and_then(|()| file.sync()).and_then(|()| {
        drop(file);
        if let Some(previous) = previous.filter(|_| target.exists()) {
            disk.rename(target, previous)?;
        }
        disk.rename(&temporary, target)
    });
    if let Err(e) = put {
        // The disk may be full: what is of no use must not stay. Where even that fails there is nothing left to try.
        let _ = disk.remove(&temporary);
        return Err(failed(e));
    }
    // The new name is on the disk only once the folder is.
    disk.sync_folder(folder).map_err(|e| Error::io(folder, e))
}

/// A new file in `folder` that no name leads to and that is gone when the program ends, however it ends.
pub fn unnamed(folder: &Path) -> IoResult<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(windows)]
    {
        /// The system removes the file when it is closed; it cannot be removed before.
        const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
        std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, FILE_FLAG_DELETE_ON_CLOSE);
    }
    let (path, file) = create_temporary(folder, |path| options.open(path))?;
    if cfg!(not(windows)) {
        std::fs::remove_file(path)?;
    }
    Ok(file)
}

/// A new file in `folder` under a name that no other program or thread uses.
fn create_temporary<F>(folder: &Path, create: impl Fn(&Path) -> IoResult<F>) -> IoResult<(PathBuf, F)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (begin, end) = TEMPORARY;
        let path = folder.join(format!("{begin}{}-{number}{end}", std::process::id()));
        match create(&path) {
            Ok(file) => return Ok((path, file)),
            // A program of the same number that was killed, perhaps on another computer.
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
}
