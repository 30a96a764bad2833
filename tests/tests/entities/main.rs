//! Deleting entities, through guests that are loaded side by side, on both kinds of database.
//!
//! Each test is written once, over a [`Ground`](ground::Ground), and [`on_both!`] makes one of it for each back-end.

/// Tests with these names, for SQLite and for PostgreSQL.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::ground::Ground::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::ground::Ground::postgres()).await;
            })*
        }
    };
}

mod bin;
mod cascades;
mod configuration;
mod deadlines;
mod deletion;
mod desk;
mod grants;
mod ground;
mod killed;
mod purge;
mod races;
