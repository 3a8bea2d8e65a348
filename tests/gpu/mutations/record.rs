//! What the last whole run on an adapter found, kept beside this file: for each kernel the digest of its text, for each
//! mutation whether it was caught. A kernel whose text is still the same need not be tried again.
//!
//! `WGRAD_MUTATIONS=record` writes it, after a whole run without a surprise; nothing else does.

use super::Mutation;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use wgrad::kernels::{Kernel, Tiling};

/// Adapters of which a record is kept, and on which every fate is known, races included.
pub const KNOWN: [&str; 2] = ["llvmpipe", "SwiftShader"];

/// One adapter's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// As the driver calls itself, with its version.
    pub adapter: String,
    /// The digest of each kernel's text by the kernel's name.
    pub kernels: BTreeMap<String, String>,
    /// Whether a mutation was caught, by its identifier.
    pub caught: BTreeMap<String, bool>,
}

/// The known adapter that `name` is, if it is one.
pub fn known(name: &str) -> Option<&'static str> {
    KNOWN.into_iter().find(|known| name.contains(known))
}

/// SHA-256 of a kernel's complete texts, one for each tiling.
pub fn digest(kernel: Kernel) -> String {
    let mut hash = Sha256::new();
    for tiling in Tiling::ALL {
        hash.update(kernel.source_with(tiling));
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Record {
    fn path(known: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/gpu/mutations/{known}.txt"))
    }

    /// What a whole run found.
    pub fn of(adapter: &str, found: &[(Mutation, bool)]) -> Record {
        Record {
            adapter: adapter.to_owned(),
            kernels: found.iter().map(|(m, _)| (m.kernel.to_owned(), digest(m.kernel()))).collect(),
            caught: found.iter().map(|(m, caught)| (m.describe(), *caught)).collect(),
        }
    }

    /// The record of the adapter called `name`; none for an adapter that is not known.
    pub fn kept(name: &str) -> Option<Record> {
        let path = Record::path(known(name)?);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{}: {e}; WGRAD_MUTATIONS=record makes it", path.display()));
        Some(Record::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    }

    /// Puts the record into the tree.
    pub fn keep(&self) {
        let known =
            known(&self.adapter).unwrap_or_else(|| panic!("records are kept of {KNOWN:?}, not {}", self.adapter));
        std::fs::write(Record::path(known), self.text()).unwrap();
    }

    /// Whether the mutation was caught when the kernel's text was what it is now; none if that is not known.
    pub fn verdict(&self, mutation: &Mutation) -> Option<bool> {
        let unchanged = self.kernels.get(mutation.kernel) == Some(&digest(mutation.kernel()));
        if unchanged { self.caught.get(&mutation.describe()).copied() } else { None }
    }

    pub fn text(&self) -> String {
        let mut text = format!("adapter {}\n", self.adapter);
        self.kernels.iter().for_each(|(name, digest)| text += &format!("kernel {name} {digest}\n"));
        for (mutation, caught) in &self.caught {
            text += &format!("{} {mutation}\n", if *caught { "caught" } else { "survives" });
        }
        text
    }

    /// # Errors
    /// The first line that is no line of a record.
    pub fn parse(text: &str) -> Result<Record, String> {
        let mut record = Record { adapter: String::new(), kernels: BTreeMap::new(), caught: BTreeMap::new() };
        for (i, line) in text.lines().enumerate() {
            let fault =
                || format!("line {}: `{line}` is no line of a record; WGRAD_MUTATIONS=record writes it anew", i + 1);
            let (word, rest) = line.split_once(' ').ok_or_else(fault)?;
            let is_new = match word {
                "adapter" => std::mem::replace(&mut record.adapter, rest.to_owned()).is_empty(),
                "kernel" => {
                    let (name, digest) = rest.split_once(' ').ok_or_else(fault)?;
                    record.kernels.insert(name.to_owned(), digest.to_owned()).is_none()
                }
                "caught" | "survives" => record.caught.insert(rest.to_owned(), word == "caught").is_none(),
                _ => false,
            };
            if !is_new {
                return Err(fault());
            }
        }
        Ok(record)
    }
}
