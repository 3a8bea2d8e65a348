// What the kernels of Adam and AdamW share: rates from params, an element to the bindings param, m and v.
//#include adam.wgsl

// The rates of Adam as the kernel's params hold them.
fn adam_rates() -> AdamRates {
    return AdamRates(
        params.beta1,
        params.one_minus_beta1,
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
