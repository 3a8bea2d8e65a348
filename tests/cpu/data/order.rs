//! The order of rows that lie in a file.

use wgrad::testing::data::order::Windows;

#[test]
fn every_row_comes_once_whatever_the_sizes() {
    for (rows, block, window) in [(1, 1, 1), (10, 3, 4), (100, 7, 32), (64, 8, 16), (50, 50, 8), (33, 1, 100)] {
        let order = Windows { rows, block, window }.epoch(5, 2);
        let mut all: Vec<u32> = (0..order.count()).flat_map(|w| order.rows_of(w)).collect();
        assert!(
            order.window(0).parts.iter().all(|(first, len)| *len > 0 && first / block == (first + len - 1) / block)
        );
        all.sort_unstable();
        assert_eq!(all, (0..rows as u32).collect::<Vec<_>>(), "{rows} {block} {window}");
    }
}

#[test]
fn epochs_seeds_and_windows_differ() {
    let windows = Windows { rows: 4096, block: 64, window: 1024 };
    let first = windows.epoch(1, 0).rows_of(0);
    assert_eq!(first, windows.epoch(1, 0).rows_of(0));
    assert_ne!(first, windows.epoch(1, 1).rows_of(0));
    assert_ne!(first, windows.epoch(2, 0).rows_of(0));
    // Two windows are drawn apart: the same places would repeat the order within each.
    let order = windows.epoch(1, 0);
    assert_ne!(order.window(0).places, order.window(1).places);
    // A window mixes blocks from all over the file: 16 of 64, hardly ever from one quarter (4 (1/4)^16).
    let quarters = order.window(0).parts.iter().fold([0; 4], |mut q, (first, _)| {
        q[first / 1024] += 1;
        q
    });
    assert!(quarters.iter().filter(|q| **q > 0).count() > 1, "{quarters:?}");
}

#[test]
fn sizes_become_rows() {
    let windows = Windows::of_sizes(1000, 400, 32, 4096, 40_000);
    assert_eq!(windows, Windows { rows: 1000, block: 10, window: 96 });
    // A row larger than a block, a batch larger than a window.
    assert_eq!(Windows::of_sizes(1000, 400, 32, 1, 1), Windows { rows: 1000, block: 1, window: 32 });
}
