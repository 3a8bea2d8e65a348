//! What replaces a file leaves it whole, and nothing else in its folder.

use std::io::Result as IoResult;
use std::path::Path;
use wgrad::nn::disk::{Disk, DiskFile, SystemDisk, replace, replace_keeping};

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_one_before_is_kept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (path, previous) = (folder.path().join("c"), folder.path().join("c.previous"));
    for (i, text) in ["one", "two", "three"].into_iter().enumerate() {
        replace_keeping(&SystemDisk, &path, &previous, text.as_bytes()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(previous.exists(), i > 0);
    }
    assert_eq!(std::fs::read_to_string(&previous).unwrap(), "two");
    assert_eq!(names(folder.path()), ["c", "c.previous"]);
    replace(&SystemDisk, &path, b"four").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "four");
    assert_eq!(names(folder.path()), ["c", "c.previous"]);
}

#[test]
fn a_write_that_fails_leaves_the_file_and_no_other() {
    /// A disk that has no room.
    #[derive(Debug)]
    struct Full;
    struct FullFile(Box<dyn DiskFile>);
    impl DiskFile for FullFile {
        fn write(&mut self, bytes: &[u8]) -> IoResult<()> {
            self.0.write(&bytes[..1])?;
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn sync(&mut self) -> IoResult<()> {
            self.0.sync()
        }
    }
    impl Disk for Full {
        fn create(&self, path: &Path) -> IoResult<Box<dyn DiskFile>> {
            Ok(Box::new(FullFile(SystemDisk.create(path)?)))
        }
        fn append(&self, path: &Path) -> IoResult<Box<dyn DiskFile>> {
            SystemDisk.append(path)
        }
        fn rename(&self, from: &Path, to: &Path) -> IoResult<()> {
            SystemDisk.rename(from, to)
        }
        fn remove(&self, path: &Path) -> IoResult<()> {
            SystemDisk.remove(path)
        }
        fn sync_folder(&self, folder: &Path) -> IoResult<()> {
            SystemDisk.sync_folder(folder)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c");
    replace(&SystemDisk, &path, b"one").unwrap();
    let message = replace(&Full, &path, b"two").unwrap_err().to_string();
    assert!(message.contains("c: "), "{message}");
    assert_eq!(names(folder.path()), ["c"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
}
