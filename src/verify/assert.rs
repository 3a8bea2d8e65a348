//! For `#[test]` functions of projects that use wgrad.

use super::{Question, report, verify};
use crate::data::Dataset;
use crate::exec::Device;
use crate::graph::Optimizer;
use crate::model::init::initial_parameters;
use crate::model::{Network, Tensor};

/// Verifies every value and gradient of one train step of `network` on `device`, from `parameters` (or, if there are none,
/// initial ones of seed 0), on `data` as one batch.
///
/// ```
/// use wgrad::data::Dataset;
/// use wgrad::exec::Device;
/// use wgrad::graph::{Activation, Loss};
/// use wgrad::model::{Layer, Network};
///
/// let layers = vec![Layer::dense(2, 3, Activation::Tanh, true)];
/// let network = Network { layers, loss: Loss::Mse };
/// let data = Dataset::numbers(&[0.1, 0.5, -1.0, 2.0], 2, &[0., 1., 2., 3., 4., 5.], 3);
/// wgrad::verify::assert_gradients(&network, None, &data, &Device::cpu());
/// ```
///
/// # Panics
/// If a value lies outside its bound, with the node that is at fault; if the step cannot run.
#[track_caller]
pub fn assert_gradients(network: &Network, parameters: Option<&[Tensor]>, data: &Dataset, device: &Device) {
    let initial = initial_parameters(&network.layers, 0);
    let question = Question {
        network,
        rule: Optimizer::sgd(0.1).into(),
        parameters: parameters.unwrap_or(&initial),
        data: data.into(),
        batch_size: data.rows,
        seed: 0,
        steps: 1,
        slack: 1.0,
        unfused: false,
        switches: crate::plan::Switches::default(),
    };
    let failure = match pollster::block_on(verify(&question, device)) {
        Ok(verdict) if verdict.passed => None,
        Ok(verdict) => Some(format!("gradients are wrong\n{}", report::text(&verdict))),
        Err(error) => Some(format!("the gradients could not be checked: {error}")),
    };
    assert!(failure.is_none(), "{}", failure.unwrap_or_default());
}
