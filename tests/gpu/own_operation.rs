//! A user's own operation (`tests/support/own_operation.rs`) on the adapter: it trains and verifies, and every mistake in its WGSL is
//! found.

#![cfg(feature = "gpu")]

use crate::support::adapter::adapter;
use crate::support::own_operation::{
    SineGate, SineGateModule, bound_of_values, data, failure, gate, gradient_kernel, gradient_wgsl, network,
    value_kernel, value_wgsl,
};
use wgrad::graph::UpdateRule;
use wgrad::nn::init::initial_parameters;
use wgrad::train::{Engine, Roles};

/// What may go wrong, in the texts of both kernels, in that of the values, in that of the gradients.
const IN_BOTH: [(&str, &str); 8] = [
    ("1.0 - 2.0 * (abs(k)", "1.0 + 2.0 * (abs(k)"),
    ("- k * 0.00096765358979", "+ k * 0.00096765358979"),
    ("- k * 0.00096765358979", ""),
    ("round(z * 0.31830987)", "floor(z * 0.31830987)"),
    ("-0.16666667", "0.16666667"),
    ("0.008333333", "0.0083"),
    ("i % params.cols", "i / params.cols"),
    ("i < params.rows", "i + 1u < params.rows"),
];
const IN_VALUES: [(&str, &str); 3] = [("y[i] = x[i] *", "y[i] ="), ("a[j] * x[i]", "x[i]"), ("x[i]).x", "x[i]).y")];
const IN_GRADIENTS: [(&str, &str); 5] = [
    ("w.x + z * w.y", "w.x - z * w.y"),
    ("w.x + z * w.y", "w.x + w.y"),
    ("x[i] * x[i] * w.y", "x[i] * w.y"),
    ("each[i] = dy[i] *", "each[i] ="),
    ("041666667", "0416"),
];

fn changed(text: &str, (from, to): (&str, &str)) -> String {
    assert!(text.contains(from), "{from} is not in the text");
    text.replacen(from, to, 1)
}

#[test]
fn it_verifies_on_the_adapter() {
    let Some(device) = adapter() else { return };
    assert_eq!(failure(&network(gate()), device), None);
}

#[test]
fn it_trains_on_the_adapter() {
    let Some(device) = adapter() else { return };
    let (network, data) = (network(gate()), data());
    let rule: UpdateRule = wgrad::graph::Optimizer::adam(0.02).into();
    let roles = Roles { train: Some((data.rows, data.rows, rule)), ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(device, &network, roles)).unwrap();
    engine.write_parameters(&initial_parameters(&network.layers, 2)).unwrap();
    engine.set_training_data(&data).unwrap();
    let order: Vec<u32> = (0..data.rows as u32).collect();
    let mut losses: Vec<f64> = Vec::new();
    for step in 0..200 {
        let mut sink = |found: &[f64]| {
            losses.extend_from_slice(found);
            wgrad::exec::Flow::Continue
        };
        pollster::block_on(engine.train(&order, step, &mut sink)).unwrap();
    }
    assert!(losses.len() == 200 && losses[199] < 0.8 * losses[0], "{} {}", losses[0], losses[199]);
}

#[test]
fn every_mistake_in_its_wgsl_is_found() {
    let Some(device) = adapter() else { return };
    let good = SineGate::default();
    let of_values = |change| {
        let value = value_kernel("sine_gate", changed(&value_wgsl(), change), bound_of_values);
        (SineGate { value, ..good.clone() }, "sine_gate", change)
    };
    let of_gradients = |change| {
        let gradient = gradient_kernel(changed(&gradient_wgsl(), change));
        (SineGate { gradient, ..good.clone() }, "sine_gate_grad", change)
    };
    let values = IN_BOTH.into_iter().chain(IN_VALUES).map(of_values);
    for (operation, kernel, change) in values.chain(IN_BOTH.into_iter().chain(IN_GRADIENTS).map(of_gradients)) {
        let fault = failure(&network(SineGateModule { operation }), device);
        let fault = fault.unwrap_or_else(|| panic!("{change:?} in {kernel} passes"));
        assert!(fault.starts_with(&format!("{kernel}: ")), "{change:?} in {kernel}: {fault}");
    }
}
