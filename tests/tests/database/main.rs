//! The database, through a guest: what a grant covers, what no statement gets around, and what a call may use.
//!
//! Each test runs on both back-ends. Where they speak another SQL, [`On::pick`] has both; where they differ in what they
//! promise, the test says how. What only PostgreSQL has is in [`postgres`].

mod binding;
mod caps;
mod desk;
mod errors;
mod organisations;
mod postgres;
mod rate;
mod scope;
mod statements;
mod transactions;
mod values;

use desk::{DENIED, DENIED_OR_INVALID, Desk, INVALID, On, Store, both, each, load, only, refused};
