// cross_entropy: loss_i = -log softmax(z_i)[t_i], with pred = z the logits and expected = t the class;
// dpred_ij = upstream_i * (softmax(z_i)[j] - [j = t_i]).
// Shapes: pred, dpred [rows, cols]; expected [rows]; upstream [steps, upstream_stride] or [rows]; loss [rows].
// Order of sums: over the columns of a row, see lib/loss.wgsl; the largest logit and the class are left out of the sum
// and added last.
// Numerics: with m the first maximum, at k, loss = log1p(sum over j != k of exp(z_j - m)) + (m - z_t). The gradient at
// the class is minus the sum over the others divided by the whole, so that both keep full relative precision where
// the class's probability rounds to 1. A class index out of range, a NaN and an infinite maximum give NaN.
// Source: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax functions",
// IMA J. Numer. Anal. 41 (2021).
//#include lib/loss.wgsl

struct Params {
    rows: u32,
    cols: u32,
    upstream_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> pred: array<f32>;
@group(0) @binding(3) var<storage, read> expected: array<u32>;
@group(0) @binding(4) var<storage, read> upstream: array<f32>;
@group(0) @binding(5) var<storage, read_write> loss: array<f32>;
@group(0) @binding(6) var<storage, read_write> dpred: array<f32>;

const NO_COLUMN: u32 = 0xffffffffu;

struct Largest {
    value: f32,
    column: u32,
}

// The larger value, on a tie the first column: the order of comparisons does not matter.
fn larger(a: Largest, b: Largest) -> Largest {
    let second = a.column == NO_COLUMN || b.value > a.value || (b.value == a.value && b.column < a.column);
    if (second && b.column != NO_COLUMN) {
        return b;
    }
    return a;
}

var<workgroup> row_largest: array<Largest, ROW_GROUP>;

// The largest over the lanes of a row. Every invocation of the workgroup must call this.
fn row_max(mine: Largest, local: u32) -> Largest {
    if (LANES == 1u) {
        return mine;
    }
    row_largest[local] = mine;
    workgroupBarrier();
    for (var width = ROW_GROUP / 2u; width > 0u; width = width / 2u) {
        if (local < width) {
            row_largest[local] = larger(row_largest[local], row_largest[local + width]);
        }
        workgroupBarrier();
    }
    return row_largest[0];
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let at = row_lane(group, groups, local);
    let inside = at.row < params.rows;
    let first = at.row * params.cols;

    var mine = Largest(0.0, NO_COLUMN);
    if (inside) {
        for (var j = at.lane; j < params.cols; j += LANES) {
            mine = larger(mine, Largest(pred[first + j], j));
        }
    }
    let top = row_max(mine, local);

    // Each lane keeps its exponentials in dpred, where only it reads them.
    var class_index = 0u;
    var others = 0.0;
    if (inside) {
        class_index = expected[at.row];
        for (var j = at.lane; j < params.cols; j += LANES) {
            let z = pred[first + j];
            let e = select(exp_safe(z - top.value), loss_nan(), is_nan_bits(z));
            dpred[first + j] = e;
            if ((j != top.column && j != class_index) || is_nan_bits(z)) {
                others += e;
            }
        }
    }
    others = row_sum(others, local);
    if (!inside) {
        return;
    }

    let known = class_index < params.cols;
    let z_class = pred[first + select(0u, class_index, known)];
    let is_top = class_index == top.column;
    let e_class = exp_safe(z_class - top.value);
    let below_top = select(others + e_class, others, is_top);
    let besides_class = select(1.0 + others, others, is_top);
    let whole = 1.0 + below_top;
    let broken = !known || !is_finite_bits(top.value) || is_nan_bits(others);

    let given = row_upstream(at.row);
    for (var j = at.lane; j < params.cols; j += LANES) {
        let numerator = select(dpred[first + j], -besides_class, j == class_index);
        dpred[first + j] = scaled(select(numerator / whole, loss_nan(), broken), given);
    }
    if (at.lane == 0u) {
        loss[at.row] = select(log1p_safe(below_top) + (top.value - z_class), loss_nan(), broken);
    }
}
