//! `api RUSTDOC.json`: each public item on a line, without what derives and blanket implementations bring.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(json) = std::env::args().nth(1) else {
        eprintln!("usage: api RUSTDOC.json");
        return ExitCode::from(2);
    };
    let mut listing = public_api::Builder::from_rustdoc_json(&json);
    listing = listing.omit_blanket_impls(true).omit_auto_trait_impls(true).omit_auto_derived_impls(true);
    match listing.build() {
        Ok(api) => {
            api.items().for_each(|item| println!("{item}"));
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{json}: {e}");
            ExitCode::from(2)
        }
    }
}
