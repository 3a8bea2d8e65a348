//! Data files to rows of numbers.

mod block;
mod cache;
#[cfg(feature = "files")]
mod csv;
mod dataset;
mod element;
mod folder;
mod idx;
mod layout;
mod load;
mod nearest;
mod npy;
mod open;
mod order;
#[cfg(feature = "files")]
mod read;
#[cfg(feature = "images")]
mod resize;
mod rng;
mod scale;
mod split;
