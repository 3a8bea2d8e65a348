//! The confusion matrix as a heat table, with recall, precision and the most frequent confusions.

use super::format::{Esc, count, percent};
use crate::report::Confusion;

/// Up to so many classes the whole matrix is shown; beyond, a table of the classes that fare worst.
const MATRIX_CLASSES: usize = 40;
/// So many classes are listed when the matrix is not shown.
const WORST_CLASSES: usize = 40;
/// So many confusions are listed.
const LISTED: usize = 5;

/// The section, or nothing when there are no classes or no rows.
pub fn render(confusion: &Confusion) -> String {
    let sums = Sums::of(confusion);
    if sums.total == 0 {
        return String::new();
    }
    let table =
        if confusion.classes.len() <= MATRIX_CLASSES { matrix(confusion, &sums) } else { worst(confusion, &sums) };
    format!(
        "<section class=\"card\"><h2>Confusion matrix</h2>\n\
         <p class=\"lead\">{} of {} validation rows are classified right ({}). Rows are true classes, columns are \
         predicted ones.</p>\n<div class=\"confusion\"><div class=\"scroll\">{table}</div>\n{}</div></section>\n",
        count(sums.right),
        count(sums.total),
        percent(share(sums.right, sums.total)),
        frequent(confusion)
    )
}

/// Sums over the matrix. A matrix that is not square counts as zero where it has no entry.
struct Sums {
    of_true: Vec<u64>,
    of_predicted: Vec<u64>,
    total: u64,
    right: u64,
}

impl Sums {
    fn of(confusion: &Confusion) -> Self {
        let n = confusion.classes.len();
        let of_true: Vec<u64> = (0..n).map(|t| (0..n).map(|p| cell(confusion, t, p)).sum()).collect();
        let of_predicted = (0..n).map(|p| (0..n).map(|t| cell(confusion, t, p)).sum()).collect();
        let right = (0..n).map(|i| cell(confusion, i, i)).sum();
        Self { total: of_true.iter().sum(), of_true, of_predicted, right }
    }
}

fn cell(confusion: &Confusion, of_true: usize, predicted: usize) -> u64 {
    confusion.counts.get(of_true).and_then(|row| row.get(predicted)).copied().unwrap_or(0)
}

/// `part / whole`; NaN (shown as "none") for a class that has no rows.
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn matrix(confusion: &Confusion, sums: &Sums) -> String {
    let classes = &confusion.classes;
    let long = classes.iter().any(|c| c.chars().count() > 4);
    let heads: String =
        classes.iter().map(|c| format!("<th scope=\"col\" title=\"{0}\"><span>{0}</span></th>", Esc(c))).collect();
    let mut body = String::new();
    for (t, class) in classes.iter().enumerate() {
        body.push_str(&format!("<tr><th scope=\"row\" title=\"{0}\"><span>{0}</span></th>", Esc(class)));
        for p in 0..classes.len() {
            body.push_str(&heat_cell(cell(confusion, t, p), sums.of_true[t], t == p));
        }
        let recall = percent(share(cell(confusion, t, t), sums.of_true[t]));
        body.push_str(&format!(
            "<td class=\"sum\">{}</td><td class=\"sum\">{recall}</td></tr>\n",
            count(sums.of_true[t])
        ));
    }
    let precision: String = (0..classes.len())
        .map(|p| {
            format!("<td class=\"sum\">{}</td>", whole_percent(share(cell(confusion, p, p), sums.of_predicted[p])))
        })
        .collect();
    format!(
        "<table class=\"heat{}\"><thead><tr><th class=\"corner\">true \\ predicted</th>{heads}\
         <th scope=\"col\" class=\"sum\">rows</th><th scope=\"col\" class=\"sum\">recall</th></tr></thead>\n\
         <tbody>{body}</tbody>\n<tfoot><tr><th scope=\"row\">precision</th>{precision}<td class=\"sum\"></td>\
         <td class=\"sum\"></td></tr></tfoot></table>",
        if long { " upright" } else { "" }
    )
}

/// One count, tinted by its share of the true class.
fn heat_cell(n: u64, of: u64, right: bool) -> String {
    if n == 0 {
        return if right { "<td class=\"right zero\">0</td>" } else { "<td class=\"zero\">0</td>" }.to_owned();
    }
    // The root makes one wrong row in forty visible beside a diagonal that is nearly full.
    let heat = share(n, of).sqrt();
    let class = if right { "right" } else { "wrong" };
    let strong = if heat > 0.6 { " strong" } else { "" };
    format!("<td class=\"{class}{strong}\" style=\"--h:{heat:.2}\">{}</td>", count(n))
}

/// A percentage short enough for a narrow column.
fn whole_percent(share: f64) -> String {
    if !share.is_finite() {
        "none".to_owned()
    } else if share == 1.0 {
        "100 %".to_owned()
    } else {
        // 99.6 % is not all of them.
        format!("{:.0} %", (share * 100.0).round().min(99.0))
    }
}

/// Rows, recall and precision of the classes with the lowest recall.
fn worst(confusion: &Confusion, sums: &Sums) -> String {
    let recall = |i: usize| share(cell(confusion, i, i), sums.of_true[i]);
    let mut order: Vec<usize> = (0..confusion.classes.len()).filter(|&i| sums.of_true[i] > 0).collect();
    order.sort_by(|&a, &b| recall(a).total_cmp(&recall(b)));
    let rows: String = order
        .iter()
        .take(WORST_CLASSES)
        .map(|&i| {
            let precision = percent(share(cell(confusion, i, i), sums.of_predicted[i]));
            let (name, rows) = (Esc(&confusion.classes[i]), count(sums.of_true[i]));
            format!(
                "<tr><th scope=\"row\">{name}</th><td>{rows}</td><td>{}</td><td>{precision}</td></tr>\n",
                percent(recall(i))
            )
        })
        .collect();
    format!(
        "<p>{} classes: too many for a readable matrix. These have the lowest recall.</p><table class=\"list\"><thead>\
         <tr><th scope=\"col\">class</th><th scope=\"col\">rows</th><th scope=\"col\">recall</th>\
         <th scope=\"col\">precision</th></tr></thead><tbody>{rows}</tbody></table>",
        count(confusion.classes.len() as u64)
    )
}

/// The pairs most often confused.
fn frequent(confusion: &Confusion) -> String {
    let classes = &confusion.classes;
    let n = classes.len();
    let pairs = (0..n).flat_map(|t| (0..n).filter(move |&p| p != t).map(move |p| (t, p)));
    let mut wrong: Vec<(u64, usize, usize)> =
        pairs.map(|(t, p)| (cell(confusion, t, p), t, p)).filter(|entry| entry.0 > 0).collect();
    if wrong.is_empty() {
        return String::new();
    }
    // Stable: equal counts stay in the order of the classes.
    wrong.sort_by_key(|entry| std::cmp::Reverse(entry.0));
    let items: String = wrong
        .iter()
        .take(LISTED)
        .map(|&(n, t, p)| {
            format!("<li><b>{}</b> taken for <b>{}</b>: {}</li>", Esc(&classes[t]), Esc(&classes[p]), count(n))
        })
        .collect();
    format!("<div><h3>Most frequent confusions</h3><ul class=\"frequent\">{items}</ul></div>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_by_row_and_by_column() {
        let confusion = Confusion { classes: vec!["a".into(), "b".into()], counts: vec![vec![3, 1], vec![0, 4]] };
        let html = render(&confusion);
        assert!(html.contains("7 of 8 validation rows are classified right (87.50 %)"), "{html}");
        assert!(html.contains("75.00 %"), "recall of a: 3 of 4");
        assert!(html.contains("<td class=\"sum\">80 %</td>"), "precision of b: 4 of 5");
        assert!(html.contains("<b>a</b> taken for <b>b</b>: 1"));
    }

    #[test]
    fn a_malformed_matrix_is_read_as_zeros() {
        let ragged = Confusion { classes: vec!["a".into(), "b".into()], counts: vec![vec![3]] };
        assert!(render(&ragged).contains("3 of 3"));
        assert_eq!(render(&Confusion::default()), "");
    }
}
