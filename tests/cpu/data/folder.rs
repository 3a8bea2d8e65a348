//! Folders of pictures.

use wgrad::testing::data::Folder;

fn tree(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        if file.ends_with('/') {
            std::fs::create_dir_all(path).unwrap();
        } else {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
    }
    root
}

#[test]
fn classes_and_pictures_are_sorted_by_name() {
    let root = tree(&["dog/2", "dog/10", "cat/b", "cat/a", "cat/.hidden", "cat/thumbs.db", ".git/x"]);
    let folder = Folder::open(root.path()).unwrap();
    assert_eq!(folder.classes(), ["cat", "dog"]);
    let names: Vec<String> = (0..folder.count()).map(|i| folder.name(i)).collect();
    assert_eq!(names, ["cat/a", "cat/b", "dog/10", "dog/2"]);
    assert_eq!((folder.class(1), folder.class(2)), (Some("cat"), Some("dog")));
    let flat = Folder::open(&root.path().join("dog")).unwrap();
    assert_eq!((flat.classes().len(), flat.name(1), flat.class(0)), (0, "2".to_owned(), None));
}

#[test]
fn what_is_no_folder_of_pictures_is_refused_with_the_place() {
    for (files, expected) in [
        (&["a/"][..], "a: the folder of this class holds no picture"),
        (&["a/x", "y"], "the file y lies beside the folders of classes, such as a"),
        (&["a/b/x"], "a: the folder b lies in that of a class"),
        (&[".hidden"], "the folder is empty"),
    ] {
        let root = tree(files);
        let message = Folder::open(root.path()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_digest_notices_every_change() {
    let root = tree(&["a/1", "a/2", "b/3"]);
    let digest = || Folder::open(root.path()).unwrap().digest().unwrap();
    let first = digest();
    assert_eq!(first.0, 9);
    std::fs::write(root.path().join("b/3"), "b/4").unwrap();
    let changed = digest();
    std::fs::write(root.path().join("b/5"), "").unwrap();
    let added = digest();
    std::fs::rename(root.path().join("b/5"), root.path().join("b/6")).unwrap();
    let renamed = digest();
    std::fs::remove_file(root.path().join("b/6")).unwrap();
    std::fs::write(root.path().join("b/3"), "b/3").unwrap();
    let all = [&first, &changed, &added, &renamed].map(|(_, sha256)| sha256);
    assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])), "{all:?}");
    assert_eq!(digest(), first);
}
