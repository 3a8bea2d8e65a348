//! The file that holds a tuning: TOML that a person can read and a repository can keep.

use crate::data::read_whole;
use crate::error::{Error, Remedy, Result};
use crate::exec::{Device, Tuning};
use crate::kernels::{Kernel, Tiling};
use crate::nn::digest;
use crate::plan::tuning::{Class, Table, Way};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Size of a file at most: an entry takes 120 bytes, and a network has some ten classes of products.
pub const MAX_BYTES: u64 = 1 << 20;
/// The only form of the file so far.
const FORMAT: u32 = 1;
/// Digits of a digest that people see: enough that no two tables of one machine share them.
const DIGITS: usize = 16;

/// A table of ways with what it belongs to: with another adapter, driver or text of the shaders its times mean nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    format: u32,
    /// Name of the adapter.
    pub adapter: String,
    /// Backend, driver and its version.
    pub driver: String,
    /// SHA-256 of the text of all products' shaders, hexadecimal.
    pub shaders: String,
    #[serde(default)]
    product: Vec<Entry>,
}

/// A class of products with its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    m: usize,
    n: usize,
    k: usize,
    trans_a: bool,
    trans_b: bool,
    words: bool,
    way: Way,
}

impl Lock {
    /// `table` as a tuning of `device`; none on the CPU, which has nothing to tune.
    pub fn new(device: &Device, table: &Table) -> Option<Lock> {
        let (backend, driver) = device.backend_driver();
        let entry = |(class, way): (&Class, &Way)| {
            let Class { sizes: [m, n, k], trans: [trans_a, trans_b], words } = *class;
            Entry { m, n, k, trans_a, trans_b, words, way: *way }
        };
        (device.kind() == "gpu").then(|| Lock {
            format: FORMAT,
            adapter: device.name().to_string(),
            driver: format!("{backend}, {driver}"),
            shaders: shaders(),
            product: table.iter().map(entry).collect(),
        })
    }

    /// Whether both belong to the same adapter, driver and text of the shaders.
    pub fn belongs_with(&self, other: &Lock) -> bool {
        [&self.adapter, &self.driver, &self.shaders] == [&other.adapter, &other.driver, &other.shaders]
    }

    /// A name that is another one for every other adapter, driver or text of the shaders.
    pub fn key(&self) -> String {
        let text = [self.adapter.as_str(), &self.driver, &self.shaders].join("\n");
        digest::of_bytes(text.as_bytes())[..DIGITS].to_string()
    }

    /// The ways by class.
    pub fn table(&self) -> Table {
        let one = |e: &Entry| (Class { sizes: [e.m, e.n, e.k], trans: [e.trans_a, e.trans_b], words: e.words }, e.way);
        self.product.iter().map(one).collect()
    }

    /// SHA-256 of the file's text as it is written, shortened: names the table to people.
    pub fn digest(&self) -> String {
        digest::of_bytes(self.to_toml().as_bytes())[..DIGITS].to_string()
    }

    /// The file's text: the same for the same tuning.
    pub fn to_toml(&self) -> String {
        let Ok(text) = toml::to_string(self) else { unreachable!("strings, numbers and flags have a form in TOML") };
        format!("# How matrix products are computed, measured by `wgrad tune`.\n{text}")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Spec`] with place and remedy for a file that is no tuning.
    pub fn read(path: &Path) -> Result<Lock> {
        let bytes = read_whole(path, MAX_BYTES).map_err(|e| Error::io(path, e))?;
        let text = String::from_utf8(bytes);
        let refused = || Error::spec(path.display().to_string(), format!("not text, and so no tuning. {}", remedy()));
        Lock::parse(&text.map_err(|_| refused())?, path)
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`Error::Spec`] with the line.
    pub fn parse(text: &str, path: &Path) -> Result<Lock> {
        let at = |line: usize| format!("{}:{line}", path.display());
        let lock: Lock = toml::from_str(text).map_err(|e| {
            let start = e.span().map_or(0, |span| span.start);
            let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
            Error::spec(at(line), format!("no tuning: {}. {}", e.message(), remedy()))
        })?;
        let fault = |message: String| Err(Error::spec(path.display().to_string(), format!("{message}. {}", remedy())));
        if lock.format != FORMAT {
            return fault(format!("this wgrad reads tunings of format {FORMAT}, found format {}", lock.format));
        }
        let sizes = lock.product.iter().flat_map(|e| [e.m, e.n, e.k]);
        if let Some(size) = sizes.into_iter().find(|size| !size.is_power_of_two()) {
            return fault(format!("m, n and k of a [[product]] are powers of two, found {size}"));
        }
        if lock.table().len() != lock.product.len() {
            return fault("two [[product]] of the same sizes".to_string());
        }
        Ok(lock)
    }

    /// The tuning for `device`, which must be what it was made for. `from` says where it came from.
    ///
    /// # Errors
    /// [`Error::Device`] names both where adapter, driver or shaders differ, or a way that the adapter cannot take.
    pub fn fit(&self, device: &Device, from: &str) -> Result<Tuning> {
        let Some(here) = Lock::new(device, &Table::new()) else {
            return Err(Error::Device(format!(
                "{from}: a tuning of {}, but the device is {}, which has nothing to tune: {}",
                self.adapter,
                device.name(),
                Remedy::LeaveTuningOut
            )));
        };
        for (what, made, here) in [
            ("adapter", &self.adapter, &here.adapter),
            ("driver", &self.driver, &here.driver),
            ("text of the shaders (SHA-256)", &self.shaders, &here.shaders),
        ] {
            if made != here {
                return Err(Error::Device(format!(
                    "{from}: measured with another {what}: the file has \"{made}\", here it is \"{here}\". {}",
                    remedy()
                )));
            }
        }
        let (products, table) = (device.products(), self.table());
        if let Some((class, way)) = table.iter().find(|(class, way)| !products.ways(class).contains(way)) {
            let [m, n, k] = class.sizes;
            return Err(Error::Device(format!(
                "{from}: the product with m = {m}, n = {n}, k = {k} is to be computed by \"{way}\", which {} cannot. {}",
                device.name(),
                remedy()
            )));
        }
        Ok(Tuning { table: Arc::new(table), source: format!("{from} ({})", self.digest()) })
    }
}

/// What helps against a tuning that cannot be used.
fn remedy() -> String {
    format!("Measure again with `wgrad tune`, or {}", Remedy::LeaveTuningOut)
}

/// SHA-256 of the text of every product's shader with every tiling.
fn shaders() -> String {
    let products = Kernel::ALL.iter().filter(|kernel| kernel.is_product());
    let texts: Vec<String> = products.flat_map(|k| Tiling::ALL.map(|tiling| k.source_with(tiling))).collect();
    digest::of_bytes(texts.concat().as_bytes())
}
