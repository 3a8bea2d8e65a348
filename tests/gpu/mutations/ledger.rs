//! What became of the mutations of version 0.1: `ledger.txt` has one line for each, its identifier as of then. A line below it
//! that begins with `=>` has the identifier that it goes by since, one that begins with `gone:` the reason why it is no more.
//! So shaders may be taken apart and put together, and no mutation is lost without a word.

use std::collections::BTreeSet;

/// How many there were.
const COUNT: usize = 549;

/// Everything that is wrong with a ledger, `current` being the identifiers of today's list.
pub fn faults(ledger: &str, current: &BTreeSet<String>, count: usize) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut old, mut places) = (BTreeSet::new(), BTreeSet::new());
    let mut lines = ledger.lines().peekable();
    while let Some(id) = lines.next() {
        if !old.insert(id) {
            faults.push(format!("{id}: stands there twice"));
        }
        let word = lines.next_if(|line| line.starts_with(' ')).map(str::trim);
        let (place, is_gone) = match word {
            None => (id, false),
            Some(word) => match (word.strip_prefix("=> "), word.strip_prefix("gone: ")) {
                (Some(place), _) => (place, false),
                (_, Some(_)) => (id, true),
                _ => {
                    faults.push(format!("{id}: `{word}` begins with neither `=> ` nor `gone: ` and a reason"));
                    continue;
                }
            },
        };
        match (is_gone, current.contains(place)) {
            (false, false) => faults.push(format!("{place}: not in the list; say where it is, or why it is gone")),
            (true, true) => faults.push(format!("{place}: gone by its line, but in the list")),
            (true, false) => {}
            (false, true) if places.insert(place) => {}
            (false, true) => faults.push(format!("{place}: two have become one; say of the other why it is gone")),
        }
    }
    if old.len() != count {
        faults.push(format!("{} mutations, not {count}", old.len()));
    }
    faults
}

#[test]
fn no_mutation_of_the_first_version_is_lost_without_a_reason() {
    let current = super::all().iter().map(super::Mutation::describe).collect();
    let faults = faults(include_str!("ledger.txt"), &current, COUNT);
    assert!(faults.is_empty(), "tests/gpu/mutations/ledger.txt:\n{}", faults.join("\n"));
}

/// The control: each way of losing one is found.
#[test]
fn what_is_lost_is_found() {
    let current = ["a", "b", "new"].map(str::to_owned).into();
    assert_eq!(
        faults("a\nold\n    => new\nb\nc\n    gone: the branch is no more\n", &current, 4),
        Vec::<String>::new()
    );
    for (ledger, count, fault) in [
        ("a\nc\n", 2, "c: not in the list"),
        ("a\nold\n    => newer\n", 2, "newer: not in the list"),
        ("a\nc\n    gone:\n", 2, "begins with neither"),
        ("a\nb\n    gone: no reason\n", 2, "b: gone by its line, but in the list"),
        ("a\nold\n    => a\n", 2, "a: two have become one"),
        ("a\na\n", 1, "a: stands there twice"),
        ("a\n", 2, "1 mutations, not 2"),
    ] {
        let found = faults(ledger, &current, count);
        assert!(found.iter().any(|f| f.contains(fault)), "{ledger:?}: {found:?}");
    }
}
