//! The layers of `host/src`: an arrow never points up, and none leads round within a row. And one rule within a layer: what
//! names a version of the contract.

mod references;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the top down. Modules in one row may use each other, one way.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["web"],
    &["platform"],
    &["manager"],
    &["loader", "registry"],
    &["runtime"],
    &["capability"],
    &["store", "contract", "tls"],
    &["permission"],
    &["names", "setters"],
];

/// A source file: where it is, its module, and what it refers to.
struct Source {
    file: PathBuf,
    /// The module of the root that it is in, and `main` for the program's file. None for the root's own file.
    top: Option<String>,
    references: BTreeSet<references::Absolute>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a file is in, by its path.
fn module_of(file: &Path) -> Vec<String> {
    let inner = file.strip_prefix(folder()).unwrap().with_extension("");
    let names = inner.iter().map(|name| name.to_str().unwrap().to_owned());
    let mut module: Vec<String> = names.collect();
    if matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        module.pop();
    }
    module
}

fn sources() -> Vec<Source> {
    let roots: Vec<&str> = LAYERS.concat();
    let mut files = Vec::new();
    rust_files(&folder(), &mut files);
    let source = |file: PathBuf| {
        let module = module_of(&file);
        let text = fs::read_to_string(&file).unwrap();
        let is_main = file == folder().join("main.rs");
        Source {
            references: references::of(&text, "goatherd", &module, &roots),
            top: is_main
                .then(|| "main".to_owned())
                .or_else(|| module.first().cloned()),
            file,
        }
    };
    files.into_iter().map(source).collect()
}

/// Which modules of the root each of them uses, and an example of a file that does.
fn arrows() -> BTreeMap<(String, String), String> {
    let sources = sources();
    let root = sources.iter().find(|source| source.top.is_none()).unwrap();
    let mut arrows = BTreeMap::new();
    for source in &sources {
        let Some(from) = &source.top else { continue };
        for path in &source.references {
            let file = source.file.display();
            let first = path.first();
            let first = first.unwrap_or_else(|| panic!("{file} uses the root as a whole"));
            let to = if LAYERS.concat().contains(&first.as_str()) {
                first
            } else {
                // What the root shows of a module is that module's.
                let shown = root
                    .references
                    .iter()
                    .find(|shown| shown.last() == Some(first));
                &shown.unwrap_or_else(|| panic!("{file} uses {first} of the root"))[0]
            };
            if from != to {
                let use_of = format!("{file} uses {}", path.join("::"));
                arrows.entry((from.clone(), to.clone())).or_insert(use_of);
            }
        }
    }
    arrows
}

fn row_of(module: &str) -> usize {
    let row = LAYERS.iter().position(|row| row.contains(&module));
    row.unwrap_or_else(|| panic!("{module} is in no layer"))
}

#[test]
fn no_layer_uses_one_above_it() {
    let arrows = arrows();
    let upward = arrows
        .iter()
        .filter(|((from, to), _)| row_of(to) < row_of(from));
    let upward: Vec<_> = upward.map(|(_, example)| example.as_str()).collect();
    assert!(upward.is_empty(), "{}", upward.join("\n"));
    // That there are arrows downwards shows that arrows are found at all.
    for (from, to) in [
        ("main", "cli"),
        ("cli", "tls"),
        ("web", "runtime"),
        ("store", "contract"),
    ] {
        assert!(
            arrows.contains_key(&(from.to_owned(), to.to_owned())),
            "{from} uses {to}"
        );
    }
}

#[test]
fn modules_of_one_row_use_each_other_one_way() {
    let arrows = arrows();
    // All that a module leads to within its row.
    let reached = |row: &[&'static str], from: &'static str| {
        let mut reached = BTreeSet::new();
        let mut next = vec![from];
        while let Some(module) = next.pop() {
            for to in row {
                if arrows.contains_key(&(module.to_owned(), (*to).to_owned()))
                    && reached.insert(*to)
                {
                    next.push(to);
                }
            }
        }
        reached
    };
    let mut found = BTreeSet::new();
    for row in LAYERS {
        for (index, one) in row.iter().enumerate() {
            for other in &row[index + 1..] {
                if reached(row, one).contains(other) && reached(row, other).contains(one) {
                    found.insert([*one, *other]);
                }
            }
        }
    }
    let mut both_ways = arrows;
    both_ways.retain(|(from, to), _| {
        let pair = |pair: &[&str; 2]| pair.contains(&from.as_str()) && pair.contains(&to.as_str());
        found.iter().any(pair)
    });
    assert!(found.is_empty(), "{both_ways:#?}");
}

#[test]
fn every_module_of_the_root_is_in_one_layer() {
    let root = fs::read_to_string(folder().join("lib.rs")).unwrap();
    let declared = syn::parse_file(&root).unwrap().items;
    let declared: BTreeSet<String> = declared
        .iter()
        .filter_map(|item| match item {
            syn::Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        })
        .collect();
    let mut known: Vec<String> = LAYERS.concat().into_iter().map(str::to_owned).collect();
    known.retain(|module| module != "main");
    let rows = known.len();
    let known: BTreeSet<String> = known.into_iter().collect();
    assert_eq!(known.len(), rows, "one is in two rows");
    assert_eq!(declared, known);
}

/// The one file that lists the versions of the contract.
const LIST: &str = "contract/bindings.rs";

/// The folder of a version's bindings that a path within `host/src` leads into.
fn version_of(inner: &str) -> Option<&str> {
    let (folder, _) = inner.strip_prefix("contract/")?.split_once('/')?;
    is_version(folder).then_some(folder)
}

/// Whether a word is the name of a version's bindings, such as `v0_1`.
fn is_version(word: &str) -> bool {
    let numbers = word.strip_prefix('v').and_then(|word| word.split_once('_'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

#[test]
fn bindings_are_generated_in_the_folder_of_their_version_and_named_there_and_in_one_list() {
    let mut files = Vec::new();
    rust_files(&folder(), &mut files);
    let mut named = BTreeMap::new();
    for file in files {
        let inner = file.strip_prefix(folder()).unwrap();
        let inner = inner.to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        // Those of WASI's drafts are made where they are served.
        if text.contains("bindgen!") && text.contains("goatherd:plugin/") {
            assert!(version_of(&inner).is_some(), "{inner} generates bindings");
        }
        let words = text.split(|sign: char| !sign.is_alphanumeric() && sign != '_');
        let versions: BTreeSet<String> = words
            .filter(|word| is_version(word))
            .map(str::to_owned)
            .collect();
        if !versions.is_empty() {
            named.insert(inner, versions);
        }
    }
    let all = |versions: &[&str]| -> BTreeSet<String> {
        versions
            .iter()
            .map(|version| (*version).to_owned())
            .collect()
    };
    // The draft of the rehearsal is made of what it has in common with the line before.
    let expected = BTreeMap::from([
        (LIST.to_owned(), all(&["v0_1", "v0_2"])),
        ("contract/v0_2/mod.rs".to_owned(), all(&["v0_1", "v0_2"])),
    ]);
    assert_eq!(named, expected);
}
