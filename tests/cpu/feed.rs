//! Pieces that threads get ready ahead of whoever takes them.

use std::sync::Arc;
use wgrad::testing::train::feed::{Feed, Fill};
use wgrad::{Error, Result};

fn taken(feed: &mut Feed<Vec<f32>>) -> Result<Vec<f32>> {
    let mut all = Vec::new();
    while let Some(rows) = feed.take()? {
        all.extend_from_slice(&rows);
        feed.give_back(rows);
    }
    Ok(all)
}

#[test]
fn pieces_come_in_order_on_any_number_of_threads() {
    let fill: Arc<Fill<Vec<f32>>> = Arc::new(|piece, rows: &mut Vec<f32>| {
        // The earlier a piece, the longer it takes.
        std::thread::sleep(std::time::Duration::from_millis(9 - piece as u64));
        *rows = vec![piece as f32];
        Ok(())
    });
    for threads in [1, 2, 4, 20] {
        let mut feed = Feed::new(2..9, threads, &Vec::new(), &fill);
        assert_eq!(taken(&mut feed).unwrap(), [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert!(feed.take().unwrap().is_none());
    }
    assert!(taken(&mut Feed::new(3..3, 2, &Vec::new(), &fill)).unwrap().is_empty());
}

#[test]
fn a_failure_comes_in_its_turn_and_a_feed_may_be_dropped_at_any_time() {
    let fill: Arc<Fill<Vec<f32>>> = Arc::new(|piece, rows: &mut Vec<f32>| {
        *rows = vec![piece as f32];
        if piece == 3 { Err(Error::Internal("three".into())) } else { Ok(()) }
    });
    let mut feed = Feed::new(0..1000, 2, &Vec::new(), &fill);
    for piece in 0..3 {
        let rows = feed.take().unwrap().unwrap();
        assert_eq!(rows, [piece as f32]);
        feed.give_back(rows);
    }
    assert!(feed.take().unwrap_err().to_string().contains("three"));
    drop(feed);
    drop(Feed::new(0..1000, 4, &Vec::new(), &fill));
}
