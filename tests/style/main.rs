//! What a reader of the source relies on: layers, sizes, names, headers.

mod layers;
mod source;
mod tidy;
