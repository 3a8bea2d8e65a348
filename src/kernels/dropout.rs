//! Dropout, forward and for the gradient.

use super::bound::{self, TINY, U};
use super::conformance::{Shape, Values, huge};
use super::cpu::elementwise::each_part;
use super::definition::{Args, BoundCall, Call, Definition, Param, kernels, lines, read, read_u32, step, write};
use super::philox::philox4x32;
use super::scalar::Scalar;

kernels! {
    /// y = scale * x where the element's random word is at least threshold, 0 elsewhere. Shapes: x, y `[n]`; random
    /// `[steps, 4]`, a step's counter (two upper words) and key. Numerics: the mask is integers and so the same
    /// everywhere; one product.
    dropout: "dropout.wgsl", dropout, dropout_bound, "2u * |y|; 0 for a dropped element" {
        bindings: &[
            step(), read_u32("random").whole(|_, steps| COLUMNS * steps).of(Values::Word),
            read("x").of(Values::Extreme), write("y"),
        ],
        params: &["n", "first", "layer", "threshold", "scale"],
        // Ten rounds of about 40 integer operations a block of four count as 100 an element.
        groups: |a| lines(a.count(0).div_ceil(4)), flops: |a| 101 * a.count(0), bytes: |a| 4 * (2 * a.count(0) + 5),
        divided: true,
        // Random numbers are counted from the tensor's start.
        start: Some(1),
        shapes: |_| shapes(),
        corners: huge,
        ..Definition::NEW
    }
}

/// Columns of the table `random`.
const COLUMNS: usize = 4;

/// The threshold and the scale for the share `p` of dropped elements, below 1.
pub fn threshold_scale(p: f64) -> (u32, f64) {
    ((p * 32_f64.exp2()).round().min(f64::from(u32::MAX)) as u32, 1.0 / (1.0 - p))
}

/// Which elements a step keeps.
struct Mask {
    first: u32,
    layer: u32,
    threshold: u32,
    row: [u32; COLUMNS],
}

impl Mask {
    fn new(args: &Args, row: [u32; COLUMNS]) -> Mask {
        let [_, first, layer, threshold] = args.sizes().map(|v: usize| v as u32);
        Mask { first, layer, threshold, row }
    }

    /// Of the four elements from `start` on, a multiple of 4.
    #[inline(always)]
    fn four(&self, start: usize) -> [bool; 4] {
        let counter = [(self.first + start as u32) / 4, self.layer, self.row[0], self.row[1]];
        philox4x32(counter, [self.row[2], self.row[3]]).map(|word| word >= self.threshold)
    }
}

fn dropout<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let now = COLUMNS * call.inputs[0].u()[0] as usize;
    let random = call.inputs[1].u();
    let mask = Mask::new(call.args, std::array::from_fn(|i| random[now + i]));
    let scale = T::of(call.args.number(4));
    let x = call.inputs[2].f();
    let [y] = call.outputs();
    each_part([y], [x], 4, |first, [y], [x]| {
        for (block, (y, x)) in y.chunks_mut(4).zip(x.chunks(4)).enumerate() {
            let kept = mask.four(first + 4 * block);
            for ((y, &x), kept) in y.iter_mut().zip(x).zip(kept) {
                *y = if kept { scale * x } else { T::zero() };
            }
        }
    });
}

/// The error bound: the roundings of scale and of the product; none for a dropped element.
fn dropout_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let now = COLUMNS * call.inputs[0].value[0] as usize;
    let mask = Mask::new(call.args, std::array::from_fn(|i| call.inputs[1].value[now + i] as u32));
    let (x, scale) = (&call.inputs[2], call.args.number(4));
    let rule = |i: usize| match mask.four(i / 4 * 4)[i % 4] {
        true => bound::product(x.value[i], x.error[i], scale, U * scale) + TINY,
        false => 0.0,
    };
    vec![(0..x.value.len()).map(rule).collect()]
}

/// Whole and broken blocks of four, the start of a later block, every share from none to nearly all.
fn shapes() -> Vec<Shape> {
    let tail = |layer: u32, p: f64| {
        let (threshold, scale) = threshold_scale(p);
        [Param::U(layer), Param::U(threshold), Param::F(scale)]
    };
    let of = |(i, n): (usize, usize)| Shape::of(&[n, 64 * (i % 3)]).and(&tail(i as u32, [0.5, 0.2, 0.0, 0.999][i % 4]));
    let sizes = [1, 2, 3, 4, 5, 255, 256, 257, 1000];
    sizes.into_iter().enumerate().map(of).chain([Shape::of(&[97 * 256 + 5, 0]).and(&tail(7, 0.3)).folded(7)]).collect()
}
