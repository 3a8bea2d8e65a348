//! A user's own operation (`tests/support/own_operation.rs`) on the CPU: it trains, verifies and passes the gradient check, and what
//! is wrong with it is found.

use crate::support::own_operation::{
    SineGate, SineGateModule, bound_of_values, data, failure, gate, network, question, value_kernel, value_wgsl,
};
use wgrad::Trainer;
use wgrad::data::Dataset;
use wgrad::exec::{Choice, Device};
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::kernels::BoundCall;
use wgrad::nn::init::initial_parameters;
use wgrad::verify::gradcheck::{self, analytic, gradcheck};

fn check(network: &wgrad::nn::Network) -> gradcheck::Verdict {
    let (parameters, batch) = (initial_parameters(&network.layers, 2), data());
    let question = gradcheck::Question { network, parameters: &parameters, batch: &batch, samples: 200, seed: 1 };
    let gradients = pollster::block_on(analytic(&question)).unwrap();
    pollster::block_on(gradcheck(&question, &gradients)).unwrap()
}

#[test]
fn it_trains_and_its_parameter_is_learned() {
    // y = x sin(1.6 x): the gate's own shape, which a dense layer alone cannot take.
    let x: Vec<f64> = (0..64).map(|i| f64::from(i) / 16.0 - 2.0).collect();
    let y: Vec<f64> = x.iter().map(|x| x * (1.6 * x).sin()).collect();
    let data = Dataset::numbers(&x, 1, &y, 1);
    let builder = Trainer::builder(1).dense(8, Activation::Identity).module(gate(), Activation::Identity);
    let builder = builder.dense(1, Activation::Identity).loss(Loss::Mse).optimizer(Optimizer::adam(0.02));
    let mut trainer = builder.device(Choice::Cpu).build().unwrap();
    assert_eq!(trainer.network().describe(), ["1 -> 8 identity", "sine_gate", "8 -> 1 identity"]);
    let losses = trainer.fit(&data, 600).unwrap();
    assert!(losses[599] < 0.02 * losses[0], "{} {}", losses[0], losses[599]);
    let a = trainer.parameters().unwrap().iter().find(|t| t.name == "layers.1.a").unwrap();
    assert!(a.shape == [8] && a.values.iter().all(|a| *a != 1.0), "{a:?}");
}

#[test]
fn it_verifies_on_the_cpu() {
    let network = network(gate());
    assert_eq!(failure(&network, &Device::cpu()), None);
    // Arguments far from the first period, too.
    let mut parameters = initial_parameters(&network.layers, 2);
    parameters.iter_mut().filter(|p| p.name.ends_with(".a")).for_each(|p| p.values.fill(700.0));
    let verdict = pollster::block_on(wgrad::verify::verify(&question(&network, &parameters, &data()), &Device::cpu()));
    assert!(verdict.unwrap().passed);
}

#[test]
fn its_gradients_are_those_of_finite_differences_and_a_wrong_rule_is_found() {
    assert!(check(&network(gate())).passed);
    let wrong = SineGateModule { operation: SineGate { wrong: true, ..SineGate::default() } };
    let verdict = check(&network(wrong));
    let failed: Vec<&str> =
        verdict.tensors.iter().filter(|t| !t.passed()).map(|t| t.comparison.name.as_str()).collect();
    assert_eq!(failed, ["layers.1.a"]);
}

/// A gate whose kernel of values has another bound.
fn bounded(name: &'static str, bound: fn(&BoundCall<'_>) -> Vec<Vec<f64>>) -> SineGateModule {
    let value = value_kernel(name, value_wgsl(), bound);
    SineGateModule { operation: SineGate { value, ..SineGate::default() } }
}

/// A bound that lets anything pass proves nothing: neither check passes.
#[test]
fn a_bound_that_sees_nothing_is_refused() {
    let constant = |call: &BoundCall<'_>| vec![vec![1e30; call.after[0].len()]];
    let relative = |call: &BoundCall<'_>| {
        let own = bound_of_values(call);
        vec![own[0].iter().map(|own| 1e30 + 1e9 * own).collect()]
    };
    let infinite = |call: &BoundCall<'_>| vec![vec![f64::INFINITY; call.after[0].len()]];
    for (name, bound) in
        [("blind_a", constant as fn(&BoundCall<'_>) -> _), ("blind_b", relative), ("blind_c", infinite)]
    {
        let network = network(bounded(name, bound));
        let fault = failure(&network, &Device::cpu()).expect("a verdict that failed");
        assert!(fault.contains("blind") && fault.contains(name) && fault.contains("112 of 112"), "{fault}");
        assert!(!check(&network).passed, "{name}");
    }
}

/// Ten thousand times too wide is not blind: rounding is far from it, but a wrong formula is farther.
#[test]
fn a_bound_that_is_only_wide_is_not_refused() {
    let wide = |call: &BoundCall<'_>| vec![bound_of_values(call)[0].iter().map(|own| 1e4 * own).collect()];
    assert_eq!(failure(&network(bounded("wide", wide)), &Device::cpu()), None);
}

/// What the sizes of a layer do not allow, a module says.
#[test]
fn a_module_that_cannot_compute_is_named() {
    let builder = Trainer::builder(2).dense(4, Activation::Tanh).dropout(1.5).device(Choice::Cpu);
    let error = builder.build().err().expect("an error").to_string();
    assert!(error.contains("layers.1: dropout drops a share") && error.contains("1.5"), "{error}");
}
