//! Resizing: new = sum over old pixels of weight x value, along the rows, then along the columns.
//!
//! Weights are those of Pillow's `Image.resize` (Resample.c, "precompute_coeffs"): a filter of width `support`, stretched by
//! the ratio where the picture shrinks, around the centre of the new pixel, cut off at the border, its sum made 1. Sums are
//! taken in f64 in rising order and rounded to f32 after each direction, as Pillow does for pictures of floats.

use super::Filter;
use std::f64::consts::PI;

impl Filter {
    /// Half of the width, in old pixels.
    fn support(self) -> f64 {
        match self {
            Filter::Nearest | Filter::Box => 0.5,
            Filter::Bilinear => 1.0,
            Filter::Bicubic => 2.0,
            Filter::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        let distance = x.abs();
        match self {
            // The half-open interval gives a pixel on the edge to one side alone.
            Filter::Nearest | Filter::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Filter::Bilinear => (1.0 - distance).max(0.0),
            Filter::Bicubic if distance < 1.0 => (1.5 * distance - 2.5) * distance * distance + 1.0,
            Filter::Bicubic if distance < 2.0 => ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0,
            Filter::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Filter::Bicubic | Filter::Lanczos => 0.0,
        }
    }
}

/// For each new pixel of a line the first old one that counts, and the weights from there on.
fn weights(filter: Filter, old: usize, new: usize) -> Vec<(usize, Vec<f64>)> {
    let scale = old as f64 / new as f64;
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    let of_pixel = |pixel: usize| {
        let centre = (pixel as f64 + 0.5) * scale;
        if filter == Filter::Nearest {
            return ((centre as usize).min(old - 1), vec![1.0]);
        }
        // A cast rounds towards zero and takes negative numbers for 0.
        let first = (centre - support + 0.5) as usize;
        let end = ((centre + support + 0.5) as usize).min(old);
        let weight = |at: usize| filter.weight((at as f64 - centre + 0.5) / stretch);
        let mut weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        if sum != 0.0 {
            weights.iter_mut().for_each(|w| *w /= sum);
        }
        (first, weights)
    };
    (0..new).map(of_pixel).collect()
}

/// A picture of `old` rows and columns as one of `new`; `values` are rows x columns x channels.
pub fn resize(values: &[f32], channels: usize, old: [usize; 2], new: [usize; 2], filter: Filter) -> Vec<f32> {
    let across = weights(filter, old[1], new[1]);
    let mut narrow = Vec::with_capacity(old[0] * new[1] * channels);
    for row in values.chunks_exact(old[1] * channels) {
        for (first, weights) in &across {
            for channel in 0..channels {
                let old = row[first * channels + channel..].iter().step_by(channels);
                let sum: f64 = weights.iter().zip(old).map(|(w, v)| w * f64::from(*v)).sum();
                narrow.push(sum as f32);
            }
        }
    }
    let width = new[1] * channels;
    let mut resized = Vec::with_capacity(new[0] * width);
    for (first, weights) in weights(filter, old[0], new[0]) {
        for at in 0..width {
            let old = narrow[first * width + at..].iter().step_by(width);
            let sum: f64 = weights.iter().zip(old).map(|(w, v)| w * f64::from(*v)).sum();
            // Filters with negative weights overshoot at edges; light has bounds.
            resized.push(sum.clamp(0.0, 1.0) as f32);
        }
    }
    resized
}
