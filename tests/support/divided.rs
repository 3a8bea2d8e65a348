//! Plans divided by small limits, and their comparison with whole ones.

use super::problem::{Problem, read};
use wgrad::compare::compare;
use wgrad::exec::Device;
use wgrad::plan::{Limits, Options, Plan};

/// The plan of one step within `limits`.
pub fn divided(problem: &Problem, limits: Limits) -> Plan {
    problem.plan(&Options { limits, products: Default::default(), ..Options::new("train", 1) })
}

/// Elements of every binding.
pub fn sizes(plan: &Plan) -> Vec<usize> {
    plan.dispatches.iter().flat_map(|d| &d.bindings).map(|r| r.len).collect()
}

/// Checks the divided and the whole plan against their judges and against each other; gives the largest difference between
/// them, in bounds.
pub fn agree(device: &Device, problem: &Problem, limits: Limits) -> f64 {
    let products = device.products();
    let small = Options { limits, products, ..Options::new("train", 1) };
    let plans = [problem.plan(&small), problem.plan(&Options { limits: device.limits(), ..small.clone() })];
    let at = || format!("{:?} {limits:?}", problem.network);
    plans[0].check(&limits, "this test").unwrap_or_else(|e| panic!("{}: {e}", at()));
    assert!(plans[0].dispatches.len() > plans[1].dispatches.len(), "{}: nothing was divided", at());
    let judges = plans.each_ref().map(|p| problem.judge(p));
    let mut sessions = plans.each_ref().map(|p| problem.step(device, p));
    let mut worst: f64 = 0.0;
    for name in problem.results().into_iter().chain(["loss".to_string()]) {
        let [d, w] = sessions.each_mut().map(|s| read(s, &name));
        let [jd, jw] = judges.each_ref().map(|j| j.read(&name).unwrap());
        let shape = [d.len()];
        let sum: Vec<f64> = jd.error.iter().zip(&jw.error).map(|(a, b)| a + b).collect();
        for c in [
            compare("divided against the judge", &shape, &jd.value, &d, &jd.error),
            compare("whole against the judge", &shape, &jw.value, &w, &jw.error),
            compare("divided against whole", &shape, &w, &d, &sum),
        ] {
            assert!(c.passed, "{} {name}: {}: {:?}", at(), c.name, c.fault);
            if c.name == "divided against whole" {
                worst = worst.max(c.max_ratio);
            }
        }
    }
    worst
}
