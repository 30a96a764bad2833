//! `log`, `i18n` and `context`.

use super::generated::plugin::goatherd::plugin::{context, i18n, log};
use crate::contract::call::{UserRole, UserTrait};
use crate::contract::host::{Context, I18n, Log, LogLevel};

impl<V: Log> log::Host for V {
    fn log(&mut self, level: log::Level, message: String, fields: Vec<(String, String)>) {
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        Log::log(self, level, message, fields);
    }
}

impl<V: I18n> i18n::Host for V {
    fn translate(&mut self, key: String, args: Vec<(String, String)>) -> String {
        I18n::translate(self, key, args)
    }
}

impl<V: Context> context::Host for V {
    fn org_id(&mut self) -> Option<i64> {
        Context::org_id(self)
    }

    fn user(&mut self) -> Option<context::ActingUser> {
        let user = Context::user(self)?;
        Some(context::ActingUser {
            id: user.id.clone(),
            name: user.name.clone(),
            groups: user.groups.clone(),
            traits: user.traits.iter().map(Into::into).collect(),
        })
    }

    fn caller(&mut self) -> Option<String> {
        Context::caller(self)
    }

    #[cfg(feature = "rehearsal")]
    fn callers(&mut self) -> Vec<String> {
        Context::callers(self)
    }

    fn language(&mut self) -> String {
        Context::language(self)
    }

    fn request_id(&mut self) -> String {
        Context::request_id(self)
    }

    fn deadline_ms(&mut self) -> u64 {
        Context::deadline_ms(self)
    }
}

impl From<&UserTrait> for context::UserTrait {
    fn from(known: &UserTrait) -> Self {
        match known {
            UserTrait::Role(role) => Self::Role(match role {
                UserRole::Administrator => context::UserRole::Administrator,
                UserRole::Agent => context::UserRole::Agent,
                UserRole::Customer => context::UserRole::Customer,
            }),
            UserTrait::Email(address) => Self::Email(address.clone()),
            UserTrait::Other(name, value) => Self::Other((name.clone(), value.clone())),
        }
    }
}
