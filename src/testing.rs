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
    pub use crate::data::pictures::{resize::resize as resize_picture, source::numbers};

    pub fn blank<T: Scalar>(inputs: usize, rule: Option<TargetRule>) -> Dataset<T> {
        Dataset::blank(inputs, rule)
    }
    pub fn blank_like<T: Scalar>(data: &Dataset<T>) -> Dataset<T> {
        data.blank_like()
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
    pub fn put(data: &mut Dataset<f32>, first: usize, x: &[f32], targets: RowTargets<'_>) {
        data.put(first, x, targets);
    }
    pub fn resize<T: Scalar>(data: &mut Dataset<T>, count: usize, words: usize) {
        data.resize(count, words);
    }
    pub fn set_words<T: Scalar>(data: &mut Dataset<T>, row: usize, words: &[u32]) {
        data.set_words(row, words);
    }
    pub fn weigh<T: Scalar>(data: &mut Dataset<T>, class_weights: &[f64]) {
        data.weigh(class_weights);
    }
    pub fn words<T: Scalar>(data: &Dataset<T>, row: usize, words: &mut Vec<u32>) {
        data.words(row, words);
    }
    open! {
        arrays: crate::data::arrays;
        block: crate::data::block;
        csv: crate::data::csv;
        like: crate::data::like;
        load: crate::data::load;
        nearest: crate::data::nearest;
        order: crate::data::order;
        read: crate::data::read;
        rng: crate::data::rng;
        source: crate::data::source;
    }
}
pub mod exchange {
    pub fn bias_of(name: &str) -> Option<String> {
        crate::exchange::pytorch::bias_of(name)
    }
    pub fn natural(name: &str) -> Vec<(String, u128)> {
        crate::exchange::pytorch::natural(name)
    }
    open! {
        array: crate::exchange::onnx::array;
        function: crate::exchange::onnx::function;
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
pub mod kernels {
    use std::ops::Range;

    /// Rows and columns of each part that a product is cut into.
    pub fn parts(sizes: [usize; 3]) -> Vec<[Range<usize>; 2]> {
        let (count, at) = crate::kernels::cpu::gemm::cut(sizes);
        (0..count).map(at).map(|p| [p.row..p.row + p.rows, p.col..p.col + p.cols]).collect()
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
pub mod report {
    open! {
        axis: crate::report::html::axis;
        chart: crate::report::html::chart;
        format: crate::report::html::format;
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
        difference: crate::verify::gradcheck::difference;
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
