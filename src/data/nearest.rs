//! "Did you mean": the nearest of a list of known names.

/// Bytes of a name that can have been meant. The distance takes time and memory by the product of both lengths, and a hostile
/// file's column may have a name of megabytes.
const LONG: usize = 256;

/// The known name nearest to `name`, if it is near enough to be what was meant.
///
/// Near enough is an edit distance (Damerau and Levenshtein: insert, delete, replace, swap two neighbours; case is
/// ignored) of at most a third of the longer name, and at least 1: beyond that a guess misleads more than it helps. A
/// name that only continues another, or breaks off, is near too.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONG {
        return None;
    }
    let name = name.to_lowercase();
    known
        .into_iter()
        .filter(|k| k.len() <= LONG)
        .filter_map(|k| {
            let candidate = k.to_lowercase();
            let distance = strsim::damerau_levenshtein(&name, &candidate);
            let (short, long) = if name.len() < candidate.len() { (&name, &candidate) } else { (&candidate, &name) };
            let continues = short.len() > 1 && long.starts_with(short.as_str());
            (continues || distance <= (long.chars().count() / 3).max(1)).then_some((distance, k))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// The end of a sentence about an unknown name: `; did you mean "x"?`, or `.` where no known name is near.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(|| ".".to_owned(), |k| format!("; did you mean \"{k}\"?"))
}

/// Names in quotes, joined by commas; a long list is cut, with the count of the rest.
pub fn quoted_list<S: AsRef<str>>(names: &[S]) -> String {
    /// As many names as fit on two lines of a terminal.
    const SHOWN: usize = 20;
    let mut text =
        names.iter().take(SHOWN).map(|n| format!("\"{}\"", shortened(n.as_ref()))).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// A name as it is, or the beginning of a long one.
fn shortened(name: &str) -> std::borrow::Cow<'_, str> {
    /// A line of a terminal.
    const SHOWN: usize = 80;
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}... ({} bytes)", &name[..end], name.len()).into(),
        None => name.into(),
    }
}
