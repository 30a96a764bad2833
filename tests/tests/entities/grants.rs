//! What a grant covers, decided before anything is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use goatherd::capability::entities::{
    DeletedEntity, Entities, EntityFault, EntityService, EntityStore, EntityType, EntityTypes,
    Expired, Found, LogEntry, Note, Reach, Removal, Target,
};
use goatherd::store::StoreError;
use goatherd_tests::{call, guest, host_builder, limits, load, plugin};
use serde_json::json;

use crate::desk::{Desk, ann, probe, refused, types};
use crate::ground::Ground;

/// A back-end of an embedder's own, which counts how often it is asked and never answers well.
#[derive(Clone)]
struct OutOfOrder {
    types: EntityTypes,
    asked: Arc<AtomicUsize>,
}

impl OutOfOrder {
    fn answer<T>(&self) -> Result<T, EntityFault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Err(StoreError::Unavailable("the archive is being moved".to_owned()).into())
    }
}

#[async_trait]
impl EntityStore for OutOfOrder {
    fn types(&self) -> &EntityTypes {
        &self.types
    }

    async fn find(&self, _: &Target<'_>, _: Instant) -> Result<Found, EntityFault> {
        self.answer()
    }

    async fn soft_delete(&self, _: &Target<'_>, _: &Note, _: Instant) -> Result<(), EntityFault> {
        self.answer()
    }

    async fn restore(&self, _: &Target<'_>, _: &Note, _: Instant) -> Result<(), EntityFault> {
        self.answer()
    }

    async fn hard_delete(
        &self,
        _: &Target<'_>,
        _: Removal,
        _: &Note,
        _: Instant,
    ) -> Result<(), EntityFault> {
        self.answer()
    }

    async fn bin(
        &self,
        _: &EntityType,
        _: Reach,
        _: u32,
        _: Instant,
    ) -> Result<Vec<DeletedEntity>, EntityFault> {
        self.answer()
    }

    async fn claim_expired(
        &self,
        _: i64,
        _: i64,
        _: Instant,
    ) -> Result<Option<Expired>, EntityFault> {
        self.answer()
    }

    async fn log(&self, _: &EntityType, _: u32, _: Instant) -> Result<Vec<LogEntry>, EntityFault> {
        self.answer()
    }
}

const FUNCTIONS: [(&str, &str); 4] = [
    ("recycle-bin", "read"),
    ("soft-delete", "write"),
    ("restore", "write"),
    ("hard-delete", "hard_delete"),
];

#[tokio::test]
async fn a_denial_names_the_grant_that_would_help_and_touches_no_back_end() {
    let store = OutOfOrder {
        types: types(),
        asked: Arc::default(),
    };
    let entities = Entities::new(EntityService::new(store.clone()));
    let host = host_builder().provider(entities).build().unwrap();
    let granted = ["entity:readwrite=contact", "entity:hard_delete=contact"];
    let probe = plugin(&host, "probe-entities", &granted, limits()).await;
    for (function, access) in FUNCTIONS {
        // Whether a type exists is not told to those who may not touch it.
        for entity_type in ["ticket", "invoice", "contac", "*", ""] {
            let args = json!({"type": entity_type, "id": 1, "reason": {"bytes": 100_000}});
            let words = refused(call(&probe, function, args).await, "permission-denied");
            let grant = format!("grant entity:{access}={entity_type} to allow it");
            assert!(
                words.contains(&grant) && words.contains("\"probe-entities\""),
                "{words}"
            );
        }
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 0);
    for (function, _) in FUNCTIONS {
        let args = json!({"type": "contact", "id": 1, "reason": ""});
        let words = refused(call(&probe, function, args).await, "unavailable");
        assert!(words.contains("the archive is being moved"), "{words}");
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_grant_without_types_covers_none() {
    let store = OutOfOrder {
        types: types(),
        asked: Arc::default(),
    };
    let entities = Entities::new(EntityService::new(store.clone()));
    let host = host_builder().provider(entities).build().unwrap();
    let granted = ["entity:readwrite", "entity:hard_delete"];
    let probe = plugin(&host, "probe-entities", &granted, limits()).await;
    for (function, _) in FUNCTIONS {
        let args = json!({"type": "ticket", "id": 1, "reason": ""});
        refused(call(&probe, function, args).await, "permission-denied");
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn no_access_implies_another_interface() {
    let store = OutOfOrder {
        types: types(),
        asked: Arc::default(),
    };
    let entities = Entities::new(EntityService::new(store));
    let host = host_builder().provider(entities).build().unwrap();
    for (granted, missing) in [
        (&["entity:readwrite=*"][..], &["entities-purge"][..]),
        (
            &["entity:hard_delete=*"],
            &["entities-read", "entities-write"],
        ),
        (
            &["entity:read=*", "entity:hard_delete=*"],
            &["entities-write"],
        ),
        (
            &["entity:write=*", "entity:hard_delete=*"],
            &["entities-read"],
        ),
    ] {
        let loaded = load(&host, "probe", guest("probe-entities"), granted, limits()).await;
        let words = loaded.expect_err("it is refused").to_string();
        for interface in ["entities-read", "entities-write", "entities-purge"] {
            let named = words.contains(interface);
            assert_eq!(named, missing.contains(&interface), "{granted:?}: {words}");
        }
    }
}

async fn a_plugin_that_may_not_purge_is_not_started_by_a_manager_either(ground: Ground) {
    let desk = Desk::with(ground, vec![probe(&["entity:readwrite=*"])]).await;
    let outcome = format!("{:?}", desk.outcomes["probe-entities"]);
    assert!(
        outcome.contains("permission-denied") && outcome.contains("entity:hard_delete"),
        "{outcome}"
    );
}

async fn a_grant_for_one_type_is_none_for_another(ground: Ground) {
    let granted = ["entity:readwrite=contact", "entity:hard_delete=contact"];
    let desk = Desk::with(ground, vec![probe(&granted)]).await;
    for (function, _) in FUNCTIONS {
        refused(desk.ask(function, 1).await, "permission-denied");
    }
    desk.untouched().await;
    desk.ask_as(ann(), "soft-delete", "contact", 1)
        .await
        .unwrap();
}

on_both! {
    a_plugin_that_may_not_purge_is_not_started_by_a_manager_either
    a_grant_for_one_type_is_none_for_another
}
