//! `wgrad completions` and `wgrad man`: made from the definitions that parse the command line, so that they cannot differ from it.

use super::args::Cli;
use super::out;
use crate::error::Error;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::Path;

pub fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "wgrad", &mut text);
    out::result(String::from_utf8(text)?.trim_end())
}

pub fn man(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(|e| Error::io(folder, e))?;
    out::say!("wrote the pages to {}; read one with: man {}/wgrad.1", folder.display(), folder.display());
    Ok(())
}
