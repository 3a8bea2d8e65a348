//! Optimisations that can be switched off by name, to bisect a fault: `--without NAME`.

use crate::error::{Error, Result};

/// Which optimisations a plan may use; all of them by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// Whole train steps in one dispatch, where the cost model says that it pays ([`super::whole`]).
    pub whole: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Switches::ALL
    }
}

impl Switches {
    /// All optimisations.
    pub const ALL: Switches = Switches { whole: true };
    /// The names that [`Switches::without`] knows.
    pub const NAMES: [&str; 1] = ["whole"];

    /// All optimisations but these.
    ///
    /// # Errors
    /// [`Error::Spec`] for an unknown name; the message lists those that there are.
    pub fn without<S: AsRef<str>>(names: &[S]) -> Result<Switches> {
        let mut switches = Switches::default();
        for name in names {
            match name.as_ref() {
                "whole" => switches.whole = false,
                other => {
                    let known = Switches::NAMES.join(", ");
                    return Err(Error::spec(
                        format!("--without {other}"),
                        format!("there is no such optimisation; there is {known}"),
                    ));
                }
            }
        }
        Ok(switches)
    }
}
