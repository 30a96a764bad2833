//! Who may touch which field: the grant, other plugins' fields, and names that could be taken for others.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use goatherd::capability::custom_fields::value::Value as FieldValue;
use goatherd::capability::custom_fields::{
    CustomFieldStore, CustomFields, Declaration, DeclareError, Definition, Entity, FieldName,
    FieldsError, Filter, Organisation, Update,
};
use serde_json::json;

use crate::{Place, apply, ask, get, host, named, on_both, probe, query, refused, set};

on_both!(
    a_grant_names_entity_types,
    reading_and_writing_are_granted_apart,
    a_plugin_sees_its_own_fields_only,
    another_plugins_field_is_reached_by_its_full_name_and_grant,
    names_that_look_alike_are_not_the_same,
    an_entity_type_must_be_known,
);

async fn a_grant_names_entity_types(place: Place) {
    let host = place.host().await;
    let probe = probe(&host, &["custom_fields:readwrite=contact"]).await;
    let contact = json!({"type": "contact", "id": 1, "values": [["text", {"text": "a"}]]});
    ask(&probe, "set", contact).await.unwrap();
    let outcomes = [
        set(&probe, 1, json!([["text", {"text": "a"}]])).await,
        set(&probe, 1, json!([])).await,
        get(&probe, 1, &[]).await,
        get(&probe, 1, &["text"]).await,
        get(&probe, 1, &["no_such_field"]).await,
        apply(&probe, 1, json!([["boolean", "toggle"]])).await,
        apply(&probe, 1, json!([])).await,
        query(&probe, json!([["text", "eq", {"text": "a"}]])).await,
        query(&probe, json!([])).await,
        ask(&probe, "get", json!({"type": "no-such-type", "id": 1})).await,
        ask(&probe, "get", json!({"type": "Contact", "id": 1})).await,
        ask(&probe, "get", json!({"type": "*", "id": 1})).await,
    ];
    for outcome in outcomes {
        let text = refused(outcome, "permission-denied");
        assert!(
            text.contains("plugin \"probe-fields\"") && text.contains("grant custom_fields:"),
            "{text}"
        );
    }
}

async fn reading_and_writing_are_granted_apart(place: Place) {
    let host = place.host().await;
    let granted = ["custom_fields:read=ticket", "custom_fields:write=contact"];
    let probe = probe(&host, &granted).await;
    get(&probe, 1, &[]).await.unwrap();
    let text = refused(
        set(&probe, 1, json!([["text", {"text": "a"}]])).await,
        "permission-denied",
    );
    assert!(text.contains("write"), "{text}");
    let contact = json!({"type": "contact", "id": 1, "values": [["text", {"text": "a"}]]});
    ask(&probe, "set", contact).await.unwrap();
    let outcome = ask(&probe, "get", json!({"type": "contact", "id": 1})).await;
    let text = refused(outcome, "permission-denied");
    assert!(text.contains("read"), "{text}");
}

async fn a_plugin_sees_its_own_fields_only(place: Place) {
    let host = place.host().await;
    let everything = ["custom_fields:readwrite=*"];
    let one = named(&host, "foo-bar", &everything).await;
    let other = named(&host, "foo", &everything).await;
    set(
        &one,
        1,
        json!([["text", {"text": "one's"}], ["number", {"integer": 1}]]),
    )
    .await
    .unwrap();
    set(&other, 1, json!([["text", {"text": "other's"}]]))
        .await
        .unwrap();
    let all = get(&other, 1, &[]).await.unwrap();
    assert_eq!(all["text"], json!({"text": "other's"}));
    assert_eq!(all["number"], json!(null));
    assert!(!all.to_string().contains("one's"), "{all}");
    let found = query(
        &other,
        json!([["text", "like", "%'s"], ["number", "eq", {"integer": 1}]]),
    )
    .await;
    assert_eq!(found.unwrap(), json!([]));
    let found = query(&other, json!([["text", "eq", {"text": "one's"}]])).await;
    assert_eq!(found.unwrap(), json!([]));
    apply(&other, 1, json!([["number", "increment", {"by": "5"}]]))
        .await
        .unwrap();
    assert_eq!(
        get(&one, 1, &["number"]).await.unwrap()["number"],
        json!({"integer": 1})
    );
}

async fn another_plugins_field_is_reached_by_its_full_name_and_grant(place: Place) {
    let host = place.host().await;
    let owner = named(&host, "crm", &["custom_fields:readwrite=*"]).await;
    set(
        &owner,
        1,
        json!([["code", {"text": "ABC-1"}], ["number", {"integer": 7}]]),
    )
    .await
    .unwrap();
    let granted = [
        "custom_fields:read=ticket/crm:code",
        "custom_fields:write=ticket/crm:number",
    ];
    let probe = probe(&host, &granted).await;
    assert_eq!(
        get(&probe, 1, &["crm:code"]).await.unwrap(),
        json!({"crm:code": {"text": "ABC-1"}})
    );
    let found = query(&probe, json!([["crm:code", "like", "abc%"]])).await;
    assert_eq!(found.unwrap(), json!([1]));
    let after = apply(&probe, 1, json!([["crm:number", "increment", {"by": "1"}]])).await;
    assert_eq!(after.unwrap(), json!({"crm:number": {"integer": 8}}));
    set(&probe, 1, json!([["crm:number", {"integer": 9}]]))
        .await
        .unwrap();
    let text = refused(
        set(&probe, 1, json!([["crm:number", {"text": "9"}]])).await,
        "invalid-argument",
    );
    assert!(text.contains("crm:number: expected"), "{text}");
    assert_eq!(
        get(&owner, 1, &["number"]).await.unwrap(),
        json!({"number": {"integer": 9}})
    );
    // Its own fields, other fields, and the same ones the other way round.
    let denied = [
        get(&probe, 1, &[]).await,
        get(&probe, 1, &["code"]).await,
        get(&probe, 1, &["crm:number"]).await,
        get(&probe, 1, &["crm:text"]).await,
        get(&probe, 1, &["crm:code", "crm:text"]).await,
        get(&probe, 1, &["crm:code:"]).await,
        get(&probe, 1, &["crm:"]).await,
        get(&probe, 1, &[":code"]).await,
        get(&probe, 1, &["CRM:code"]).await,
        set(&probe, 1, json!([["crm:code", {"text": "ABC-2"}]])).await,
        set(
            &probe,
            1,
            json!([["crm:number", {"integer": 1}], ["crm:code", {"text": "ABC-2"}]]),
        )
        .await,
        apply(&probe, 1, json!([["crm:code", "toggle"]])).await,
        query(&probe, json!([["crm:number", "eq", {"integer": 9}]])).await,
        query(
            &probe,
            json!([["crm:code", "like", "%"], ["crm:number", "eq", {"integer": 9}]]),
        )
        .await,
        ask(
            &probe,
            "get",
            json!({"type": "contact", "id": 1, "fields": ["crm:code"]}),
        )
        .await,
    ];
    for outcome in denied {
        refused(outcome, "permission-denied");
    }
    assert_eq!(
        get(&owner, 1, &["number"]).await.unwrap(),
        json!({"number": {"integer": 9}})
    );
}

async fn names_that_look_alike_are_not_the_same(place: Place) {
    let host = place.host().await;
    let owner = named(&host, "foo-bar", &["custom_fields:readwrite=*"]).await;
    set(&owner, 1, json!([["text", {"text": "secret"}]]))
        .await
        .unwrap();
    let granted = [
        "custom_fields:readwrite=*",
        "custom_fields:read=ticket/foo:bar_text,ticket/foo:text,ticket/foo-bar:bar_text",
    ];
    let other = named(&host, "foo", &granted).await;
    for name in [
        "foo-bar:bar_text",
        "foo:bar_text",
        "bar_text",
        "foo_bar_text",
        "bar-text",
    ] {
        refused(get(&other, 1, &[name]).await, "not-found");
    }
    for name in [
        "foo_bar:text",
        "foo-bar:text",
        "foo:bar:text",
        "foo-bar/text:text",
    ] {
        let code = if name == "foo:bar:text" {
            "not-found"
        } else {
            "permission-denied"
        };
        refused(get(&other, 1, &[name]).await, code);
    }
    // Its own field by its full name, which another plugin's grant could not hide.
    let own = get(&other, 1, &["foo:text"]).await.unwrap();
    assert_eq!(own, json!({"text": null}));
    let all = get(&other, 1, &[]).await.unwrap();
    assert!(!all.to_string().contains("secret"), "{all}");
}

async fn an_entity_type_must_be_known(place: Place) {
    let everything = ["custom_fields:readwrite=*"];
    {
        let host = place.host().await;
        let probe = probe(&host, &everything).await;
        for function in ["get", "set", "apply", "query"] {
            let args = json!({"type": "invoice", "id": 1, "filters": [["text", "eq", {"text": "a"}]], "values": [["text", {"text": "a"}]]});
            let text = refused(ask(&probe, function, args).await, "not-found");
            assert!(text.contains("\"invoice\""), "{text}");
        }
    }
    let host = place.host_for(&["ticket", "invoice"]).await;
    let probe = probe(&host, &everything).await;
    set(&probe, 1, json!([["text", {"text": "a"}]]))
        .await
        .unwrap();
    let outcome = ask(&probe, "get", json!({"type": "contact", "id": 1})).await;
    refused(outcome, "not-found");
    let invoice = ask(&probe, "get", json!({"type": "invoice", "id": 1})).await;
    assert_eq!(
        invoice.unwrap(),
        json!({}),
        "it is known, and has no fields"
    );
}

/// A back-end that must not be asked.
struct Untouched;

#[async_trait]
impl CustomFieldStore for Untouched {
    async fn declare(&self, _: Vec<Declaration>, _: Instant) -> Result<(), DeclareError> {
        Ok(())
    }

    async fn declared(
        &self,
        names: Vec<FieldName>,
        _: Instant,
    ) -> Result<Vec<Option<Declaration>>, FieldsError> {
        panic!("asked for {names:?}")
    }

    async fn values(
        &self,
        entity: Entity,
        _: Vec<Arc<Definition>>,
        _: Instant,
    ) -> Result<Vec<Option<FieldValue>>, FieldsError> {
        panic!("asked for {entity:?}")
    }

    async fn update(
        &self,
        entity: Entity,
        _: Vec<Arc<Definition>>,
        _: Update,
        _: Instant,
    ) -> Result<Vec<Option<FieldValue>>, FieldsError> {
        panic!("asked to change {entity:?}")
    }

    async fn query(
        &self,
        _: Organisation,
        filters: Vec<Filter>,
        _: Instant,
    ) -> Result<Vec<i64>, FieldsError> {
        panic!("asked for {filters:?}")
    }
}

#[tokio::test]
async fn what_is_refused_never_reaches_a_back_end_not_even_an_embedders_own() {
    let host = host(CustomFields::new(Untouched));
    let granted = ["custom_fields:readwrite=contact,ticket/crm:code"];
    let probe = probe(&host, &granted).await;
    let text = json!([["text", {"text": "a"}]]);
    for outcome in [
        get(&probe, 1, &[]).await,
        get(&probe, 1, &["crm:code", "crm:other"]).await,
        set(&probe, 1, text.clone()).await,
        set(
            &probe,
            1,
            json!([["crm:code", {"text": "A"}], ["text", {"text": "a"}]]),
        )
        .await,
        apply(&probe, 1, json!([["text", "toggle"]])).await,
        query(
            &probe,
            json!([["crm:code", "like", "a"], ["text", "like", "a"]]),
        )
        .await,
    ] {
        refused(outcome, "permission-denied");
    }
    let contact = |function: &'static str, more: serde_json::Value| {
        let mut args = json!({"type": "contact", "id": 1});
        args.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        ask(&probe, function, args)
    };
    refused(
        contact("set", json!({"values": [["text", {"integer": 1}]]})).await,
        "invalid-argument",
    );
    refused(
        contact("apply", json!({"changes": [["text", "toggle"]]})).await,
        "invalid-argument",
    );
    refused(
        contact("query", json!({"filters": [["text", "near", [0, 0]]]})).await,
        "invalid-argument",
    );
    refused(
        contact("query", json!({"filters": [["nothing", "like", "a"]]})).await,
        "not-found",
    );
}
