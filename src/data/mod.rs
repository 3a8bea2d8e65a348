//! Data files to rows of numbers: reading, targets, scaling, splitting, and the random numbers behind them.

/// The names by which a spec asks for the variants of an enum.
macro_rules! named {
    ($choice:ident: $($variant:ident $name:literal),+) => {
        impl $choice {
            /// Every name that a spec may use.
            pub const NAMES: &[&str] = &[$($name),+];

            /// The choice called `name`.
            pub fn by_name(name: &str) -> Option<$choice> {
                match name {
                    $($name => Some($choice::$variant),)+
                    _ => None,
                }
            }

            /// The name that a spec uses.
            pub fn name(self) -> &'static str {
                match self {
                    $($choice::$variant => $name),+
                }
            }
        }
    };
}

pub(crate) mod arrays;
pub(crate) mod block;
mod cache;
mod check;
#[cfg(feature = "files")]
pub(crate) mod csv;
mod dataset;
mod inputs;
pub mod inspect;
pub(crate) mod like;
pub(crate) mod load;
mod means;
pub(crate) mod nearest;
mod open;
pub(crate) mod order;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
pub mod pictures;
pub(crate) mod read;
pub(crate) mod rng;
mod scale;
mod schema;
pub(crate) mod source;
mod split;
mod target;
mod weight;
#[cfg(not(feature = "files"))]
mod without_files;

pub use arrays::{bfloat16, float16};
pub use cache::{CacheWriter, RowCache};
pub(crate) use dataset::true_class;
pub use dataset::{Dataset, RowTargets, Targets};
pub use inputs::{Added, Columns, Encoding, Inputs, MOST_CATEGORIES, Missing, is_missing};
pub use load::read;
pub(crate) use means::fill_means;
pub use open::{Kind, read_whole, sniff};
pub use read::Tolerance;
pub use rng::{epoch_order, permutation};
pub use scale::{Fit, Scale, Scaler};
pub use schema::Schema;
pub use split::split_rows;
pub use target::TargetRule;
#[cfg(not(feature = "files"))]
use without_files::csv;
