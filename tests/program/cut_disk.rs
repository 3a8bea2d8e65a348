//! A disk that writes down every operation, and the states in which a power cut may leave a folder.
//!
//! The model is that of POSIX: a file's content is on the disk for certain once the file is synced, its name once the
//! folder is. Names that were made, changed or removed since then reach the disk in their order, as a journal keeps it, or
//! all but one of them; content that was not synced may be there, missing, cut off, zeros or anything.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use wgrad::model::disk::{Disk, DiskFile, SystemDisk};

/// One operation; names are relative to the recorded folder.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    Create(String),
    Write(String, Vec<u8>),
    Sync(String),
    Rename(String, String),
    Remove(String),
    SyncFolder,
}

/// Does everything for real and writes down what is done within `root`.
#[derive(Debug, Clone)]
pub struct Recorder {
    root: PathBuf,
    done: Arc<Mutex<Vec<Operation>>>,
}

struct RecordedFile {
    name: Option<String>,
    file: Box<dyn DiskFile>,
    done: Arc<Mutex<Vec<Operation>>>,
}

impl Recorder {
    pub fn new(root: &Path) -> Recorder {
        // The lock is not written through the disk.
        Recorder { root: root.to_path_buf(), done: Arc::new(Mutex::new(vec![Operation::Create(".lock".into())])) }
    }

    pub fn operations(&self) -> Vec<Operation> {
        self.done.lock().unwrap().clone()
    }

    fn name(&self, path: &Path) -> Option<String> {
        Some(path.strip_prefix(&self.root).ok()?.to_str().unwrap().to_string())
    }

    fn note(&self, operation: Option<Operation>) {
        self.done.lock().unwrap().extend(operation);
    }

    fn file(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(RecordedFile { name: self.name(path), file, done: Arc::clone(&self.done) })
    }
}

impl Disk for Recorder {
    fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        let file = SystemDisk.create(path)?;
        self.note(self.name(path).map(Operation::Create));
        Ok(self.file(path, file))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        Ok(self.file(path, SystemDisk.append(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        SystemDisk.rename(from, to)?;
        self.note(self.name(from).zip(self.name(to)).map(|(from, to)| Operation::Rename(from, to)));
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        SystemDisk.remove(path)?;
        self.note(self.name(path).map(Operation::Remove));
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> Result<()> {
        SystemDisk.sync_folder(folder)?;
        self.note((folder == self.root).then_some(Operation::SyncFolder));
        Ok(())
    }
}

impl DiskFile for RecordedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write(bytes)?;
        self.done.lock().unwrap().extend(self.name.clone().map(|name| Operation::Write(name, bytes.to_vec())));
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync()?;
        self.done.lock().unwrap().extend(self.name.clone().map(Operation::Sync));
        Ok(())
    }
}

/// What a file that was not synced holds after the cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tear {
    /// All that was written.
    Nothing,
    /// What was synced last.
    All,
    /// This share, in 256ths, of what was written since.
    Part(u8),
    /// The right length, with zeros for what was written since.
    Zeros,
    /// The right length, with other bytes.
    Noise,
}

/// Names and contents.
pub type Folder = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Default)]
struct File {
    synced: Vec<u8>,
    written: Vec<u8>,
}

#[derive(Clone)]
enum Change {
    Put(String, usize),
    Move(String, String),
    Drop(String),
}

type Names = BTreeMap<String, usize>;

fn apply(names: &mut Names, change: &Change) {
    match change {
        Change::Put(name, file) => drop(names.insert(name.clone(), *file)),
        Change::Drop(name) => drop(names.remove(name)),
        Change::Move(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
    }
}

/// Every state in which a cut after `operations` may leave the folder, for these tears.
pub fn states(operations: &[Operation], tears: &[Tear]) -> BTreeSet<Folder> {
    let (mut files, mut now, mut safe): (Vec<File>, Names, Names) = Default::default();
    let mut pending: Vec<Change> = Vec::new();
    for operation in operations {
        let change = match operation {
            Operation::Create(name) => {
                files.push(File::default());
                Some(Change::Put(name.clone(), files.len() - 1))
            }
            Operation::Rename(from, to) => Some(Change::Move(from.clone(), to.clone())),
            Operation::Remove(name) => Some(Change::Drop(name.clone())),
            Operation::Write(name, bytes) => {
                files[now[name]].written.extend_from_slice(bytes);
                None
            }
            Operation::Sync(name) => {
                let file = &mut files[now[name]];
                file.synced.clone_from(&file.written);
                None
            }
            Operation::SyncFolder => {
                safe.clone_from(&now);
                pending.clear();
                None
            }
        };
        if let Some(change) = change {
            apply(&mut now, &change);
            pending.push(change);
        }
    }
    let first = (0..=pending.len()).map(|count| (0..count).collect::<Vec<_>>());
    let all_but_one = (0..pending.len()).map(|left_out| (0..pending.len()).filter(|i| *i != left_out).collect());
    let mut found = BTreeSet::new();
    for kept in first.chain(all_but_one) {
        let mut names = safe.clone();
        kept.iter().for_each(|i| apply(&mut names, &pending[*i]));
        for tear in tears {
            found.insert(names.iter().map(|(name, file)| (name.clone(), torn(&files[*file], *tear))).collect());
        }
    }
    found
}

fn torn(file: &File, tear: Tear) -> Vec<u8> {
    let (safe, all) = (file.synced.len(), &file.written);
    let rest = all.len() - safe;
    match tear {
        Tear::Nothing => all.clone(),
        Tear::All => all[..safe].to_vec(),
        Tear::Part(share) => all[..safe + rest * share as usize / 256].to_vec(),
        Tear::Zeros => [&all[..safe], &vec![0; rest]].concat(),
        Tear::Noise => all.iter().enumerate().map(|(i, b)| if i < safe { *b } else { b ^ 0x5a }).collect(),
    }
}
