//! How each class fares, and the figures over all of them.

use super::format::{Esc, count, percent, value};
use super::{card, count_of};
use crate::report::{ClassScores, RunReport};

/// Classes listed: of more, those with the lowest F1.
const LISTED: usize = 60;

/// The section: metrics of the model's validation as cards, then a line a class. Nothing where there are neither.
pub fn render(report: &RunReport) -> String {
    let kept = report.stopping.as_ref().filter(|stopping| stopping.restored).and_then(|stopping| stopping.best_epoch);
    let of_model = report.epochs.iter().rev().filter(|e| kept.is_none_or(|kept| kept == e.epoch));
    let metrics = of_model.into_iter().find_map(|e| Some((e.epoch, e.metrics.as_ref()?)));
    let named = metrics.map(|(epoch, metrics)| (epoch, metrics.named())).filter(|(_, named)| !named.is_empty());
    let cards = named.map(|(epoch, named)| {
        let one =
            |(name, v, share): &(String, f64, bool)| card(name, &if *share { percent(*v) } else { value(*v) }, "", "");
        let cards: String = named.iter().map(one).collect();
        format!(
            "<section class=\"card\"><h2>Metrics</h2>\n<p class=\"lead\">On the validation rows after epoch {}.</p>\
             <div class=\"cards inner\">\n{cards}</div></section>\n",
            count_of(epoch)
        )
    });
    cards.unwrap_or_default() + &table(&report.classes)
}

fn table(classes: &[ClassScores]) -> String {
    if classes.is_empty() {
        return String::new();
    }
    let mut order: Vec<&ClassScores> = classes.iter().collect();
    let mut note = String::new();
    if order.len() > LISTED {
        order.sort_by(|a, b| a.f1.total_cmp(&b.f1));
        order.truncate(LISTED);
        note = format!("<span class=\"small\">the {LISTED} of {} with the lowest F1</span>", count_of(classes.len()));
    }
    let row = |c: &&ClassScores| {
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            Esc(&c.class),
            count(c.rows),
            percent(c.precision),
            percent(c.recall),
            percent(c.f1),
            c.roc_auc.map_or_else(|| "none".to_owned(), |area| format!("{area:.4}"))
        )
    };
    format!(
        "<details class=\"card\" open=\"open\"><summary><h2>Classes</h2>{note}</summary><div class=\"scroll\">\
         <table class=\"list\"><thead><tr><th scope=\"col\">class</th><th scope=\"col\">rows</th>\
         <th scope=\"col\">precision</th><th scope=\"col\">recall</th><th scope=\"col\">F1</th>\
         <th scope=\"col\">ROC AUC</th></tr></thead><tbody>\n{}</tbody></table></div></details>\n",
        order.iter().map(row).collect::<String>()
    )
}
