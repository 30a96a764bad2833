//! `cargo xtask guests`: builds guests.
//!
//! Without names it builds the examples, which is what a demo needs. Guests whose inputs did not change are left as
//! they are.

use anyhow::Result;

use crate::command::Usage;
use crate::guest::{self, Guest, Purpose, check};
use crate::places::Places;

pub(super) fn run(places: &Places, arguments: &[String]) -> Result<()> {
    let all = guest::discover(places)?;
    let wanted = Wanted::parse(arguments, &all)?;
    let chosen: Vec<&Guest> = all.iter().filter(|guest| wanted.covers(guest)).collect();
    guest::build(places, &chosen)?;
    for guest in chosen {
        let component = guest.component(places);
        println!("{}", component.display());
        if wanted.check {
            print!("{}", check::describe(&component)?);
        }
    }
    Ok(())
}

/// What the command line asks for.
struct Wanted {
    names: Vec<String>,
    tests: bool,
    check: bool,
}

impl Wanted {
    fn parse(arguments: &[String], all: &[Guest]) -> Result<Self> {
        let mut wanted = Self {
            names: Vec::new(),
            tests: false,
            check: false,
        };
        for argument in arguments {
            match argument.as_str() {
                "--tests" => wanted.tests = true,
                "--check" => wanted.check = true,
                option if option.starts_with('-') => {
                    return Err(Usage(format!("there is no option {option:?}")).into());
                }
                name if all.iter().any(|guest| guest.name == name) => {
                    wanted.names.push(name.to_owned());
                }
                name => {
                    let names: Vec<&str> = all.iter().map(|guest| guest.name.as_str()).collect();
                    return Err(Usage(format!(
                        "there is no guest {name:?}; there are {}",
                        names.join(", ")
                    ))
                    .into());
                }
            }
        }
        Ok(wanted)
    }

    fn covers(&self, guest: &Guest) -> bool {
        match guest.purpose {
            Purpose::Example if self.names.is_empty() => true,
            Purpose::Test if self.tests => true,
            _ => self.names.contains(&guest.name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    fn chosen(arguments: &[&str]) -> Vec<String> {
        let all = guest::discover(&Places::find().unwrap()).unwrap();
        let arguments: Vec<String> = arguments.iter().map(|&word| word.into()).collect();
        let wanted = Wanted::parse(&arguments, &all).unwrap();
        all.iter()
            .filter(|guest| wanted.covers(guest))
            .map(|guest| guest.name.clone())
            .collect()
    }

    #[test]
    fn without_names_it_is_the_examples_alone() {
        let chosen = chosen(&[]);
        assert!(chosen.contains(&"helpdesk-stats".into()));
        assert!(!chosen.contains(&"probe".into()));
    }

    #[test]
    fn a_name_narrows_and_tests_add() {
        assert_eq!(chosen(&["probe"]), ["probe"]);
        let chosen = chosen(&["hello-js", "--tests"]);
        assert!(chosen.contains(&"hello-js".into()) && chosen.contains(&"hostile".into()));
        assert!(!chosen.contains(&"hello-py".into()) && !chosen.contains(&"draft".into()));
    }

    #[test]
    fn a_name_that_is_no_guest_is_wrong_usage() {
        let all = guest::discover(&Places::find().unwrap()).unwrap();
        let error = Wanted::parse(&["nobody".into()], &all).err().unwrap();
        assert!(error.is::<Usage>());
    }
}
