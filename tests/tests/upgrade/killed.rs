//! A process that is killed in the middle of a migration, at each of its steps.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use goatherd::store::{Family, families};
use goatherd_tests::kill;
use rusqlite::ffi;

use crate::database::{Database, ENGINES, Engine, Own, client};

/// What a family's tables look like at each version, from 0 on, where the program had made them without one.
async fn schemas(engine: Engine, family: &Family) -> Vec<Vec<String>> {
    let own = engine.unversioned().await;
    let mut schemas = vec![own.database.catalog(family.tables()).await];
    let versions = engine.versions(family);
    for version in 1..=versions.len() {
        let (name, tables) = (family.name(), family.tables());
        let until = Family::new(name, tables, &versions[..version], &versions[..version]);
        own.database.migrate(&until).await.unwrap();
        schemas.push(own.database.catalog(family.tables()).await);
    }
    schemas
}

/// Each family has the schema of the version that it says; the next start brings all of them up, with everything in them.
async fn check(own: &Own, schemas: &[(Family, Vec<Vec<String>>)], step: usize) {
    for (family, schemas) in schemas {
        let version = own.database.version(family).await;
        let catalog = own.database.catalog(family.tables()).await;
        let name = family.name();
        assert_eq!(catalog, schemas[version], "{name} at step {step}");
    }
    assert_eq!(own.report().await, own.expected(), "step {step}");
    for (family, schemas) in schemas {
        let catalog = own.database.catalog(family.tables()).await;
        assert_eq!(Some(&catalog), schemas.last(), "step {step}");
    }
}

async fn all_schemas(engine: Engine) -> Vec<(Family, Vec<Vec<String>>)> {
    let mut all = Vec::new();
    for family in families::ALL {
        all.push((family, schemas(engine, &family).await));
    }
    all
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().unwrap()
}

/// How many statements SQLite has begun in this process, and at which it dies.
static BEGUN: AtomicUsize = AtomicUsize::new(0);
static LAST: AtomicUsize = AtomicUsize::new(usize::MAX);

unsafe extern "C" fn count(_: c_uint, _: *mut c_void, _: *mut c_void, _: *mut c_void) -> c_int {
    if BEGUN.fetch_add(1, Ordering::SeqCst) + 1 == LAST.load(Ordering::SeqCst) {
        // At once, with nothing cleaned up.
        std::process::abort();
    }
    0
}

unsafe extern "C" fn watch(
    db: *mut ffi::sqlite3,
    _: *mut *mut c_char,
    _: *const ffi::sqlite3_api_routines,
) -> c_int {
    // SAFETY: `db` is the connection that SQLite is opening; `count` takes no context and looks at none of its arguments.
    unsafe {
        ffi::sqlite3_trace_v2(
            db,
            ffi::SQLITE_TRACE_STMT,
            Some(count),
            std::ptr::null_mut(),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_at_any_statement_leaves_a_sqlite_file_at_one_version_or_the_next() {
    if let Some(told) = kill::child() {
        let (step, file) = told.split_once(' ').unwrap();
        LAST.store(step.parse().unwrap(), Ordering::SeqCst);
        // SAFETY: `watch` opens no database and closes none, and is the only one of this process.
        unsafe { rusqlite::auto_extension::register_auto_extension(watch) }.unwrap();
        for family in families::ALL {
            Database::at(file).migrate(&family).await.unwrap();
        }
        return;
    }
    let test = "killed::a_process_that_dies_at_any_statement_leaves_a_sqlite_file_at_one_version_or_the_next";
    let [engine, _] = ENGINES;
    let schemas = all_schemas(engine).await;
    for step in 1.. {
        let own = engine.unversioned().await;
        let told = format!("{step} {}", own.database.place());
        let mut child = start(kill::again(test, &told));
        let _input = child.stdin.take();
        let ended = child.wait().unwrap();
        check(&own, &schemas, step).await;
        if ended.success() {
            // It had no more statements. There were many, or nothing was tried.
            assert!(step > 50, "only {step} statements");
            return;
        }
        assert_eq!(ended.signal(), Some(6), "step {step}: {ended}");
    }
}

/// Makes whoever defines something in this database wait after the definition that `pause_at` says.
const PAUSE: &str = "
    CREATE TABLE pause_at (step bigint);
    CREATE SEQUENCE steps;
    CREATE FUNCTION pause() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('public.steps') = (SELECT step FROM public.pause_at) THEN PERFORM pg_advisory_lock(4711); END IF;
    END $$;
    CREATE EVENT TRIGGER pause ON ddl_command_end EXECUTE FUNCTION pause();";

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_after_any_definition_leaves_postgres_at_one_version_or_the_next()
{
    if let Some(url) = kill::child() {
        for family in families::ALL {
            Database::at(&url).migrate(&family).await.unwrap();
        }
        return;
    }
    let test = "killed::a_process_that_is_killed_after_any_definition_leaves_postgres_at_one_version_or_the_next";
    let [_, engine] = ENGINES;
    let schemas = all_schemas(engine).await;
    for step in 1.. {
        let own = engine.unversioned().await;
        own.database.run(PAUSE).await;
        own.database
            .run(&format!("INSERT INTO pause_at (step) VALUES ({step})"))
            .await;
        let holder = client(own.database.place()).await;
        holder
            .batch_execute("SELECT pg_advisory_lock(4711)")
            .await
            .unwrap();
        let mut child = start(kill::again(test, own.database.place()));
        let _input = child.stdin.take();
        let waits =
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let waiting = loop {
            if let Some(row) = holder.query_opt(waits, &[]).await.unwrap() {
                break Some(row.get::<_, i32>(0));
            }
            if let Some(ended) = child.try_wait().unwrap() {
                assert!(ended.success(), "step {step}: {ended}");
                break None;
            }
            tokio::task::yield_now().await;
        };
        child.kill().unwrap();
        child.wait().unwrap();
        holder
            .batch_execute("SELECT pg_advisory_unlock(4711)")
            .await
            .unwrap();
        let Some(pid) = waiting else {
            assert!(step > 20, "only {step} definitions");
            return;
        };
        // Until the server has noticed.
        let there = "SELECT 1 FROM pg_stat_activity WHERE pid = $1";
        while holder.query_opt(there, &[&pid]).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        own.database.run("DROP EVENT TRIGGER pause").await;
        check(&own, &schemas, step).await;
    }
}
