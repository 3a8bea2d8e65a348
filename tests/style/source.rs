//! The crate's own source as tokens: comments are gone, strings are one token, and tests are left out,
//! because a test may build its input with whatever it likes and may panic.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::path::{Path, PathBuf};

/// One token; a group is its two brackets with the content between.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// As written; a string or number is only `"`, so that no text is taken for code.
    pub text: String,
    /// A string or number as written, else empty.
    pub literal: String,
    /// From 1.
    pub line: usize,
    /// Depth of inline modules at this place.
    pub inline_modules: usize,
}

/// A source file.
pub struct Source {
    /// Path relative to the repository, with forward slashes.
    pub path: String,
    /// Lines in the file.
    pub lines: usize,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// Lines of the items that are left out: those of `#[cfg(test)]` and `#[test]`.
    pub tests: Vec<usize>,
}

impl Source {
    /// Reads Rust text. Fails with the tokeniser's message.
    pub fn parse(path: &str, text: &str) -> Result<Source, String> {
        let stream: TokenStream = text.parse().map_err(|e| format!("{path}: {e}"))?;
        let (path, lines) = (path.to_owned(), text.lines().count());
        let mut source = Source { path, lines, tokens: Vec::new(), tests: Vec::new() };
        flatten(stream, 0, &mut source);
        Ok(source)
    }

    /// Whether the tokens from `at` on are these.
    pub fn matches(&self, at: usize, texts: &[&str]) -> bool {
        let end = at + texts.len();
        end <= self.tokens.len() && self.tokens[at..end].iter().zip(texts).all(|(token, text)| token.text == *text)
    }

    /// `path:line` of a token.
    pub fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path, self.tokens[at].line)
    }
}

/// Every file below `folder` of the repository with that extension, sorted; none when there is no such folder.
pub fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop().filter(|folder| folder.exists()) {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The Rust files below a folder of the repository.
pub fn sources(folder: &str) -> Vec<Source> {
    let read = |path: PathBuf| Source::parse(&relative(&path), &std::fs::read_to_string(&path).unwrap()).unwrap();
    files(folder, "rs").into_iter().map(read).collect()
}

/// A path as it is called in the repository.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn flatten(stream: TokenStream, inline_modules: usize, source: &mut Source) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut i = 0;
    while i < trees.len() {
        if is_test_attribute(&trees[i..]) {
            source.tests.push(trees[i].span().start().line);
            i = end_of_item(&trees, i + 2);
            continue;
        }
        let token = |text: String, line: usize| Token { text, literal: String::new(), line, inline_modules };
        match &trees[i] {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let is_module = i >= 2 && open == "{" && is_word(&trees[i - 2], "mod");
                source.tokens.push(token(open.to_owned(), group.span_open().start().line));
                flatten(group.stream(), inline_modules + usize::from(is_module), source);
                source.tokens.push(token(close.to_owned(), group.span_close().end().line));
            }
            TokenTree::Literal(literal) => {
                let place = token("\"".to_owned(), literal.span().start().line);
                source.tokens.push(Token { literal: literal.to_string(), ..place });
            }
            other => source.tokens.push(token(other.to_string(), other.span().start().line)),
        }
        i += 1;
    }
}

fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}

/// `#[cfg(test)]` or `#[test]`.
fn is_test_attribute(trees: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = trees else { return false };
    let text = attribute.stream().to_string().replace(' ', "");
    hash.as_char() == '#' && (text == "cfg(test)" || text == "test")
}

/// The index after the item that starts at `i`: after its braces or its semicolon.
fn end_of_item(trees: &[TokenTree], mut i: usize) -> usize {
    while i < trees.len() {
        let ends = match &trees[i] {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            _ => false,
        };
        i += 1;
        if ends {
            break;
        }
    }
    i
}
