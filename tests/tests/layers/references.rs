//! What a source file refers to within its crate, as the compiler reads it and not as it is spelled.
//!
//! `use crate::{a, b}`, `use super::super::a`, a path in an expression, a type, an attribute or the arguments of a macro all
//! count. What is said about a path in documentation does not.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The modules and the item of a path, counted from the root of the crate. The root itself is empty.
pub type Absolute = Vec<String>;

/// What a file refers to that is the module `module` of the crate `krate`, whose root has the modules `roots`.
///
/// # Panics
///
/// When it is no Rust.
pub fn of(source: &str, krate: &str, module: &[String], roots: &[&str]) -> BTreeSet<Absolute> {
    let file = syn::parse_file(source).unwrap_or_else(|error| panic!("{module:?}: {error}"));
    let mut references = References {
        krate,
        roots,
        module: module.to_vec(),
        found: BTreeSet::new(),
    };
    references.visit_file(&file);
    references.found
}

struct References<'a> {
    krate: &'a str,
    roots: &'a [&'a str],
    /// The module that is being read.
    module: Vec<String>,
    found: BTreeSet<Absolute>,
}

impl References<'_> {
    fn note(&mut self, path: &[String]) {
        self.found.extend(self.resolve(path));
    }

    /// A path from the root, if it leads into this crate and through a module.
    fn resolve(&self, path: &[String]) -> Option<Absolute> {
        let (first, rest) = path.split_first()?;
        let mut from = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => parent(&self.module),
            name if name == self.krate => Vec::new(),
            name if self.module.is_empty() && self.roots.contains(&name) => vec![name.to_owned()],
            _ => return None,
        };
        for segment in rest {
            match segment.as_str() {
                "super" => from = parent(&from),
                "self" => {}
                name => from.push(name.to_owned()),
            }
        }
        Some(from)
    }

    fn note_use(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.note_use(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.note(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.note(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.note_use(before, item);
                }
            }
        }
    }

    /// Notes the paths among tokens that nobody has parsed; in attributes also those that stand in strings.
    fn note_tokens(&mut self, tokens: TokenStream, strings: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is_colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            index += 1;
            match token {
                TokenTree::Group(group) => self.note_tokens(group.stream(), strings),
                TokenTree::Literal(literal) => {
                    if strings
                        && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
                        && let Ok(path) = text.parse::<syn::Path>()
                    {
                        self.visit_path(&path);
                    }
                }
                TokenTree::Ident(first) => {
                    let mut path = vec![first.to_string()];
                    while is_colon(tokens.get(index)) && is_colon(tokens.get(index + 1)) {
                        match tokens.get(index + 2) {
                            Some(TokenTree::Ident(next)) => path.push(next.to_string()),
                            Some(TokenTree::Group(group)) => {
                                // As in `crate::{a, b}`.
                                for inner in group.stream() {
                                    if let TokenTree::Ident(inner) = inner {
                                        self.note(&[&path[..], &[inner.to_string()]].concat());
                                    }
                                }
                                break;
                            }
                            _ => break,
                        }
                        index += 3;
                    }
                    if path.len() > 1 {
                        self.note(&path);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for References<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.note_use(&[], &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        // One segment is a value or a type that is in scope: its `use` was noted.
        if path.leading_colon.is_none() && segments.len() > 1 {
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_macro(self, call);
        self.note_tokens(call.tokens.clone(), false);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        visit::visit_meta_list(self, list);
        self.note_tokens(list.tokens.clone(), true);
    }

    /// Who may see an item is no use of what they are.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

fn parent(module: &[String]) -> Vec<String> {
    module[..module.len().saturating_sub(1)].to_vec()
}

#[test]
fn every_way_to_refer_to_a_module_is_found() {
    let inside = "\
        use crate::{one::A, two::{self, B as C}};\n\
        use super::super::three::*;\n\
        pub use self::own::D;\n\
        use ::std::fs; use serde::Serialize;\n\
        pub(in crate::nobody) struct E(crate::four::F);\n\
        #[serde(with = \"crate::five::g\")] struct G;\n\
        #[doc = \"crate::nobody\"] #[derive(crate::six::H)] struct I;\n\
        fn j<T: super::super::seven::K>() -> bool {\n\
            tracing::info!(number = crate::eight::l(), \"crate::nobody\");\n\
            matches!(m, goatherd::nine::N { .. } if super::super::ten::o())\n\
        }\n\
        mod tests { use super::super::super::eleven; use super::p; mod q { fn r() { crate::twelve::s() } } }\n";
    let module = ["capability".to_owned(), "db".to_owned()];
    let found = of(inside, "goatherd", &module, &[]);
    let firsts: BTreeSet<&str> = found.iter().map(|path| path[0].as_str()).collect();
    let expected = [
        "one",
        "two",
        "three",
        "capability",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ];
    assert_eq!(firsts, BTreeSet::from(expected));
    let root = "pub mod one; pub use one::A; use two::B; fn c() { one::d() } use crate::*;";
    let found = of(root, "goatherd", &[], &["one"]);
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Absolute>();
    assert_eq!(
        found,
        BTreeSet::from([Vec::new(), path("one::A"), path("one::d")])
    );
}
