//! The WIT package: that it parses, that the host knows all of it, and that the program prints it.

use std::collections::{BTreeMap, BTreeSet};

use goatherd::capability::table::{self, Gate};
use goatherd_tests::{goatherd, guest_path, wit};
use wit_parser::{
    Function, InterfaceId, PackageId, Resolve, Stability, Type, TypeDefKind, TypeId, TypeOwner,
    WorldItem,
};

const PACKAGE: &str = "goatherd:plugin";
/// What every component exports.
const GUEST: &str = "guest";
/// Functions that cannot say that they were denied: they tell something about the host, which linked them.
const NEVER_DENIED: [&str; 1] = ["db-read.engine"];

/// The package as it stands in `wit/`.
fn package() -> (Resolve, PackageId) {
    wit::read(&wit::folder())
}

fn interfaces(resolve: &Resolve, package: PackageId) -> BTreeMap<String, InterfaceId> {
    let interfaces = resolve.packages[package].interfaces.iter();
    interfaces.map(|(name, id)| (name.clone(), *id)).collect()
}

/// The interfaces that components export, which are those that a world of plugins exports; everything else in the package
/// is imported.
fn exported(resolve: &Resolve, package: PackageId) -> BTreeSet<String> {
    let everything = &resolve.worlds[resolve.packages[package].worlds["everything"]];
    functional(resolve, &everything.exports)
}

/// The interfaces of the package that the host's table has, by their names in the package.
fn table_rows() -> BTreeMap<&'static str, &'static table::Known> {
    let known = table::KNOWN.iter();
    known
        .filter_map(|row| Some((row.name.strip_prefix(PACKAGE)?.strip_prefix('/')?, row)))
        .collect()
}

#[test]
fn the_package_parses_under_its_name_and_version() {
    let (resolve, package) = package();
    assert_eq!(
        resolve.packages[package].name.to_string(),
        "goatherd:plugin@0.1.0"
    );
}

#[test]
fn every_interface_has_a_row_in_the_hosts_table_and_every_row_an_interface() {
    let (resolve, package) = package();
    let interfaces = interfaces(&resolve, package);
    let exported = exported(&resolve, package);
    let in_wit: BTreeSet<&str> = interfaces
        .keys()
        .filter(|name| !exported.contains(*name))
        .map(String::as_str)
        .collect();
    let in_table: BTreeSet<&str> = table_rows().into_keys().collect();
    assert_eq!(in_wit, in_table);
}

#[test]
fn no_interface_has_two_rows() {
    let mut seen = BTreeSet::new();
    for row in table::KNOWN {
        assert!(seen.insert(row.name), "{} has two rows", row.name);
    }
}

#[test]
fn only_interfaces_without_functions_are_linked_as_types() {
    let (resolve, package) = package();
    let interfaces = interfaces(&resolve, package);
    for (name, row) in table_rows() {
        let without_functions = resolve.interfaces[interfaces[name]].functions.is_empty();
        assert_eq!(row.gate == Gate::TypesOnly, without_functions, "{name}");
    }
}

#[test]
fn every_gated_interface_has_a_world_that_imports_it_and_nothing_else_that_runs() {
    let (resolve, package) = package();
    let worlds = &resolve.packages[package].worlds;
    for (name, row) in table_rows() {
        let world = worlds.get(&format!("with-{name}"));
        if matches!(row.gate, Gate::Ambient | Gate::TypesOnly) {
            assert!(
                world.is_none(),
                "{name} is always linked and needs no world"
            );
            continue;
        }
        let world =
            &resolve.worlds[*world.unwrap_or_else(|| panic!("there is no world with-{name}"))];
        assert!(world.exports.is_empty(), "with-{name} exports something");
        assert_eq!(
            functional(&resolve, &world.imports),
            BTreeSet::from([name.to_owned()]),
            "with-{name}"
        );
    }
}

#[test]
fn every_interface_that_is_exported_beside_the_guest_has_one_world_that_exports_nothing_else() {
    let (resolve, package) = package();
    let worlds = resolve.packages[package].worlds.iter();
    let mut served = Vec::new();
    for (name, id) in worlds.filter(|(name, _)| name.starts_with("serves-")) {
        let world = &resolve.worlds[*id];
        let exports = functional(&resolve, &world.exports);
        assert_eq!(exports.len(), 1, "{name} exports {exports:?}");
        assert_eq!(
            functional(&resolve, &world.imports),
            BTreeSet::new(),
            "{name} imports something"
        );
        served.extend(exports);
    }
    served.push(GUEST.to_owned());
    served.sort_unstable();
    let exported: Vec<String> = exported(&resolve, package).into_iter().collect();
    assert_eq!(served, exported);
}

#[test]
fn every_world_is_one_of_a_known_kind() {
    let (resolve, package) = package();
    let rows = table_rows();
    for name in resolve.packages[package].worlds.keys() {
        let known = match name.strip_prefix("with-") {
            Some(interface) => rows.contains_key(interface),
            None => {
                name.starts_with("serves-")
                    || ["plugin", "all-imports", "everything"].contains(&name.as_str())
            }
        };
        assert!(known, "world {name}");
    }
}

#[test]
fn the_worlds_all_imports_and_everything_import_all_that_is_not_exported() {
    let (resolve, package) = package();
    let exported = exported(&resolve, package);
    let imported: BTreeSet<String> = interfaces(&resolve, package)
        .into_iter()
        .filter(|(name, id)| {
            !exported.contains(name) && !resolve.interfaces[*id].functions.is_empty()
        })
        .map(|(name, _)| name)
        .collect();
    let world = |name: &str| &resolve.worlds[resolve.packages[package].worlds[name]];
    for name in ["all-imports", "everything"] {
        assert_eq!(
            functional(&resolve, &world(name).imports),
            imported,
            "{name}"
        );
    }
    assert_eq!(
        functional(&resolve, &world("all-imports").exports),
        BTreeSet::from([GUEST.to_owned()])
    );
}

#[test]
fn the_world_plugin_imports_just_what_is_always_linked_and_exports_the_guest() {
    let (resolve, package) = package();
    let plugin = &resolve.worlds[resolve.packages[package].worlds["plugin"]];
    let always: BTreeSet<String> = table_rows()
        .into_iter()
        .filter(|(_, row)| row.gate == Gate::Ambient)
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(functional(&resolve, &plugin.imports), always);
    assert_eq!(
        functional(&resolve, &plugin.exports),
        BTreeSet::from([GUEST.to_owned()])
    );
}

#[test]
fn every_function_that_can_be_denied_and_every_one_that_is_exported_answers_with_the_contracts_error()
 {
    let (resolve, package) = package();
    let interfaces = interfaces(&resolve, package);
    let rows = table_rows();
    let gated = |(_, row): &(&&str, &&table::Known)| matches!(row.gate, Gate::Needs(_));
    for (name, row) in rows.iter().filter(gated) {
        assert!(matches!(row.gate, Gate::Needs(_)));
        for function in resolve.interfaces[interfaces[*name]].functions.values() {
            let full = format!("{name}.{}", function.name);
            assert_ne!(
                can_fail(&resolve, function),
                NEVER_DENIED.contains(&full.as_str()),
                "{full}, which can say that it was denied or never is"
            );
        }
    }
    for name in exported(&resolve, package) {
        for function in resolve.interfaces[interfaces[&name]].functions.values() {
            // What it says about itself is checked by the host; it has nobody to refuse.
            assert_eq!(
                can_fail(&resolve, function),
                function.name != "register",
                "{name}.{}",
                function.name
            );
        }
    }
}

#[test]
fn everything_in_the_package_is_documented() {
    let (resolve, package) = package();
    let mut bare = Vec::new();
    for (name, id) in interfaces(&resolve, package) {
        let interface = &resolve.interfaces[id];
        if interface.docs.contents.is_none() {
            bare.push(name.clone());
        }
        let functions = interface.functions.values();
        bare.extend(
            functions
                .filter(|function| function.docs.contents.is_none())
                .map(|function| format!("{name}.{}", function.name)),
        );
        let own = interface
            .types
            .iter()
            .filter(|(_, ty)| !is_use(&resolve, **ty));
        bare.extend(
            own.filter(|(_, ty)| resolve.types[**ty].docs.contents.is_none())
                .map(|(ty, _)| format!("{name}.{ty}")),
        );
    }
    for (name, id) in &resolve.packages[package].worlds {
        if resolve.worlds[*id].docs.contents.is_none() {
            bare.push(name.clone());
        }
    }
    assert_eq!(bare, Vec::<String>::new(), "without documentation");
}

#[test]
fn everything_in_the_package_says_since_when_it_is_there() {
    let (resolve, package) = package();
    let is_said = |stability: &Stability| matches!(stability, Stability::Stable { .. });
    let mut silent = Vec::new();
    for (name, id) in interfaces(&resolve, package) {
        let interface = &resolve.interfaces[id];
        if !is_said(&interface.stability) {
            silent.push(name.clone());
        }
        for function in interface.functions.values() {
            if !is_said(&function.stability) {
                silent.push(format!("{name}.{}", function.name));
            }
        }
        for (ty, id) in &interface.types {
            if !is_use(&resolve, *id) && !is_said(&resolve.types[*id].stability) {
                silent.push(format!("{name}.{ty}"));
            }
        }
    }
    for (name, id) in &resolve.packages[package].worlds {
        let world = &resolve.worlds[*id];
        if !is_said(&world.stability) {
            silent.push(name.clone());
        }
        for (key, item) in world.imports.iter().chain(&world.exports) {
            // What has only types is there because others use it.
            let interface = match item {
                WorldItem::Interface { id, .. } => &resolve.interfaces[*id],
                other => panic!("{other:?} is no interface"),
            };
            if !interface.functions.is_empty() && !is_said(item.stability(&resolve)) {
                silent.push(format!("{name}: {}", resolve.name_world_key(key)));
            }
        }
    }
    assert_eq!(silent, Vec::<String>::new(), "without @since");
}

#[test]
fn the_program_prints_the_package_as_one_text_that_means_the_same() {
    let printed = goatherd(&["wit"]);
    assert_eq!((printed.status, printed.stderr.as_str()), (Some(0), ""));
    let mut resolve = Resolve::default();
    let package_printed = resolve
        .push_str("goatherd.wit", &printed.stdout)
        .unwrap_or_else(|error| panic!("{error:#}"));
    let (resolve_written, package_written) = package();
    assert_eq!(
        wit::said(&resolve, package_printed),
        wit::said(&resolve_written, package_written)
    );
}

#[test]
fn what_guests_import_is_what_the_package_has() {
    let (resolve, package) = package();
    let interfaces = interfaces(&resolve, package);
    let probe = goatherd(&["inspect", "--json", guest_path("probe").to_str().unwrap()]).result();
    let imports = probe["imports"].as_array().unwrap();
    assert!(imports.len() > 5, "{probe}");
    for import in imports {
        let name = import["name"].as_str().unwrap();
        let Some(name) = name.strip_prefix("goatherd:plugin/") else {
            continue;
        };
        let name = name
            .strip_suffix("@0.1.0")
            .unwrap_or_else(|| panic!("{name}"));
        assert!(interfaces.contains_key(name), "{name}");
    }
}

/// The interfaces among these items that have functions.
fn functional<'a, K: 'a>(
    resolve: &Resolve,
    items: impl IntoIterator<Item = (&'a K, &'a WorldItem)>,
) -> BTreeSet<String> {
    items
        .into_iter()
        .filter_map(|(_, item)| match item {
            WorldItem::Interface { id, .. } => Some(&resolve.interfaces[*id]),
            WorldItem::Function(function) => panic!("{} is outside an interface", function.name),
            WorldItem::Type { .. } => None,
        })
        .filter(|interface| !interface.functions.is_empty())
        .map(|interface| {
            interface
                .name
                .clone()
                .expect("interfaces of the package have names")
        })
        .collect()
}

/// Whether a function returns `result<…, error>`, with the error of the interface `types`, or a record that has it as its
/// member `error`.
fn can_fail(resolve: &Resolve, function: &Function) -> bool {
    let Some(Type::Id(result)) = function.result else {
        return false;
    };
    let TypeDefKind::Result(result) = &resolve.types[result].kind else {
        return false;
    };
    let Some(Type::Id(error)) = result.err else {
        return false;
    };
    let error = origin(resolve, error);
    let TypeDefKind::Record(record) = &resolve.types[error].kind else {
        return is_error(resolve, error);
    };
    record.fields.iter().any(|field| match field.ty {
        Type::Id(ty) => field.name == "error" && is_error(resolve, origin(resolve, ty)),
        _ => false,
    })
}

fn is_error(resolve: &Resolve, error: TypeId) -> bool {
    let TypeOwner::Interface(owner) = resolve.types[error].owner else {
        return false;
    };
    resolve.types[error].name.as_deref() == Some("error")
        && resolve.interfaces[owner].name.as_deref() == Some("types")
}

/// The type that a chain of `use`s and aliases leads to.
fn origin(resolve: &Resolve, mut ty: TypeId) -> TypeId {
    while let TypeDefKind::Type(Type::Id(next)) = resolve.types[ty].kind {
        ty = next;
    }
    ty
}

fn is_use(resolve: &Resolve, ty: TypeId) -> bool {
    matches!(resolve.types[ty].kind, TypeDefKind::Type(Type::Id(other)) if resolve.types[other].owner != resolve.types[ty].owner)
}
