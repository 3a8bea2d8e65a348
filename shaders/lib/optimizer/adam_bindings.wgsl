// Params, states, and a word of them, for the rules with Adam's moments.
//#include adam.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    beta2: f32,
    one_minus_beta2: f32,
    eps: f32,
    weight_decay: f32,
}

@group(0) @binding(5) var<storage, read_write> m: array<Word>;
@group(0) @binding(6) var<storage, read_write> v: array<Word>;

fn constants() -> AdamConstants {
    return AdamConstants(params.beta2, params.one_minus_beta2, params.eps, params.weight_decay);
}

fn load(i: u32) -> AdamElement {
    return AdamElement(param[i], m[i], v[i]);
}

fn store(i: u32, element: AdamElement) {
    param[i] = element.p;
    m[i] = element.m;
    v[i] = element.v;
}
