//! What the report shows of a trained network: pictures made smaller, and the samples that are classified worst.

use wgrad::graph::Loss;
use wgrad::testing::train::portrait::{Candidate, Gallery, WORST, picture, score};

#[test]
fn a_large_picture_is_drawn_by_means() {
    let values: Vec<f64> = (0..64 * 40).map(|i| if i / 40 < 32 { 0.0 } else { 10.0 }).collect();
    let small = picture(&values, [64, 40], [0.0, 10.0]);
    assert_eq!((small.width, small.pixels.len()), (20, 32 * 20));
    assert!(small.pixels[..16 * 20].iter().all(|p| *p == 0) && small.pixels[16 * 20..].iter().all(|p| *p == 255));
    assert_eq!(picture(&[5.0; 64], [8, 8], [5.0, 5.0]).pixels, [0; 64]);
}

#[test]
fn the_lowest_scores_are_kept_in_order() {
    let mut gallery = Gallery::default();
    for i in 0..100 {
        let score = f64::from(i * 37 % 100);
        gallery.consider(Candidate { score, row: i as usize, x: vec![], truth: 0, predicted: 0 });
    }
    let kept: Vec<f64> = gallery.worst.iter().map(|c| c.score).collect();
    assert_eq!(kept, (0..WORST).map(|i| i as f64).collect::<Vec<_>>());
    assert_eq!(score(&[0.2], 0, Loss::BceWithLogits), 0.8);
}
