//! The records that cross the border between host and guest, in plain Rust.
//!
//! One module for each interface of the contract that has only types, with the very types that every other layer works
//! on: an [`Error`](types::Error) or a [`Value`](database::Value) is lifted out of a guest's memory in the form in which it
//! is then used, and nothing is converted twice. What they mean, their units and limits are said in `wit/`.
//!
//! They have the shape of the newest version that the host serves. The bindings of a version use them as they are where
//! its WIT has the same shape, which wasmtime checks when it links, and convert where it has not. What a plugin *says*
//! ([`registration`]) is unchecked here; [`Registration`](super::Registration) is what remains of it when it is valid.

/// What generated bindings expect to find beside the types of an interface that has nothing to link.
macro_rules! types_only {
    () => {
        #[doc(hidden)]
        pub trait HostWithStore<T>: wasmtime::component::HasData {}

        impl<T, D: ?Sized + wasmtime::component::HasData> HostWithStore<T> for D {}

        #[doc(hidden)]
        pub trait Host {}

        impl<H: ?Sized> Host for H {}

        #[doc(hidden)]
        pub fn add_to_linker<T, D>(
            _: &mut wasmtime::component::Linker<T>,
            _: fn(&mut T) -> D::Data<'_>,
        ) -> wasmtime::Result<()>
        where
            T: 'static,
            D: wasmtime::component::HasData,
        {
            Ok(())
        }
    };
}

pub mod custom_fields;
pub mod database;
pub mod handlers;
pub mod registration;
pub mod types;
