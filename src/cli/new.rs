//! `wgrad new`

use super::args::{self, LabelledArgs};
use super::out;
use crate::data::inspect::inspect;
use crate::data::pictures::{CLASS, require_classes};
#[cfg(feature = "images")]
use crate::spec::draft::draft_pictures;
use crate::spec::draft::{Draft, draft};
use crate::spec::{DataFile, Spec};
use std::path::Path;

pub fn run(args: args::New) -> anyhow::Result<()> {
    if let Some(path) = args.out.as_ref().filter(|path| path.exists()) {
        anyhow::bail!("{}: this file is there already. Choose another name with --out", path.display());
    }
    let mut file = LabelledArgs { data: args.data, labels: args.labels }.file();
    let folder = args.out.as_deref().and_then(Path::parent);
    if let Some(labels) = &mut file.labels {
        labels.written = seen_from(folder, &labels.path, labels.array.as_deref())?;
    }
    let written = seen_from(folder, &file.path, file.array.as_deref())?;
    let draft = if file.path.is_dir() && file.labels.is_none() {
        pictures(&file, &written, args.target.as_deref())?
    } else {
        draft(&file, &written, &inspect(&file)?, args.target.as_deref())?
    };
    let path = args.out.as_deref().unwrap_or(Path::new("spec.toml"));
    // What is written can be read: a column's name may be anything.
    Spec::parse(&draft.text, path)?;
    draft.notes.iter().for_each(|note| out::words(note));
    match &args.out {
        Some(path) => {
            out::file(path, &draft.text)?;
            out::say!("wrote {}; train it with: wgrad train {}", path.display(), path.display());
        }
        None => out::result(draft.text.trim_end())?,
    }
    Ok(())
}

/// A spec for a folder of pictures, whose target is the sub-folder's name.
fn pictures(file: &DataFile, written: &str, target: Option<&str>) -> anyhow::Result<Draft> {
    if let Some(target) = target.filter(|target| *target != CLASS) {
        anyhow::bail!(
            "the target of pictures is \"{CLASS}\", the name of the sub-folder, not \"{target}\". Leave --target out"
        );
    }
    require_classes(file)?;
    #[cfg(feature = "images")]
    return Ok(draft_pictures(written, &crate::data::pictures::look(&file.path)?));
    // Only the other build writes a spec.
    #[cfg(not(feature = "images"))]
    let _ = written;
    #[cfg(not(feature = "images"))]
    Err(crate::data::pictures::without_feature(&file.path).into())
}

/// The path of a data file in a spec that lies in `folder`: relative where it lies in or below it, else absolute.
fn seen_from(folder: Option<&Path>, path: &Path, array: Option<&str>) -> anyhow::Result<String> {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let shown = match folder {
        None => path.to_path_buf(),
        Some(folder) => {
            let (folder, path) = (std::path::absolute(folder)?, std::path::absolute(path)?);
            path.strip_prefix(&folder).map(Path::to_path_buf).unwrap_or(path)
        }
    };
    let text = shown.to_str().ok_or_else(|| anyhow::anyhow!("{}: the path is not UTF-8", shown.display()))?;
    Ok(array.map_or_else(|| text.to_owned(), |array| format!("{text}#{array}")))
}
