//! Interfaces that are closed while a plugin registers.
//!
//! A component can only be instantiated when all of its imports are there, so what is not open to it yet has functions that do
//! nothing but trap with their name. Only the closed interfaces are filled in so. What is open stays exactly as its own linking
//! made it: a resource that is made up where another interface of the same component has the real one would not match it.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Linker, ResourceType};

use super::component::{Component, Import};
use crate::capability::Guest;

/// The error that ends an instance which called a function of a closed interface.
#[derive(Debug, thiserror::Error)]
#[error("{interface}#{function} is not linked while a plugin registers")]
pub(super) struct NotLinked {
    interface: String,
    function: String,
}

/// Stands for every resource of a closed interface: none of them can be made.
struct Nothing;

/// Adds those imports of a component to a linker that are closed.
pub(super) fn close(
    linker: &mut Linker<Guest>,
    component: &Component,
    is_closed: impl Fn(&Import) -> bool,
) -> wasmtime::Result<()> {
    let compiled = component.compiled();
    let engine = compiled.engine();
    let shape = compiled.component_type();
    // An interface shows the resources of others that it uses, too. They are defined where they come from, which is before.
    let mut defined: Vec<ResourceType> = Vec::new();
    for (import, (name, item)) in component.imports().iter().zip(shape.imports(engine)) {
        let ComponentItem::ComponentInstance(interface) = item.ty else {
            continue;
        };
        let mut closed = if is_closed(import) {
            Some(linker.instance(name)?)
        } else {
            None
        };
        for (part, item) in interface.exports(engine) {
            match item.ty {
                ComponentItem::Resource(resource) if !defined.contains(&resource) => {
                    defined.push(resource);
                    if let Some(closed) = &mut closed {
                        closed.resource(part, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
                    }
                }
                ComponentItem::ComponentFunc(_) => {
                    if let Some(closed) = &mut closed {
                        let (interface, function) = (name.to_owned(), part.to_owned());
                        closed.func_new(part, move |_, _, _, _| {
                            let (interface, function) = (interface.clone(), function.clone());
                            Err(NotLinked {
                                interface,
                                function,
                            }
                            .into())
                        })?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}
