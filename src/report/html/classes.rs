//! How each class fares: the confusion matrix as a heat table, with recall, precision and the most frequent confusions, the metrics,
//! and a table of the classes.

use super::format::{Esc, count, percent, value};
use super::{card, cells, folding, row, section, table};
use crate::report::{ClassScores, Confusion, RunReport};

/// Up to so many classes the whole matrix is shown; beyond, a table of the classes that fare worst.
const MATRIX_CLASSES: usize = 40;
/// So many classes are listed when the matrix is not shown.
const WORST_CLASSES: usize = 40;
/// So many confusions are listed.
const LISTED: usize = 5;

/// The section, or nothing when there are no classes or no rows.
pub fn matrix(confusion: &Confusion) -> String {
    let sums = Sums::of(confusion);
    if sums.total == 0 {
        return String::new();
    }
    let table =
        if confusion.classes.len() <= MATRIX_CLASSES { heat(confusion, &sums) } else { worst(confusion, &sums) };
    let lead = format!(
        "<p class=\"lead\">{} of {} validation rows are classified right ({}). Rows are true classes, columns are \
         predicted ones.</p>",
        count(sums.right),
        count(sums.total),
        percent(share(sums.right, sums.total))
    );
    let wrong = frequent(confusion);
    let body = format!("{lead}\n<div class=\"confusion\"><div class=\"scroll\">{table}</div>\n{wrong}</div>");
    section("Confusion matrix", &body)
}

/// Sums over the matrix. A matrix that is not square counts as zero where it has no entry.
struct Sums {
    of_true: Vec<u64>,
    of_predicted: Vec<u64>,
    total: u64,
    right: u64,
}

impl Sums {
    /// Of the matrix, as wide as there are classes.
    fn of(confusion: &Confusion) -> Self {
        let n = confusion.classes.len();
        let of_true: Vec<u64> = (0..n).map(|t| (0..n).map(|p| cell(confusion, t, p)).sum()).collect();
        let of_predicted = (0..n).map(|p| (0..n).map(|t| cell(confusion, t, p)).sum()).collect();
        let right = (0..n).map(|i| cell(confusion, i, i)).sum();
        Self { total: of_true.iter().sum(), of_true, of_predicted, right }
    }
}

/// How many rows of one class were taken for another; a matrix from a file may lack entries.
fn cell(confusion: &Confusion, of_true: usize, predicted: usize) -> u64 {
    confusion.counts.get(of_true).and_then(|row| row.get(predicted)).copied().unwrap_or(0)
}

/// `part / whole`; NaN (shown as "none") for a class that has no rows.
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// The whole matrix, a row a true class, tinted by shares.
fn heat(confusion: &Confusion, sums: &Sums) -> String {
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
    let precision = |p: usize| whole_percent(share(cell(confusion, p, p), sums.of_predicted[p]));
    let precisions = (0..classes.len()).map(|p| format!("<td class=\"sum\">{}</td>", precision(p)));
    let precision: String = precisions.collect();
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
    let line = |&i: &usize| {
        let precision = percent(share(cell(confusion, i, i), sums.of_predicted[i]));
        row(&confusion.classes[i], &cells(&[count(sums.of_true[i]), percent(recall(i)), precision]))
    };
    let rows: String = order.iter().take(WORST_CLASSES).map(line).collect();
    format!(
        "<p>{} classes: too many for a readable matrix. These have the lowest recall.</p><table class=\"list\"><thead>\
         <tr><th scope=\"col\">class</th><th scope=\"col\">rows</th><th scope=\"col\">recall</th>\
         <th scope=\"col\">precision</th></tr></thead><tbody>{rows}</tbody></table>",
        count(confusion.classes.len())
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
    let item = |&(n, t, p): &(u64, usize, usize)| {
        format!("<li><b>{}</b> taken for <b>{}</b>: {}</li>", Esc(&classes[t]), Esc(&classes[p]), count(n))
    };
    let items: String = wrong.iter().take(LISTED).map(item).collect();
    format!("<div><h3>Most frequent confusions</h3><ul class=\"frequent\">{items}</ul></div>")
}

/// Classes listed: of more, those with the lowest F1.
const LISTED_CLASSES: usize = 60;

/// The section: metrics of the model's validation as cards, then a line a class. Nothing where there are neither.
pub fn metrics(report: &RunReport) -> String {
    let kept = report.stopping.as_ref().filter(|stopping| stopping.restored).and_then(|stopping| stopping.best_epoch);
    let of_model = report.epochs.iter().rev().filter(|e| kept.is_none_or(|kept| kept == e.epoch));
    let metrics = of_model.into_iter().find_map(|e| Some((e.epoch, e.metrics.as_ref()?)));
    let named = metrics.map(|(epoch, metrics)| (epoch, metrics.named())).filter(|(_, named)| !named.is_empty());
    let cards = named.map(|(epoch, named)| {
        let one =
            |(name, v, share): &(String, f64, bool)| card(name, &if *share { percent(*v) } else { value(*v) }, "", "");
        let cards: String = named.iter().map(one).collect();
        let lead = format!("<p class=\"lead\">On the validation rows after epoch {}.</p>", count(epoch));
        section("Metrics", &format!("{lead}<div class=\"cards inner\">\n{cards}</div>"))
    });
    cards.unwrap_or_default() + &each(&report.classes)
}

/// A line a class.
fn each(classes: &[ClassScores]) -> String {
    if classes.is_empty() {
        return String::new();
    }
    let mut order: Vec<&ClassScores> = classes.iter().collect();
    let mut note = String::new();
    if order.len() > LISTED_CLASSES {
        order.sort_by(|a, b| a.f1.total_cmp(&b.f1));
        order.truncate(LISTED_CLASSES);
        note =
            format!("<span class=\"small\">the {LISTED_CLASSES} of {} with the lowest F1</span>", count(classes.len()));
    }
    let line = |c: &&ClassScores| {
        let area = c.roc_auc.map_or_else(|| "none".to_owned(), |area| format!("{area:.4}"));
        row(&c.class, &cells(&[count(c.rows), percent(c.precision), percent(c.recall), percent(c.f1), area]))
    };
    let heads = ["class", "rows", "precision", "recall", "F1", "ROC AUC"];
    folding("Classes", &note, " open=\"open\"", &table(&heads, &order.iter().map(line).collect::<String>()))
}
