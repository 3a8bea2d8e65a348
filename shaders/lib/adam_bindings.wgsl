// What the kernels of Adam and AdamW share: rates from the step's row of hyper and from params, an element to the bindings
// param, m and v.
//#include adam.wgsl

fn adam_rates(row: u32) -> AdamRates {
    return AdamRates(
        hyper[row + 4u],
        hyper[row + 5u],
        params.beta2,
        params.one_minus_beta2,
        params.eps,
        params.weight_decay,
    );
}

fn store(i: u32, element: AdamElement) {
    param[i] = element.p;
    m[i] = element.m;
    v[i] = element.v;
}
