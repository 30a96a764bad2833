//! Visitors of the web: the application says which organisation each acts in, and plugins see that one's rows.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use goatherd::capability::db::{Caps, OrganisationTables, PostgresSettings};
use goatherd::manager::{Configured, Loader, Manager, Terms};
use goatherd::platform::Platform;
use goatherd::web::{self, App, Authenticator, Problem, Role, SignedIn, Visitor};
use goatherd_tests::{EventStream, grants, guest, limits};
use http::request::Parts;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{On, Store, both};

const PLUGIN: &str = "helpdesk-stats";

/// Whoever a request says that it is from, as `name/organisation`, in a header that only this test's server believes.
struct Believing;

#[async_trait]
impl Authenticator for Believing {
    async fn visitor(&self, request: &Parts) -> Result<Visitor, Problem> {
        let Some(said) = request.headers.get("x-test-user") else {
            return Ok(Visitor::Anonymous);
        };
        let (name, organisation) = said.to_str().unwrap().split_once('/').unwrap();
        let role = match name {
            "root" => Role::Administrator,
            _ => Role::Customer,
        };
        let user = SignedIn::new(name, name, role);
        Ok(Visitor::SignedIn(match organisation.parse() {
            Ok(organisation) => user.in_organisation(organisation),
            Err(_) => user,
        }))
    }
}

/// A server with the example in it, on a helpdesk whose tickets organisations own.
async fn site(store: &Store) -> (SocketAddr, TempDir) {
    let settings = PostgresSettings::default()
        .organisations(OrganisationTables::new([("ticket", "org_id")]).unwrap());
    let terms = Terms::new(
        grants(&["db:read=ticket,queue", "cache:readwrite"]),
        limits(),
    );
    let policy = Configured::new([(PLUGIN.parse().unwrap(), terms)].into());
    let platform = Platform::new(web::application());
    let host = store.host(settings, Caps::default());
    let manager = Manager::applying(host, policy, Arc::clone(&platform) as _);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stats.wasm"), guest(PLUGIN)).unwrap();
    let loader = Loader::new(folder.path(), manager.clone(), goatherd_tests::reader());
    let report = loader.load_all().await.unwrap();
    assert_eq!(report.enabled(), 1, "{report:?}");

    let app = App::new(manager, platform).authenticator(Believing);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let forever = std::future::pending();
        web::serve(listener, app, forever).await.unwrap();
    });
    (address, folder)
}

/// How many tickets the plugin's route counts for this visitor.
async fn total(site: SocketAddr, headers: &[(&str, &str)]) -> i64 {
    let path = "/api/plugins/helpdesk-stats/stats";
    let answer = match EventStream::open(site, path, headers).await {
        Ok(_) => panic!("{path} is no stream of events"),
        Err(answer) => answer,
    };
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["tickets"]["total"].as_i64().expect("a number")
}

both! {
async fn a_route_sees_the_rows_of_the_visitors_organisation_and_nobody_elses(on: On) {
    let store = Store::new(on);
    store.run(
        "UPDATE ticket SET org_id = 1 WHERE id <= 5;
         UPDATE ticket SET org_id = 2 WHERE id > 5 AND id <= 7;",
    );
    let (site, _folder) = site(&store).await;
    // Twice, as the second answer comes out of the plugin's cache.
    for _ in 0..2 {
        assert_eq!(total(site, &[("x-test-user", "ann/1")]).await, 5);
        assert_eq!(total(site, &[("x-test-user", "bob/2")]).await, 2);
        assert_eq!(total(site, &[("x-test-user", "eve/3")]).await, 0);
        assert_eq!(total(site, &[("x-test-user", "ann/")]).await, 0);
        assert_eq!(total(site, &[]).await, 0);
        // Whoever runs the application sees no more through a plugin.
        assert_eq!(total(site, &[("x-test-user", "root/1")]).await, 5);
        assert_eq!(total(site, &[("x-test-user", "root/")]).await, 0);
    }
    // Nothing else that a request says makes it an organisation's.
    let said = [
        ("x-test-user", "bob/2"),
        ("x-org-id", "1"),
        ("x-organisation", "1"),
    ];
    assert_eq!(total(site, &said).await, 2);
}
}
