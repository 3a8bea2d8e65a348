//! Messages of the program: the library's advice by its options, and what a terminal may show.

use wgrad::Remedy;
use wgrad::testing::cli::out::printable;
use wgrad::testing::cli::remedies::{option, with_options};

#[test]
fn every_advice_names_an_option_and_none_changes_another() {
    for remedy in Remedy::ALL {
        let said = with_options(&format!("It failed. {remedy}, or give up"));
        assert_eq!(said, format!("It failed. {}, or give up", option(remedy)));
        assert!(option(remedy).contains(" --"), "{remedy:?}");
    }
}

#[test]
fn what_a_file_says_does_not_reach_the_terminal_as_it_is() {
    assert_eq!(printable("a\u{1b}]0;title\u{7}\nb"), "a\\u{1b}]0;title\\u{7}\nb");
    let long = format!("d.csv:1: {} remedy", "é".repeat(10_000));
    let text = printable(&long);
    assert!(text.starts_with("d.csv:1: é") && text.ends_with("é remedy") && text.contains("bytes left out"), "{text}");
    assert!(text.chars().count() < 2600);
    let short = "é".repeat(2400);
    assert_eq!(printable(&short), short);
}
