//! On the adapter: fused and unfused plans agree within their bounds, and padding contributes nothing.

use crate::support;

use support::patterns::{agree, agree_with, classifiers, layered, options, with_extras};
use support::problem::{Problem, read};
use wgrad::plan::{Options, Products};

#[test]
fn fused_and_unfused_plans_agree_on_the_adapter() {
    let Some(device) = support::adapter::adapter() else { return };
    let begin = std::time::Instant::now();
    // Every third problem of the patterns has each activation once, with its kind of bias in turn.
    let problems = layered().into_iter().enumerate().filter(|(i, _)| i % 3 == (i / 3) % 3).map(|(_, p)| p);
    let problems: Vec<Problem> = problems.chain((0..6).map(Problem::random)).collect();
    // Products through workgroup memory, directly, and as the adapter likes them best, in turn.
    let ways = [false, true].map(|direct| Products { direct, lanes: None });
    let ways = [ways[0], ways[1], device.products()];
    let worst = problems.iter().enumerate().map(|(i, p)| agree(device, p, ways[i % 3])).fold(0.0, f64::max);
    println!("{}: largest difference / bound {worst:.4}, {:.1} s", device.name(), begin.elapsed().as_secs_f64());
}

#[test]
fn patterns_for_adapters_agree_with_their_parts_on_the_adapter() {
    let Some(device) = support::adapter::adapter() else { return };
    let products = device.products();
    let options = Options { limits: device.limits(), ..with_extras(products) };
    let problems = classifiers().into_iter().map(|(problem, _)| problem).chain((20..26).map(Problem::random));
    let worst = problems.map(|p| agree_with(device, &p, products, &options)).fold(0.0, f64::max);
    println!("{}: largest difference / bound {worst:.4}", device.name());
}

#[test]
fn padding_contributes_nothing_on_the_adapter() {
    let Some(device) = support::adapter::adapter() else { return };
    for (case, [clean, junk]) in support::problem::padded().into_iter().enumerate() {
        let (mut a, mut b) =
            (clean.step(device, &clean.plan(&options(true))), junk.step(device, &junk.plan(&options(true))));
        for name in clean.results().into_iter().chain(["loss".to_string()]) {
            assert_eq!(read(&mut a, &name), read(&mut b, &name), "case {case}: {name}");
        }
    }
}
