//! What a visitor may ask for.
//!
//! A route's list of middleware is a list of conditions, and all of them must hold. Every condition is known here: one that
//! cannot be checked yet refuses.

use super::problem::Problem;
use super::visitor::{Role, Visitor};
use crate::contract::registration::{MenuLocation, Middleware, WidgetLocation};

/// Whether a visitor meets all conditions of a route.
///
/// # Errors
///
/// The answer to one who does not: to sign in, or that it is not allowed.
pub(super) fn check(conditions: &[Middleware], visitor: &Visitor) -> Result<(), Problem> {
    // A parsed route has at least one condition; should that ever change, no condition still is no open door.
    if conditions.is_empty() {
        return signed_in(visitor);
    }
    conditions
        .iter()
        .try_for_each(|condition| check_one(condition, visitor))
}

fn check_one(condition: &Middleware, visitor: &Visitor) -> Result<(), Problem> {
    match condition {
        Middleware::Public => Ok(()),
        Middleware::Auth => signed_in(visitor),
        Middleware::Admin => role(visitor, Role::Administrator, "administrators"),
        Middleware::Customer => role(visitor, Role::Customer, "customers"),
        Middleware::Group(group) => {
            signed_in(visitor)?;
            let member = visitor
                .signed_in()
                .is_some_and(|one| one.user.is_in(group.as_str()));
            if member || visitor.is_administrator() {
                Ok(())
            } else {
                Err(Problem::forbidden(format!(
                    "only members of the group {group} may do this"
                )))
            }
        }
        Middleware::Webhook => Err(Problem::unavailable(
            "this route takes signed webhooks, and this server cannot check their signatures yet",
        )),
    }
}

/// Whether a visitor is signed in.
pub(super) fn signed_in(visitor: &Visitor) -> Result<(), Problem> {
    match visitor {
        Visitor::Anonymous => Err(Problem::sign_in()),
        Visitor::SignedIn(_) => Ok(()),
    }
}

/// Whether a visitor runs the application.
pub(super) fn administrator(visitor: &Visitor) -> Result<(), Problem> {
    role(visitor, Role::Administrator, "administrators")
}

/// Whether a dashboard is a visitor's to see.
pub(super) fn dashboard(location: WidgetLocation, visitor: &Visitor) -> Result<(), Problem> {
    match location {
        WidgetLocation::AgentHome | WidgetLocation::TicketSidebar => {
            role(visitor, Role::Agent, "agents")
        }
        WidgetLocation::AdminHome => administrator(visitor),
        WidgetLocation::CustomerHome => role(visitor, Role::Customer, "customers"),
    }
}

/// Whether a menu is a visitor's to see.
pub(super) fn menu(location: MenuLocation, visitor: &Visitor) -> Result<(), Problem> {
    match location {
        MenuLocation::Agent => role(visitor, Role::Agent, "agents"),
        MenuLocation::Admin => administrator(visitor),
        MenuLocation::Customer => role(visitor, Role::Customer, "customers"),
        MenuLocation::Profile => signed_in(visitor),
    }
}

fn role(visitor: &Visitor, role: Role, whom: &str) -> Result<(), Problem> {
    signed_in(visitor)?;
    if visitor.has(role) {
        Ok(())
    } else {
        Err(Problem::forbidden(format!("only {whom} may do this")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::StatusCode;

    use super::*;
    use crate::web::visitor::SignedIn;

    fn answer(condition: &Middleware, visitor: &Visitor) -> Option<StatusCode> {
        check(std::slice::from_ref(condition), visitor)
            .err()
            .map(|problem| problem.status())
    }

    #[test]
    fn each_role_gets_what_is_meant_for_it() {
        let agent = Visitor::SignedIn(SignedIn::new("1", "A", Role::Agent));
        let customer = Visitor::SignedIn(SignedIn::new("2", "C", Role::Customer));
        let admin = Visitor::SignedIn(SignedIn::new("3", "R", Role::Administrator));
        let (asks, no) = (Some(StatusCode::UNAUTHORIZED), Some(StatusCode::FORBIDDEN));
        for (condition, expected) in [
            (Middleware::Public, [None, None, None, None]),
            (Middleware::Auth, [asks, None, None, None]),
            (Middleware::Admin, [asks, no, no, None]),
            (Middleware::Customer, [asks, no, None, None]),
        ] {
            let visitors = [&Visitor::Anonymous, &agent, &customer, &admin];
            let answers = visitors.map(|visitor| answer(&condition, visitor));
            assert_eq!(answers, expected, "{condition}");
        }
    }

    #[test]
    fn a_webhook_is_closed_to_everybody_until_signatures_are_checked() {
        let admin = Visitor::SignedIn(SignedIn::new("3", "R", Role::Administrator));
        for visitor in [&Visitor::Anonymous, &admin] {
            let refused = answer(&Middleware::Webhook, visitor);
            assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE));
        }
    }

    #[test]
    fn a_list_without_conditions_is_no_open_door() {
        assert!(check(&[], &Visitor::Anonymous).is_err());
    }
}
