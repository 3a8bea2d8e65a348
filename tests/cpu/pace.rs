//! How much goes into a submit.

use std::time::Duration;
use wgrad::testing::exec::gpu::pace::{FIRST_FLOPS, MAX_STEPS_PER_SUBMIT, Pace, SUBMIT_TARGET, cut};

fn after(steps: usize, took: Duration) -> Pace {
    Pace { steps, parts: 1 }.adapt(took, SUBMIT_TARGET)
}

#[test]
fn submits_grow_towards_the_target_and_shrink_past_it() {
    let steps = |steps| Pace { steps, parts: 1 };
    assert_eq!(after(1, Duration::from_micros(10)), steps(4));
    assert_eq!(after(100, Duration::from_millis(25)), steps(200));
    assert_eq!(after(100, Duration::from_millis(500)), steps(10));
    assert_eq!(after(4000, Duration::from_millis(1)), steps(MAX_STEPS_PER_SUBMIT));
}

#[test]
fn a_step_longer_than_the_target_has_parts_and_a_short_one_none() {
    let long = after(1, Duration::from_millis(490));
    assert_eq!(long, Pace { steps: 1, parts: 10 });
    assert_eq!(long.adapt(Duration::from_millis(40), SUBMIT_TARGET), Pace { steps: 1, parts: 1 });
    assert_eq!(Pace::first(0), Pace { steps: 1, parts: 1 });
    assert_eq!(Pace::first(10 * FIRST_FLOPS + 1), Pace { steps: 1, parts: 11 });
}

#[test]
fn groups_follow_the_weights_and_none_is_empty() {
    assert_eq!(cut(&[1, 1, 1, 1], 1), [4]);
    assert_eq!(cut(&[1, 1, 1, 1], 2), [2, 4]);
    assert_eq!(cut(&[9, 1, 1, 9], 2), [2, 4]);
    assert_eq!(cut(&[5, 5], 100), [1, 2]);
    assert_eq!(cut(&[], 3), [0]);
}
