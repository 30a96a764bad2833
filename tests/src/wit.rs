//! A package of WIT as lines that can be compared, whatever the order in which its parts were read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use wit_parser::{
    Docs, Function, InterfaceId, PackageId, Resolve, Stability, Type, TypeDef, TypeDefKind,
    TypeOwner, World, WorldItem,
};

/// What a package says. Keys are such as `interface types`, `types.type error`, `cache-read.get` and `world plugin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What each item is, and since when it is there; no version of the package itself.
    pub shapes: BTreeMap<String, String>,
    /// How each item is documented, with its members.
    pub docs: BTreeMap<String, String>,
}

/// The folder with the contract.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

/// The package in a folder.
pub fn read(folder: &Path) -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_dir(folder)
        .unwrap_or_else(|error| panic!("{error:#}"));
    (resolve, package)
}

/// What a package says.
pub fn said(resolve: &Resolve, package: PackageId) -> Said {
    let mut said = Said {
        shapes: BTreeMap::new(),
        docs: BTreeMap::new(),
    };
    for (name, id) in &resolve.packages[package].interfaces {
        said.add_interface(resolve, name, *id);
    }
    for (name, id) in &resolve.packages[package].worlds {
        said.add_world(resolve, name, &resolve.worlds[*id]);
    }
    assert!(said.shapes.len() > 100, "there is a lot in the package");
    said
}

impl Said {
    fn add(&mut self, key: String, shape: &str, stability: &Stability, docs: String) {
        let since = since(stability);
        self.shapes.insert(key.clone(), format!("{shape}{since}"));
        self.docs.insert(key, docs);
    }

    fn add_interface(&mut self, resolve: &Resolve, name: &str, id: InterfaceId) {
        let interface = &resolve.interfaces[id];
        let key = format!("interface {name}");
        self.add(key, "", &interface.stability, text(&interface.docs));
        for (type_name, id) in &interface.types {
            let definition = &resolve.types[*id];
            let (shape, members) = shape(resolve, definition);
            let docs = format!("{} {members}", text(&definition.docs));
            let key = format!("{name}.type {type_name}");
            self.add(key, &shape, &definition.stability, docs);
        }
        for function in interface.functions.values() {
            let key = format!("{name}.{}", function.name);
            let signature = signature(resolve, function);
            self.add(key, &signature, &function.stability, text(&function.docs));
        }
    }

    fn add_world(&mut self, resolve: &Resolve, name: &str, world: &World) {
        let all = |items: Vec<&WorldItem>| -> BTreeSet<String> {
            let named = items.into_iter().map(|item| match item {
                WorldItem::Interface { id, .. } => {
                    let interface = &resolve.interfaces[*id];
                    // What has only types is there because others use it.
                    let since = match interface.functions.is_empty() {
                        true => String::new(),
                        false => since(item.stability(resolve)),
                    };
                    format!("{}{since}", interface.name.as_deref().unwrap_or("?"))
                }
                other => format!("{other:?}"),
            });
            named.collect()
        };
        let imports = all(world.imports.values().collect());
        let exports = all(world.exports.values().collect());
        let shape = format!("imports {imports:?} exports {exports:?}");
        let key = format!("world {name}");
        self.add(key, &shape, &world.stability, text(&world.docs));
    }
}

fn since(stability: &Stability) -> String {
    match stability {
        Stability::Unknown => String::new(),
        Stability::Stable { since, .. } => format!(" since {since}"),
        other => format!(" {other:?}"),
    }
}

fn text(docs: &Docs) -> String {
    format!("{:?}", docs.contents)
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let params: Vec<_> = function
        .params
        .iter()
        .map(|param| format!("{}: {}", param.name, reference(resolve, &param.ty)))
        .collect();
    let result = function.result.as_ref();
    let result = result.map_or_else(|| "nothing".to_owned(), |ty| reference(resolve, ty));
    format!("({}) -> {result}", params.join(", "))
}

/// What a named type is made of, and how its members are documented.
fn shape(resolve: &Resolve, definition: &TypeDef) -> (String, String) {
    let (mut shape, mut docs) = (String::new(), String::new());
    let mut member = |name: &str, what: &str, about: &Docs| {
        let _ = write!(shape, "{name}{what}; ");
        let _ = write!(docs, "{name}: {}; ", text(about));
    };
    match &definition.kind {
        TypeDefKind::Record(record) => {
            for field in &record.fields {
                let ty = format!(": {}", reference(resolve, &field.ty));
                member(&field.name, &ty, &field.docs);
            }
        }
        TypeDefKind::Variant(variant) => {
            for case in &variant.cases {
                let payload = case.ty.as_ref();
                let payload = payload.map(|ty| format!("({})", reference(resolve, ty)));
                member(&case.name, &payload.unwrap_or_default(), &case.docs);
            }
        }
        TypeDefKind::Enum(cases) => {
            for case in &cases.cases {
                member(&case.name, "", &case.docs);
            }
        }
        TypeDefKind::Type(ty) => shape = format!("= {}", reference(resolve, ty)),
        other => panic!("a kind of type that this does not know: {other:?}"),
    }
    (shape, docs)
}

/// How a type is referred to.
fn reference(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else {
        return format!("{ty:?}");
    };
    let of = |ty: &Option<Type>| {
        ty.as_ref()
            .map_or_else(|| "_".to_owned(), |ty| reference(resolve, ty))
    };
    let def = &resolve.types[*id];
    match (&def.name, &def.owner, &def.kind) {
        (Some(name), TypeOwner::Interface(owner), _) => format!(
            "{}.{name}",
            resolve.interfaces[*owner].name.as_deref().unwrap_or("?")
        ),
        (_, _, TypeDefKind::Option(ty)) => format!("option<{}>", reference(resolve, ty)),
        (_, _, TypeDefKind::List(ty)) => format!("list<{}>", reference(resolve, ty)),
        (_, _, TypeDefKind::Result(result)) => {
            format!("result<{}, {}>", of(&result.ok), of(&result.err))
        }
        (_, _, TypeDefKind::Tuple(tuple)) => {
            let types: Vec<_> = tuple
                .types
                .iter()
                .map(|ty| reference(resolve, ty))
                .collect();
            format!("tuple<{}>", types.join(", "))
        }
        (_, _, other) => panic!("a kind of type that this does not know: {other:?}"),
    }
}
