//! Optimisations that can be switched off by name, to bisect a fault.

use super::{Extras, Products};
use crate::error::{Error, Result};

/// Which optimisations a plan may use; all of them by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// Whole train steps in one dispatch, where the cost model says that it pays (`plan::whole`).
    pub whole: bool,
    /// Several nodes of the graph in one dispatch (`passes/fuse`).
    pub fusion: bool,
    /// The first layer's products gather the batch as they read it, on adapters.
    pub gather: bool,
    /// A classifier's last layer, its loss and the gradient of its input in one dispatch, on adapters.
    pub head: bool,
    /// Several words an invocation in the steps of optimizers, on software adapters.
    pub strips: bool,
    /// Matrix products that pass values between the lanes of a subgroup ([`super::Products`]).
    pub subgroups: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Switches::ALL
    }
}

impl Switches {
    /// All optimisations.
    pub const ALL: Switches =
        Switches { whole: true, fusion: true, gather: true, head: true, strips: true, subgroups: true };
    /// The names that [`Switches::without`] knows.
    pub const NAMES: [&str; 6] = ["whole", "fusion", "gather", "head", "strips", "subgroups"];

    /// All optimisations but these.
    ///
    /// # Errors
    /// [`Error::Spec`] for an unknown name; the message lists those that there are.
    pub fn without<S: AsRef<str>>(names: &[S]) -> Result<Switches> {
        let mut switches = Switches::default();
        for name in names {
            let name = name.as_ref();
            let Some((_, used)) = switches.by_name().find(|(known, _)| *known == name) else {
                let known = Switches::NAMES.join(", ");
                let message = format!("there is no such optimisation; there is {known}");
                return Err(Error::spec(format!("without {name}"), message));
            };
            *used = false;
        }
        Ok(switches)
    }

    /// Each optimisation with its name.
    fn by_name(&mut self) -> impl Iterator<Item = (&'static str, &mut bool)> {
        let Switches { whole, fusion, gather, head, strips, subgroups } = self;
        Switches::NAMES.into_iter().zip([whole, fusion, gather, head, strips, subgroups])
    }

    /// The names of the optimisations that are switched off.
    pub fn left_out(mut self) -> Vec<&'static str> {
        self.by_name().filter(|(_, used)| !**used).map(|(name, _)| name).collect()
    }

    /// The patterns of fusion that are for adapters alone.
    pub fn extras(self, adapter: bool) -> Extras {
        Extras { gather: adapter && self.gather, head: adapter && self.head, strips: adapter && self.strips }
    }

    /// `products` without what is switched off.
    pub fn products(self, products: Products) -> Products {
        Products { lanes: products.lanes.filter(|_| self.subgroups), ..products }
    }
}
