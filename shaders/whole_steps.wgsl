// whole_steps: many whole train steps of a chain of dense layers in one dispatch of one workgroup.
// A step: gather the batch, forward layer by layer, loss, gradient of the last activation, gradients of the layers'
// inputs from the last to the second, gradients of all weights and biases, optimizer, mean loss to the log. A barrier stands
// wherever one part reads what another wrote. The formulas, shapes and numerics are those of the kernels that the plan's
// dispatches name; element formulas are the same text (lib/).
// Shapes: the plan's; `program` says where each tensor lies in `memory`.
// Order of sums: as in the separate kernels: products in rising k, column sums in rising row, losses in rising column, the
// mean loss as the tree of weighted_sum.
// Source: as the kernels. One dispatch for many steps: a dispatch costs more than a tiny network's step.
//#include lib/activation.wgsl
//#include lib/word.wgsl
//#include lib/optimizer/hyper.wgsl
//#include lib/adam.wgsl
//#include lib/class_loss.wgsl
//#include lib/element_loss.wgsl
//#include formula
//#include lib/sgd.wgsl

// Invocations of the workgroup.
override WORKGROUP: u32 = 64u;
// One invocation computes 8 x 8 outputs of a product, or one.
override BLOCKS: bool = false;
// The loss is cross_entropy, or the one that `element` has under this code.
override CLASS_LOSS: bool = false;
override LOSS: u32 = 0u;
override MEAN: bool = true;
// 0 sgd, 1 sgd with momentum, 2 adam, 3 adamw.
override OPTIMIZER: u32 = 0u;
// The layers have different activations: each instruction's own code counts, not the constant ACT.
override MIXED: bool = false;

// One piece of work. Places are elements of `memory`, but the classes' (of `words`).
struct Instruction {
    m: u32,
    n: u32,
    k: u32,
    // Place, and elements from row to row and from term to term.
    a: u32,
    a_row: u32,
    a_step: u32,
    // Place, and elements from column to column and from term to term.
    b: u32,
    b_col: u32,
    b_step: u32,
    y: u32,
    z: u32,
    // Bias, or what the activation's derivative is taken at.
    extra: u32,
    act: u32,
    slope: f32,
    flags: u32,
    unused: u32,
}

const HAS_BIAS: u32 = 1u;
const KEEP_Z: u32 = 2u;
const HAS_ACT: u32 = 4u;

// The lists of instructions, each from the end of the one before.
struct Program {
    // The dispatch runs up to `steps` steps and stops before step `end`.
    steps: u32,
    end: u32,
    gathers: u32,
    forwards: u32,
    inputs: u32,
    weights: u32,
    biases: u32,
    updates: u32,
    rows: u32,
    cols: u32,
    weight_stride: u32,
    // Width of the tree that sums the losses: the power of two from `rows` on, at most 64.
    tree: u32,
    pred: u32,
    expected: u32,
    loss: u32,
    dpred: u32,
    // Gradient of the last activation: 0 elements for none.
    slope_n: u32,
    slope_x: u32,
    slope_y: u32,
    slope_act: u32,
    slope_slope: f32,
    hyper_stride: u32,
    nesterov: u32,
    beta2: f32,
    one_minus_beta2: f32,
    eps: f32,
    reserved0: u32,
    reserved1: u32,
    reserved2: u32,
    reserved3: u32,
    reserved4: u32,
    reserved5: u32,
    code: array<Instruction, 64>,
}

@group(0) @binding(0) var<uniform> program: Program;
// The step counter, then the classes of the batch.
@group(0) @binding(1) var<storage, read_write> words: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read> data_x: array<f32>;
@group(0) @binding(4) var<storage, read> data_target: array<u32>;
@group(0) @binding(5) var<storage, read> hyper: array<f32>;
@group(0) @binding(6) var<storage, read> weight: array<f32>;
@group(0) @binding(7) var<storage, read_write> log: array<f32>;
// Parameters, gradients, states and everything between.
@group(0) @binding(8) var<storage, read_write> memory: array<f32>;

// The step, and where its row of the weight table begins.
var<private> now: u32;
var<private> weights_begin: u32;

// --- A walk over the elements of a matrix.

// Each invocation takes every WORKGROUP-th element, row by row. Only the first step divides: a division of integers costs as
// much as many loads where it is done lane by lane.
struct Element {
    row: u32,
    col: u32,
}

fn element_walk(local: u32, cols: u32) -> Element {
    return Element(local / cols, local % cols);
}

fn walk_on(e: Element, cols: u32) -> Element {
    let col = e.col + WORKGROUP % cols;
    let over = col >= cols;
    return Element(e.row + WORKGROUP / cols + select(0u, 1u, over), select(col, col - cols, over));
}

// --- The batch.

fn gather(i: u32, local: u32) {
    let cols = program.code[i].n;
    let first = now * program.code[i].m;
    let y = program.code[i].y;
    for (var e = element_walk(local, cols); e.row < program.code[i].m; e = walk_on(e, cols)) {
        memory[y + e.row * cols + e.col] = data_x[index[first + e.row] * cols + e.col];
    }
}

fn gather_target(i: u32, local: u32) {
    let cols = program.code[i].n;
    let first = now * program.code[i].m;
    let y = program.code[i].y;
    for (var e = element_walk(local, cols); e.row < program.code[i].m; e = walk_on(e, cols)) {
        let word = data_target[index[first + e.row] * cols + e.col];
        if (CLASS_LOSS) {
            words[y + e.row * cols + e.col] = word;
        } else {
            memory[y + e.row * cols + e.col] = bitcast<f32>(word);
        }
    }
}

// --- Products.

fn load4(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(memory[at.x], memory[at.y], memory[at.z], memory[at.w]);
}

// Stores four sums of a row from column `col` on, as far as the row and the columns are there.
fn store4(i: u32, row: u32, col: u32, sums: vec4<f32>) {
    let n = program.code[i].n;
    let at = program.code[i].y + row * n + col;
    if (row < program.code[i].m) {
        if (col < n) {
            memory[at] = sums.x;
        }
        if (col + 1u < n) {
            memory[at + 1u] = sums.y;
        }
        if (col + 2u < n) {
            memory[at + 2u] = sums.z;
        }
        if (col + 3u < n) {
            memory[at + 3u] = sums.w;
        }
    }
}

// The plain sums of 8 rows by 8 columns, to y. Rows and columns past the edge repeat the last one and are not stored.
fn block_sums(i: u32, row: u32, col: u32) {
    let four = vec4<u32>(0u, 1u, 2u, 3u);
    let last_row = vec4<u32>(program.code[i].m - 1u);
    let last_col = vec4<u32>(program.code[i].n - 1u);
    var ia = program.code[i].a + min(row + four, last_row) * program.code[i].a_row;
    var ja = program.code[i].a + min(row + 4u + four, last_row) * program.code[i].a_row;
    var ib = program.code[i].b + min(col + four, last_col) * program.code[i].b_col;
    var jb = program.code[i].b + min(col + 4u + four, last_col) * program.code[i].b_col;
    let k = program.code[i].k;
    let a_step = program.code[i].a_step;
    let b_step = program.code[i].b_step;
    // s: columns 0 to 3, t: columns 4 to 7.
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    var s4 = vec4<f32>();
    var s5 = vec4<f32>();
    var s6 = vec4<f32>();
    var s7 = vec4<f32>();
    var t0 = vec4<f32>();
    var t1 = vec4<f32>();
    var t2 = vec4<f32>();
    var t3 = vec4<f32>();
    var t4 = vec4<f32>();
    var t5 = vec4<f32>();
    var t6 = vec4<f32>();
    var t7 = vec4<f32>();
    for (var q = 0u; q < k; q++) {
        let upper = load4(ia);
        let lower = load4(ja);
        let left = load4(ib);
        s0 += upper.x * left;
        s1 += upper.y * left;
        s2 += upper.z * left;
        s3 += upper.w * left;
        s4 += lower.x * left;
        s5 += lower.y * left;
        s6 += lower.z * left;
        s7 += lower.w * left;
        let right = load4(jb);
        t0 += upper.x * right;
        t1 += upper.y * right;
        t2 += upper.z * right;
        t3 += upper.w * right;
        t4 += lower.x * right;
        t5 += lower.y * right;
        t6 += lower.z * right;
        t7 += lower.w * right;
        ia += a_step;
        ja += a_step;
        ib += b_step;
        jb += b_step;
    }
    store4(i, row, col, s0);
    store4(i, row + 1u, col, s1);
    store4(i, row + 2u, col, s2);
    store4(i, row + 3u, col, s3);
    store4(i, row + 4u, col, s4);
    store4(i, row + 5u, col, s5);
    store4(i, row + 6u, col, s6);
    store4(i, row + 7u, col, s7);
    store4(i, row, col + 4u, t0);
    store4(i, row + 1u, col + 4u, t1);
    store4(i, row + 2u, col + 4u, t2);
    store4(i, row + 3u, col + 4u, t3);
    store4(i, row + 4u, col + 4u, t4);
    store4(i, row + 5u, col + 4u, t5);
    store4(i, row + 6u, col + 4u, t6);
    store4(i, row + 7u, col + 4u, t7);
}

fn single_sum(i: u32, row: u32, col: u32) -> f32 {
    var ia = program.code[i].a + row * program.code[i].a_row;
    var ib = program.code[i].b + col * program.code[i].b_col;
    let k = program.code[i].k;
    let a_step = program.code[i].a_step;
    let b_step = program.code[i].b_step;
    var s = 0.0;
    for (var q = 0u; q < k; q++) {
        s += memory[ia] * memory[ib];
        ia += a_step;
        ib += b_step;
    }
    return s;
}

fn activation_of(code: u32) -> u32 {
    return select(ACT, code, MIXED);
}

fn slope_of(slope: f32) -> f32 {
    return select(SLOPE, slope, MIXED);
}

// What follows the sum of output e: bias and activation, or the derivative of an activation, as the flags say.
fn finish_output(i: u32, backward: bool, col: u32, e: u32, sum: f32) {
    let flags = program.code[i].flags;
    let act = activation_of(program.code[i].act);
    let slope = slope_of(program.code[i].slope);
    var value = sum;
    if (backward) {
        if ((flags & HAS_ACT) != 0u) {
            value *= derivative_as(act, slope, memory[program.code[i].extra + e]);
        }
    } else {
        if ((flags & HAS_BIAS) != 0u) {
            value += memory[program.code[i].extra + col];
        }
        if ((flags & KEEP_Z) != 0u) {
            memory[program.code[i].z + e] = value;
        }
        value = select(value, activate_as(act, slope, value), (flags & HAS_ACT) != 0u);
    }
    memory[program.code[i].y + e] = value;
}

// Called from uniform control flow. `backward` is a constant at every call.
fn product(i: u32, backward: bool, local: u32) {
    let m = program.code[i].m;
    let n = program.code[i].n;
    if (BLOCKS) {
        let across = (n + 7u) / 8u;
        let count = across * ((m + 7u) / 8u);
        for (var e = local; e < count; e += WORKGROUP) {
            block_sums(i, (e / across) * 8u, (e % across) * 8u);
        }
        if (program.code[i].flags != 0u) {
            storageBarrier();
        }
        // Nothing follows a plain sum.
        let rows = select(m, 0u, program.code[i].flags == 0u);
        for (var e = element_walk(local, n); e.row < rows; e = walk_on(e, n)) {
            let at = e.row * n + e.col;
            finish_output(i, backward, e.col, at, memory[program.code[i].y + at]);
        }
    } else {
        for (var e = element_walk(local, n); e.row < m; e = walk_on(e, n)) {
            finish_output(i, backward, e.col, e.row * n + e.col, single_sum(i, e.row, e.col));
        }
    }
}

fn column_sum(i: u32, local: u32) {
    let rows = program.code[i].m;
    let cols = program.code[i].n;
    for (var c = local; c < cols; c += WORKGROUP) {
        var total = 0.0;
        for (var r = 0u; r < rows; r++) {
            total += memory[program.code[i].a + r * cols + c];
        }
        memory[program.code[i].y + c] = total;
    }
}

// --- The loss.

fn row_upstream(row: u32) -> f32 {
    return weight[weights_begin + row];
}

fn pred_at(i: u32) -> f32 {
    return memory[program.pred + i];
}

fn expected_at(i: u32) -> f32 {
    return memory[program.expected + i];
}

fn class_at(row: u32) -> u32 {
    return words[program.expected + row];
}

fn dpred_at(i: u32) -> f32 {
    return memory[program.dpred + i];
}

fn set_dpred(i: u32, value: f32) {
    memory[program.dpred + i] = value;
}

fn set_loss(row: u32, value: f32) {
    memory[program.loss + row] = value;
}

fn losses(local: u32) {
    for (var row0 = 0u; row0 < program.rows; row0 += WORKGROUP) {
        let at = RowLane(row0 + local, 0u);
        let inside = at.row < program.rows;
        if (CLASS_LOSS) {
            class_loss_row(at, inside, program.cols, local);
        } else if (inside) {
            let total = element_loss_lane(at, program.cols, row_upstream(at.row));
            set_loss(at.row, element_loss_mean(total, program.cols));
        }
    }
}

fn last_activation_grad(local: u32) {
    let act = activation_of(program.slope_act);
    let slope = slope_of(program.slope_slope);
    for (var e = local; e < program.slope_n; e += WORKGROUP) {
        let d = derivative_as(act, slope, memory[program.slope_x + e]);
        memory[program.slope_y + e] = memory[program.dpred + e] * d;
    }
}

// --- The optimizer.

fn update(i: u32, local: u32) {
    let h = hyper_at(now * program.hyper_stride);
    let n = program.code[i].n;
    let decay = program.code[i].slope;
    let constants = AdamConstants(program.beta2, program.one_minus_beta2, program.eps, decay);
    for (var e = local; e < n; e += WORKGROUP) {
        let at = program.code[i].y + e;
        let p = memory[at];
        let g = memory[program.code[i].a + e];
        let first = program.code[i].b + e;
        let second = program.code[i].z + e;
        if (OPTIMIZER == 0u) {
            memory[at] = sgd_update(p, g, h.lr, decay);
        } else if (OPTIMIZER == 1u) {
            let next = momentum_update(p, g, memory[first], h, program.nesterov != 0u, decay);
            memory[first] = next.velocity;
            memory[at] = next.p;
        } else {
            let old = AdamElement(p, memory[first], memory[second]);
            var next = old;
            if (OPTIMIZER == 2u) {
                next = adam_update(old, g, h, constants);
            } else {
                next = adamw_update(old, g, h, constants);
            }
            memory[at] = next.p;
            memory[first] = next.m;
            memory[second] = next.v;
        }
    }
}

// --- The mean loss.

const SUM_LANES: u32 = 64u;
var<workgroup> sums: array<f32, 64>;

// As weighted_sum: partial sums of every 64th row, then a tree, of which the part over rows that are not there is left out.
fn mean_loss(local: u32) {
    let n = program.rows;
    for (var j = local; j < program.tree; j += WORKGROUP) {
        var total = 0.0;
        for (var i = j; i < n; i += SUM_LANES) {
            let w = weight[weights_begin + i];
            // A padding sample counts nothing, whatever its loss is: 0 * infinity would be NaN.
            total += select(w * memory[program.loss + i], 0.0, w == 0.0);
        }
        sums[j] = total;
    }
    workgroupBarrier();
    for (var half = program.tree / 2u; half > 0u; half /= 2u) {
        for (var j = local; j < half; j += WORKGROUP) {
            sums[j] += sums[j + half];
        }
        workgroupBarrier();
    }
    if (local == 0u) {
        log[now] = sums[0];
    }
}

fn one_step(local: u32) {
    gather(0u, local);
    gather_target(1u, local);
    storageBarrier();
    for (var i = program.gathers; i < program.forwards; i++) {
        product(i, false, local);
        storageBarrier();
    }
    losses(local);
    storageBarrier();
    if (program.slope_n != 0u) {
        last_activation_grad(local);
        storageBarrier();
    }
    // Gradients of inputs, each from the one before; then gradients of weights, which need no barrier between them.
    for (var i = program.forwards; i < program.weights; i++) {
        product(i, true, local);
        if (i < program.inputs) {
            storageBarrier();
        }
    }
    for (var i = program.weights; i < program.biases; i++) {
        column_sum(i, local);
    }
    storageBarrier();
    for (var i = program.biases; i < program.updates; i++) {
        update(i, local);
    }
    mean_loss(local);
}

var<workgroup> begin: u32;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local == 0u) {
        begin = words[0];
    }
    let first = workgroupUniformLoad(&begin);
    let steps = min(program.steps, program.end - first);
    for (var s = 0u; s < steps; s++) {
        now = first + s;
        weights_begin = now * program.weight_stride;
        one_step(local);
    }
    if (local == 0u) {
        words[0] = first + steps;
    }
}
