//! What a plugin's role may do: made to be exactly what the scope says, and looked at again now and then.
//!
//! Rights are granted on tables, not on names, so after an application renames or makes tables the rights are those of
//! before until the next look: every ten seconds of use, at once when a plugin changed the schema through this host, and
//! when a statement was refused a table that its scope covers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tokio_postgres::Transaction;

use super::super::error::DbError;
use super::foundation::Foundation;
use super::functions;
use super::limits::Limits;
use super::organisation;
use super::policy::{Operation, Policy, Purpose, reserved};
use super::role;
use super::settings::PostgresSettings;
use super::statement::Checked;
use super::survey::{Relation, Survey, reachable, survey};
use super::text::{identifier, mentions};
use crate::store::{PostgresStore, StoreError};

/// After how long rights are looked at again.
const STALE: Duration = Duration::from_secs(10);
/// The number of the lock under which nodes change rights one after the other.
const RIGHTS_LOCK: i64 = 0x676f_6174_7269_6774;

/// The rights of a role, as they were made.
#[derive(Debug)]
pub(super) struct Access {
    made: Instant,
    /// The number of the schema's change, counted by this host, before them.
    pub(super) schema: u64,
    /// Tables and views that the scope covers and the role may use.
    pub(super) granted: BTreeSet<String>,
    /// Everything in the schema, sequences too.
    known: BTreeSet<String>,
    /// Those of them that are sequences.
    sequences: BTreeSet<String>,
    /// Those that it covers and the role may not, and why.
    pub(super) withheld: BTreeMap<String, String>,
    /// Those of which it covers more than the role may do, why, and what would change that.
    limited: BTreeMap<String, (String, String)>,
    /// Names that a statement may not have, as they lead to what everybody may use but the scope does not cover.
    closed: BTreeMap<String, String>,
    types: BTreeSet<String>,
    /// Functions that may not follow a dot.
    functions: BTreeSet<String>,
    /// What the role owned, as [`super::owned`] sees it.
    pub(super) owned: BTreeSet<super::owned::Owned>,
    /// Organisations own some of the granted tables.
    pub(super) organised: bool,
}

/// Who grants.
pub(super) struct Landlord<'l> {
    pub(super) store: &'l PostgresStore,
    pub(super) settings: &'l PostgresSettings,
    pub(super) foundation: &'l Foundation,
}

/// Makes the rights of `role`, and the role itself if this is the `first` time.
pub(super) async fn make(
    landlord: &Landlord<'_>,
    policy: &Policy,
    role: &str,
    first: bool,
    schema: u64,
    deadline: Instant,
) -> Result<Access, StoreError> {
    let Landlord {
        store,
        settings,
        foundation,
    } = *landlord;
    let mut session = store.session(deadline).await?;
    let transaction = session.transaction().await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&RIGHTS_LOCK])
        .await?;
    if first {
        role::ensure(&transaction, foundation, role).await?;
        schema_rights(&transaction, settings, policy, role).await?;
    }
    let mut found = survey(&transaction, foundation, role).await?;
    let problems = organisation::ensure(&transaction, settings, foundation, &mut found).await?;
    let mut access = Access {
        made: Instant::now(),
        schema,
        granted: BTreeSet::new(),
        known: BTreeSet::new(),
        sequences: BTreeSet::new(),
        withheld: BTreeMap::new(),
        limited: BTreeMap::new(),
        closed: BTreeMap::new(),
        types: found.types.clone(),
        functions: BTreeSet::new(),
        owned: BTreeSet::new(),
        organised: false,
    };
    let mut script = String::new();
    let mut covered = BTreeSet::new();
    for relation in &found.relations {
        if relation.schema == settings.schema {
            access.known.insert(relation.name.clone());
            if relation.kind == "S" {
                access.sequences.insert(relation.name.clone());
            }
        }
        let wanted = match wanted(settings, policy, &found, &problems, relation) {
            Wanted::Nothing => BTreeSet::new(),
            Wanted::Withheld(why) => {
                access.withheld.insert(relation.name.clone(), why);
                BTreeSet::new()
            }
            Wanted::Rights(mut rights) => {
                let limits = Limits::of(relation.oid, settings, policy, &found);
                limits.apply(&mut rights);
                if let Some(why) = limits.why() {
                    access.limited.insert(relation.name.clone(), why);
                }
                if relation.kind != "S" {
                    covered.insert(relation.oid);
                    access.granted.insert(relation.name.clone());
                    access.organised |= settings.organisations.column(&relation.name).is_some()
                        || relation.kind == "v";
                }
                rights
            }
        };
        script.push_str(&difference(relation, &wanted, role));
    }
    transaction.batch_execute(&script).await?;
    for oid in reachable(&transaction, role).await? {
        if covered.contains(&oid) {
            continue;
        }
        if let Some(relation) = found.relation(oid) {
            close(&mut access, settings, relation);
        }
    }
    for relation in &found.relations {
        if relation.own && !covered.contains(&relation.oid) && relation.kind != "S" {
            close(&mut access, settings, relation);
        }
    }
    access.functions = found.functions;
    access
        .functions
        .retain(|name| !functions::callable(name) && !policy.functions.contains(name));
    access.owned = super::owned::of(&transaction, role).await?;
    transaction.commit().await?;
    Ok(access)
}

fn close(access: &mut Access, settings: &PostgresSettings, relation: &Relation) {
    let Relation { schema, name, .. } = relation;
    if *schema == settings.schema {
        let why = format!(
            "table \"{name}\" is open to every role of the database, but not covered by the grant"
        );
        access.closed.insert(name.clone(), why);
    } else {
        let why = format!("schema \"{schema}\" is not the one whose tables are granted");
        access.closed.insert(schema.clone(), why);
    }
}

async fn schema_rights(
    transaction: &Transaction<'_>,
    settings: &PostgresSettings,
    policy: &Policy,
    role: &str,
) -> Result<(), StoreError> {
    let (schema, role) = (identifier(&settings.schema), identifier(role));
    let create = if policy.purpose == Purpose::Change && policy.scopes.write.is_some() {
        format!("GRANT CREATE ON SCHEMA {schema} TO {role}")
    } else {
        format!("REVOKE CREATE ON SCHEMA {schema} FROM {role}")
    };
    let script = format!("GRANT USAGE ON SCHEMA {schema} TO {role}; {create}");
    Ok(transaction.batch_execute(&script).await?)
}

enum Wanted {
    Nothing,
    Withheld(String),
    Rights(BTreeSet<String>),
}

fn wanted(
    settings: &PostgresSettings,
    policy: &Policy,
    found: &Survey,
    problems: &BTreeMap<u32, String>,
    relation: &Relation,
) -> Wanted {
    let rights =
        |list: &[&str]| Wanted::Rights(list.iter().map(|right| (*right).to_owned()).collect());
    if relation.kind == "S" {
        let fills = found.sequences.get(&relation.oid);
        return match fills.and_then(|table| found.relation(*table)) {
            Some(table) if table.kind != "S" && table.oid != relation.oid => {
                match wanted(settings, policy, found, problems, table) {
                    Wanted::Rights(held) if held.contains("INSERT") => rights(&["USAGE"]),
                    _ => Wanted::Nothing,
                }
            }
            _ => Wanted::Nothing,
        };
    }
    let (reads, changes) = (policy.reads(&relation.name), policy.changes(&relation.name));
    if relation.schema != settings.schema
        || reserved(&relation.name).is_some()
        || !(reads || changes)
    {
        return Wanted::Nothing;
    }
    if let Some(why) = why_withheld(settings, found, problems, relation) {
        return Wanted::Withheld(why);
    }
    match (changes, relation.kind.as_str()) {
        (false, _) => rights(&["SELECT"]),
        (true, "v") => rights(&["SELECT", "INSERT", "UPDATE", "DELETE"]),
        // These two do not ask row security.
        (true, _) if settings.organisations.column(&relation.name).is_some() => {
            rights(&["SELECT", "INSERT", "UPDATE", "DELETE"])
        }
        (true, "f") => rights(&["SELECT", "INSERT", "UPDATE", "DELETE"]),
        (true, _) => rights(&[
            "SELECT",
            "INSERT",
            "UPDATE",
            "DELETE",
            "TRUNCATE",
            "REFERENCES",
        ]),
    }
}

fn why_withheld(
    settings: &PostgresSettings,
    found: &Survey,
    problems: &BTreeMap<u32, String>,
    relation: &Relation,
) -> Option<String> {
    let name = &relation.name;
    if let Some(problem) = problems.get(&relation.oid) {
        return Some(problem.clone());
    }
    match relation.kind.as_str() {
        "v" if !relation.invoker => {
            return Some(format!(
                "the view reads with the rights of its owner; ALTER VIEW {name} SET (security_invoker = true), which \
                 PostgreSQL 15 has, lets the database check what it reads"
            ));
        }
        "m" => {
            return Some(
                "a materialized view has what its owner could read; make it a view with security_invoker"
                    .to_owned(),
            );
        }
        "v" => {}
        _ if relation.rules => {
            return Some(
                "its rules run with the rights of its owner; write them as triggers".to_owned(),
            );
        }
        _ => {}
    }
    if !relation.ours {
        return Some(
            "the host's role does not own it, so it cannot grant it; make the host's role a member of its owner"
                .to_owned(),
        );
    }
    let organised = |oid: &u32| {
        found
            .relation(*oid)
            .is_some_and(|above| settings.organisations.column(&above.name).is_some())
    };
    if settings.organisations.column(name).is_none()
        && found.above(relation.oid).iter().any(organised)
    {
        return Some("organisations own the table that it is a part of; use that one".to_owned());
    }
    None
}

/// What turns the rights that are held into those that are wanted.
fn difference(relation: &Relation, wanted: &BTreeSet<String>, role: &str) -> String {
    let kind = if relation.kind == "S" {
        "SEQUENCE"
    } else {
        "TABLE"
    };
    let target = format!(
        "{kind} {}.{}",
        identifier(&relation.schema),
        identifier(&relation.name)
    );
    let list = |rights: Vec<&String>| {
        rights
            .into_iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let role = identifier(role);
    let missing: Vec<_> = wanted.difference(&relation.held).collect();
    let surplus: Vec<_> = relation.held.difference(wanted).collect();
    let mut script = String::new();
    if !surplus.is_empty() && relation.ours {
        script.push_str(&format!(
            "REVOKE {} ON {target} FROM {role};\n",
            list(surplus)
        ));
    }
    if !missing.is_empty() {
        script.push_str(&format!("GRANT {} ON {target} TO {role};\n", list(missing)));
    }
    script
}

impl Access {
    /// Whether it is time to look again, when the schema was changed so many times.
    pub(super) fn is_stale(&self, schema: u64) -> bool {
        self.schema != schema || self.made.elapsed() > STALE
    }

    /// Whether the rights were looked at before this.
    pub(super) fn is_older_than(&self, time: Instant) -> bool {
        self.made < time
    }

    /// The table, view or sequence of the schema that a message of the server's is about, which can be another than the
    /// statement names: a view leads to tables. Of several whose names are in it, one that the statement names, and the
    /// longest.
    pub(super) fn relation_in(&self, statement: &Checked, message: &str) -> Option<&str> {
        let mentioned = self.known.iter().filter(|name| mentions(message, name));
        mentioned
            .max_by_key(|name| (statement.names.contains(*name), name.len()))
            .map(String::as_str)
    }

    /// Whether another look may find that the role should have a table that a refusal of the server's is about: one that
    /// the scope covers, and that was not there before.
    pub(super) fn may_have_missed(
        &self,
        policy: &Policy,
        statement: &Checked,
        message: &str,
    ) -> bool {
        self.relation_in(statement, message).is_none()
            && statement.names.iter().any(|name| {
                (policy.reads(name) || policy.changes(name))
                    && reserved(name).is_none()
                    && mentions(message, name)
            })
    }

    /// Refuses names that lead around the scope.
    pub(super) fn check(&self, policy: &Policy, statement: &Checked) -> Result<(), DbError> {
        for name in &statement.names {
            if let Some(why) = self.closed.get(name) {
                return Err(DbError::denied(policy.refuse(
                    format_args!("use the name \"{name}\""),
                    why,
                    format_args!(
                        "grant a table of that name, or use another name for what is meant"
                    ),
                )));
            }
        }
        for name in &statement.fields {
            if self.functions.contains(name) {
                return Err(DbError::denied(policy.refuse(
                    format_args!("use the name \"{name}\" after a dot"),
                    "that can call the function of this name, which is not open to plugins",
                    "for a column or table of that name, use the name without what is before the dot",
                )));
            }
        }
        for name in &statement.types {
            if !self.types.contains(name) {
                return Err(DbError::denied(policy.refuse(
                    format_args!("use the type \"{name}\""),
                    "only types of the engine's, and the application's that are no tables, are open to plugins",
                    "no grant allows it",
                )));
            }
        }
        Ok(())
    }

    fn limited_by(&self, policy: &Policy, table: &str) -> Option<&(String, String)> {
        self.limited.get(table).filter(|_| policy.changes(table))
    }

    /// Why the server refused a table, view or sequence.
    pub(super) fn refusal(&self, policy: &Policy, statement: &Checked, table: &str) -> String {
        if self.sequences.contains(table) {
            return policy.refuse(
                format_args!("use sequence \"{table}\""),
                "only changes use sequences, and only those of tables that a db:write grant covers",
                "grant db:write for its table",
            );
        }
        if statement.targets.contains(table) && policy.changes(table) {
            return policy.refuse(
                format_args!("alter, index or drop table \"{table}\""),
                "on PostgreSQL a plugin does so only with tables that it made itself",
                "the application has to change its own",
            );
        }
        match self.withheld.get(table) {
            Some(why) => policy.refuse(
                format_args!("use \"{table}\""),
                "its grant covers it, but the database cannot hold it to the grant",
                why,
            ),
            None if let Some((why, remedy)) = self.limited_by(policy, table) => {
                policy.refuse(format_args!("do this with \"{table}\""), why, remedy)
            }
            None if self.granted.contains(table) => policy.refuse(
                format_args!("do this with \"{table}\""),
                match policy.purpose {
                    Purpose::Query => "a query only reads",
                    Purpose::Change if policy.changes(table) => {
                        "a grant does not cover what only the owner of a table may do, or what passes row security \
                         by, such as TRUNCATE of a table that organisations own"
                    }
                    Purpose::Change => "its db:write grant does not cover it",
                },
                if policy.changes(table) {
                    "the application has to do it".to_owned()
                } else {
                    format!("grant db:write={table} to allow it")
                },
            ),
            None => policy.refuse_table(Operation::of(policy.purpose), table),
        }
    }
}
