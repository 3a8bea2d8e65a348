//! Activations known again by their values, as files of other programs write them out.

use wgrad::graph::Activation;
use wgrad::testing::exchange::function::{Curve, arguments, recognise};

#[test]
fn every_activation_is_known_by_its_curve_and_no_other() {
    let slopes = [0.01, 0.2, 1.5, -0.3].map(|slope| Activation::LeakyRelu { slope });
    for activation in Activation::element_wise().chain(slopes) {
        let curve: Curve = arguments().into_iter().map(|x| activation.value(x)).collect();
        assert_eq!(recognise(&curve), Some(activation));
        // As single precision holds it, and a little beside it.
        let rounded: Curve = curve.iter().map(|y| f64::from(*y as f32)).collect();
        assert_eq!(recognise(&rounded), Some(activation));
        let other: Curve = curve.iter().map(|y| y + 1e-4).collect();
        assert_eq!(recognise(&other), None, "{activation:?}");
    }
    for other in [f64::sin, f64::exp, |x: f64| x.clamp(0.0, 6.0), |x: f64| x.max(-1.0)] {
        assert_eq!(recognise(&arguments().into_iter().map(other).collect::<Curve>()), None);
    }
}
