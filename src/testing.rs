//! The internals, opened to the crate's own tests and benchmarks by the feature `testing`. No interface: any version may change it.

#![allow(missing_docs)]

/// A room of the same name with what its private modules have.
macro_rules! open {
    ($($(#[$attribute:meta])* $name:ident: $($room:ident)::+;)*) => {
        $($(#[$attribute])* pub mod $name { pub use $($room)::+::*; })*
    };
}
pub mod data {
    use crate::data::{Dataset, RowTargets, TargetRule};
    use crate::kernels::Scalar;
    use std::ops::Range;

    pub use crate::data::pictures::folder::Folder;
    #[cfg(feature = "images")]
    pub use crate::data::pictures::source::numbers;

    pub fn blank<T: Scalar>(inputs: usize, rule: Option<TargetRule>) -> Dataset<T> {
        Dataset::blank(inputs, rule)
    }
    pub fn cast<T: Scalar>(data: &Dataset) -> Dataset<T> {
        data.cast()
    }
    /// Room for rows as words, which `row` gives.
    pub fn of_words(mut data: Dataset<f32>, rows: usize, row: impl Fn(usize) -> Vec<u32>) -> Dataset<f32> {
        data.resize(rows, row(0).len());
        (0..rows).for_each(|at| data.set_words(at, &row(at)));
        data
    }
    pub fn part(data: &Dataset<f32>, rows: Range<usize>) -> (&[f32], RowTargets<'_>) {
        data.part(rows)
    }
    open! {
        arrays: crate::data::arrays;
        block: crate::data::block;
        csv: crate::data::csv;
        like: crate::data::like;
        load: crate::data::load;
        nearest: crate::data::nearest;
        order: crate::data::order;
        rng: crate::data::rng;
        source: crate::data::source;
    }
}
pub mod exchange {
    open! {
        array: crate::exchange::onnx::array;
        protobuf: crate::exchange::protobuf;
        schema: crate::exchange::onnx::schema;
    }
}
pub mod exec {
    open! {
        analysis: crate::exec::analysis;
        cpu: crate::exec::cpu;
        #[cfg(feature = "gpu")]
        gpu: crate::exec::gpu;
        memory: crate::exec::memory;
        profile: crate::exec::profile;
    }
}
pub mod nn {
    open! {
        digest: crate::nn::digest;
        safetensors: crate::nn::safetensors;
    }
}
pub mod plan {
    open! {
        lower: crate::plan::lower;
        memory: crate::plan::memory;
        whole: crate::plan::whole;
    }
}
pub mod train {
    open! {
        checkpoint: crate::train::checkpoint;
        engine: crate::train::engine;
        feed: crate::train::feed;
        forecast: crate::train::forecast;
        forward: crate::train::forward;
        plateau: crate::train::plateau;
        portrait: crate::train::portrait;
        record: crate::train::record;
        samples: crate::train::samples;
        tables: crate::train::tables;
    }
}
pub mod verify {
    open! {
        html: crate::verify::html;
        kernels: crate::verify::kernels;
        matrix: crate::verify::matrix;
        #[cfg(feature = "gpu")]
        numerics: crate::verify::numerics;
    }
}
open! {
    bench: crate::bench;
    #[cfg(feature = "cli")]
    cli: crate::cli;
    passes: crate::passes;
    tune: crate::tune;
}
