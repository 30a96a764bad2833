//! An application that gives its plugins an interface of its own, `acme:billing/invoices`, under a permission of its own.
//!
//! `cargo run --example invoices -- billed.wasm` lets a plugin ask what two customers owe, of whom it was granted one. The
//! suites use this file as their application, too.

use std::collections::HashMap;
use std::sync::Arc;

use goatherd::capability::{Interface, Of, PrepareError, Provider, RateLimit, Setup, View};
use goatherd::permission::{Access, AppPermission, KeyPattern, Scope};

use self::bindings::acme::billing::invoices::{self, Refusal};

#[allow(missing_docs, reason = "generated; its documentation is in the WIT")]
mod bindings {
    goatherd::wasmtime::component::bindgen!({
        path: "../tests/guests/billed/wit/deps/acme-billing",
        inline: "package acme:app; world app { import acme:billing/invoices@1.0.0; }",
        wasmtime_crate: goatherd::wasmtime,
    });
}

/// What customers owe, in cents, and what a plugin needs to ask.
pub struct Billing {
    /// Cents by customer.
    pub owed: Arc<HashMap<String, u64>>,
    /// `acme_billing`.
    pub permission: AppPermission,
}

/// What one plugin may ask, and how often.
pub struct MayAsk {
    customers: Scope<KeyPattern>,
    rate: RateLimit,
    owed: Arc<HashMap<String, u64>>,
}

impl Provider for Billing {
    type State = MayAsk;

    fn interfaces(&self) -> Vec<Interface<MayAsk>> {
        let link = |linker: &mut _, view| invoices::add_to_linker::<_, Of<MayAsk>>(linker, view);
        let read = Some(Access::Read);
        vec![Interface::app(
            "acme:billing/invoices@1.0.0",
            &self.permission,
            read,
            link,
        )]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<MayAsk, PrepareError> {
        let customers = setup.grants.app("acme_billing", Some(Access::Read));
        Ok(MayAsk {
            customers: customers.cloned().unwrap_or(Scope::only(Vec::new())),
            rate: setup.rates.app(&self.permission),
            owed: Arc::clone(&self.owed),
        })
    }
}

impl invoices::Host for View<'_, MayAsk> {
    fn owed(&mut self, customer: String) -> Result<u64, Refusal> {
        let may = self
            .state()
            .map_err(|error| Refusal::Denied(error.to_string()))?;
        if !may.customers.allows(&customer) {
            let (plugin, granted) = (self.caller.plugin(), &may.customers);
            let why = format!(
                "plugin \"{plugin}\" may read invoices of {granted}, not of {customer:?}: grant acme_billing:read"
            );
            return Err(Refusal::Denied(why));
        }
        let counted = may.rate.check();
        counted.map_err(|limited| Refusal::Busy(limited.retry_after_ms()))?;
        may.owed.get(&customer).copied().ok_or(Refusal::Unknown)
    }
}

impl Billing {
    /// Billing for some customers, which a plugin may ask about 600 times a minute if its policy says nothing else.
    ///
    /// # Errors
    ///
    /// None but a name that is taken.
    pub fn new(owed: &[(&str, u64)]) -> Result<Self, goatherd::permission::AppPermissionError> {
        let owed = owed
            .iter()
            .map(|(customer, cents)| ((*customer).to_owned(), *cents));
        Ok(Self {
            owed: Arc::new(owed.collect()),
            permission: AppPermission::new("acme_billing", "invoices of the customers")?
                .levels(&[Access::Read])
                .per_minute(600),
        })
    }
}

#[tokio::main]
#[allow(dead_code, reason = "the suites have their own")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which component?")?;
    let host = goatherd::Host::builder()
        .provider(Billing::new(&[("c-1", 12_50), ("d-1", 99)])?)
        .build()?;
    let component = host.compile_file(file.as_ref()).await?;
    let granted = goatherd::permission::Grant::parse("acme_billing:read=c-*")?;
    let plugin = host
        .load(
            &component,
            [granted].into_iter().collect(),
            goatherd::runtime::Limits::default(),
        )
        .await?;
    for customer in ["c-1", "d-1"] {
        let asked =
            goatherd::contract::Json::from_serialize(&serde_json::json!({ "customer": customer }))?;
        let reply = plugin
            .call("owed", &asked, goatherd::contract::CallContext::default())
            .await?;
        println!("{customer}: {}", reply.as_str());
    }
    plugin.shutdown().await;
    Ok(())
}
