//! `wgrad completions` and `wgrad man`: made from the definitions that parse the command line, so that they cannot differ from it.

use super::args::{self, Cli};
use super::out;
use crate::error::Error;
use clap::CommandFactory;

pub fn completions(args: args::Completions) -> anyhow::Result<bool> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wgrad", &mut text);
    out::result(String::from_utf8(text)?.trim_end())?;
    Ok(true)
}

pub fn man(args: args::Man) -> anyhow::Result<bool> {
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io(&args.out, e))?;
    clap_mangen::generate_to(Cli::command(), &args.out).map_err(|e| Error::io(&args.out, e))?;
    out::words(&format!(
        "wrote the pages to {}; read one with: man {}/wgrad.1",
        args.out.display(),
        args.out.display()
    ));
    Ok(true)
}
