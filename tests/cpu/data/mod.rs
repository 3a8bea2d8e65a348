//! Data files to rows of numbers.

mod block;
mod cache;
#[cfg(feature = "files")]
mod csv;
mod element;
mod folder;
mod idx;
mod layout;
mod load;
mod nearest;
mod npy;
mod open;
mod order;
mod rng;
mod scale;
mod split;
