// A row of cross_entropy; formula, numerics and source stand in cross_entropy.wgsl. The including shader defines where
// operands lie: `pred_at`, `class_at`, `row_upstream`, `dpred_at`, `set_dpred`, `set_loss`.
//#include loss.wgsl

// Share of the target that is spread over all classes.
override SMOOTHING: f32 = 0.0;
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

// The lane's part of row at.row, nothing if it is not `inside`. Every invocation of the workgroup must call this.
fn class_loss_row(at: RowLane, inside: bool, cols: u32, local: u32) {
    let first = at.row * cols;

    var mine = Largest(0.0, NO_COLUMN);
    if (inside) {
        for (var j = at.lane; j < cols; j += LANES) {
            mine = larger(mine, Largest(pred_at(first + j), j));
        }
    }
    let top = row_max(mine, local);

    // Each lane keeps its exponentials in dpred, where only it reads them.
    var class_index = 0u;
    var others = 0.0;
    if (inside) {
        class_index = class_at(at.row);
        for (var j = at.lane; j < cols; j += LANES) {
            let z = pred_at(first + j);
            let e = select(exp_safe(z - top.value), loss_nan(), is_nan_bits(z));
            set_dpred(first + j, e);
            if ((j != top.column && j != class_index) || is_nan_bits(z)) {
                others += e;
            }
        }
    }
    others = row_sum(others, local);
    // Under label smoothing: how far the classes lie below the largest logit, together.
    var depth = 0.0;
    if (SMOOTHING != 0.0) {
        if (inside) {
            for (var j = at.lane; j < cols; j += LANES) {
                depth += top.value - pred_at(first + j);
            }
        }
        if (LANES != 1u) {
            // Every invocation has read the sum before.
            workgroupBarrier();
        }
        depth = row_sum(depth, local);
    }
    if (!inside) {
        return;
    }

    let known = class_index < cols;
    let z_class = pred_at(first + select(0u, class_index, known));
    let is_top = class_index == top.column;
    let e_class = exp_safe(z_class - top.value);
    let below_top = select(others + e_class, others, is_top);
    let besides_class = select(1.0 + others, others, is_top);
    let whole = 1.0 + below_top;
    let broken = !known || !is_finite_bits(top.value) || is_nan_bits(others);

    let given = row_upstream(at.row);
    for (var j = at.lane; j < cols; j += LANES) {
        let numerator = select(dpred_at(first + j), -besides_class, j == class_index);
        var slope = quotient(numerator, whole);
        if (SMOOTHING != 0.0) {
            let each = quotient(SMOOTHING, f32(cols));
            slope += select(-each, SMOOTHING - each, j == class_index);
        }
        set_dpred(first + j, scaled(select(slope, loss_nan(), broken), given));
    }
    if (at.lane == 0u) {
        var below = top.value - z_class;
        if (SMOOTHING != 0.0) {
            below = mul_add(1.0 - SMOOTHING, below, SMOOTHING * quotient(depth, f32(cols)));
        }
        set_loss(at.row, select(log1p_safe(below_top) + below, loss_nan(), broken));
    }
}
