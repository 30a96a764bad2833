//! What the engine may compile for a plugin.
//!
//! SQLite calls the authorizer for each table, column, function and kind of statement that a text contains or leads to,
//! while it compiles it, and again whenever it recompiles it because the schema changed. Everything that is not listed
//! here is refused. Statements that change the schema make the engine read and write its own tables; that is allowed
//! once the change itself was, and defensive mode refuses direct writes to those tables besides.
//!
//! The state is shared with the connection that it guards and used by one thread at a time; its lock is never contended.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::super::error::{DbError, DbErrorKind};
use super::functions;
use super::policy::{Operation, Policy, Purpose, Reserved, reserved};

/// Whose statements are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// The host's own text, which is constant.
    Host,
    /// A plugin's.
    Guest,
    /// The definition of a table as the engine stored it, compiled and not run, to see which functions it calls.
    Definition,
    /// The host's own change of the table of this index among those that organisations own.
    Owned(usize),
}

/// How a statement changes the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SchemaChange {
    CreateTable(String),
    AlterTable(String),
    CreateIndex,
    Drop,
}

/// What was learned about a statement of the plugin since [`Guard::begin`].
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The first refusal, as a sentence.
    pub(super) denial: Option<String>,
    /// What was refused to the engine itself while it loaded its statistics, or to a plugin that asked for them.
    pub(super) statistics_denial: Option<String>,
    /// Names in a `FROM` that no column is read from and that the engine gives without a database: a common table
    /// expression, or a table that is out of scope. Only the schema can tell.
    pub(super) unplaced: Vec<String>,
    /// What the statement does to the schema.
    pub(super) schema: Option<SchemaChange>,
    /// Whether it writes the engine's own tables.
    pub(super) writes_schema: bool,
    /// Whether it inserts, updates or deletes.
    pub(super) changes_rows: bool,
    /// Whether it would do so on a connection for queries.
    pub(super) changes_in_query: bool,
    /// The views, triggers and common table expressions through which it touches something.
    pub(super) through: BTreeSet<String>,
}

impl Findings {
    /// The refusal of the statement, if it is refused.
    pub(super) fn denied(&self) -> Option<DbError> {
        let error = DbError::denied(self.denial.clone()?);
        Some(if self.changes_in_query {
            error.of_kind(DbErrorKind::ReadOnly)
        } else {
            error
        })
    }
}

/// The index of a table among those that organisations own, and the name of a trigger on it, in lower case.
pub(super) type RowTriggers = BTreeSet<(usize, String)>;

#[derive(Debug)]
struct State {
    author: Author,
    /// Triggers of the application that see of their table, which organisations own, the changed row alone.
    row_triggers: RowTriggers,
    findings: Findings,
}

/// The authorizer's state, as the connection sees it.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    policy: Arc<Policy>,
    state: Arc<Mutex<State>>,
}

impl Guard {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            state: Arc::new(Mutex::new(State {
                author: Author::Guest,
                row_triggers: RowTriggers::default(),
                findings: Findings::default(),
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Forgets what was found. To be called before each statement is compiled or run.
    pub(super) fn begin(&self) {
        self.state().findings = Findings::default();
    }

    /// Goes on with a statement that was compiled and is about to run: the engine compiles parts of a schema change
    /// only then.
    pub(super) fn resume(&self, schema: Option<SchemaChange>) {
        self.state().findings.schema = schema;
    }

    /// Lets `work` run constant text of the host's own.
    pub(super) fn as_host<T>(&self, work: impl FnOnce() -> T) -> T {
        self.written_by(Author::Host, work)
    }

    /// Lets `work` compile text of this author.
    pub(super) fn written_by<T>(&self, author: Author, work: impl FnOnce() -> T) -> T {
        let before = std::mem::replace(&mut self.state().author, author);
        // The way back must not depend on `work` returning: what follows could be a plugin's.
        struct Back<'a>(&'a Guard, Author);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.state().author = self.1;
            }
        }
        let _back = Back(self, before);
        work()
    }

    /// What was found since [`Guard::begin`], which is then forgotten.
    pub(super) fn take(&self) -> Findings {
        std::mem::take(&mut self.state().findings)
    }

    /// Notes why a function refuses to go on.
    pub(super) fn deny(&self, denial: String) {
        self.state().findings.denial.get_or_insert(denial);
    }

    /// Sets which triggers see one row alone.
    pub(super) fn set_row_triggers(&self, triggers: RowTriggers) {
        self.state().row_triggers = triggers;
    }

    /// Whether it changes the table that it is for, or reads one of its kind for a foreign key, or the changed row for a
    /// trigger. The text is the host's, so no name in it is a plugin's choice.
    fn is_own_change(
        &self,
        index: usize,
        triggers: &RowTriggers,
        context: &AuthContext<'_>,
    ) -> bool {
        let owned = |table: &str| match context.database_name {
            Some("main") => self.policy.owned.index(table),
            _ => None,
        };
        match (context.action, context.accessor) {
            (AuthAction::Read { table_name, .. }, None) => owned(table_name).is_some(),
            (AuthAction::Read { table_name, .. }, Some(trigger)) => owned(table_name)
                .is_some_and(|table| triggers.contains(&(table, trigger.to_lowercase()))),
            (
                AuthAction::Insert { table_name }
                | AuthAction::Update { table_name, .. }
                | AuthAction::Delete { table_name },
                None,
            ) => owned(table_name) == Some(index),
            _ => false,
        }
    }

    /// The answer to one question of the engine.
    pub(super) fn ask(&self, context: &AuthContext<'_>) -> Authorization {
        let mut state = self.state();
        if state.author == Author::Host {
            return Authorization::Allow;
        }
        if state.author == Author::Definition
            && !matches!(context.action, AuthAction::Function { .. })
        {
            return Authorization::Allow;
        }
        if let Author::Owned(index) = state.author
            && self.is_own_change(index, &state.row_triggers, context)
        {
            return Authorization::Allow;
        }
        if let Some(through) = context.accessor
            && !state.findings.through.contains(through)
        {
            state.findings.through.insert(through.to_owned());
        }
        let answer = Question {
            policy: &self.policy,
            findings: &mut state.findings,
            database: context.database_name,
            through: context.accessor,
        }
        .answer(context.action);
        match answer {
            Ok(()) => Authorization::Allow,
            Err(denial) => {
                // The engine goes on without its statistics, so refusing them to it is no reason to refuse the statement.
                if state.findings.statistics_denial.as_ref() != Some(&denial) {
                    state.findings.denial.get_or_insert(denial);
                }
                Authorization::Deny
            }
        }
    }
}

struct Question<'a> {
    policy: &'a Policy,
    findings: &'a mut Findings,
    database: Option<&'a str>,
    through: Option<&'a str>,
}

impl Question<'_> {
    fn answer(&mut self, action: AuthAction<'_>) -> Result<(), String> {
        match action {
            AuthAction::Select => match self.findings.schema {
                Some(SchemaChange::CreateTable(_)) => Err(self.policy.refuse(
                    "create a table from a query",
                    "CREATE TABLE … AS SELECT is not available to plugins",
                    "create the table with its columns, then INSERT … SELECT",
                )),
                _ => Ok(()),
            },
            AuthAction::Recursive => Ok(()),
            AuthAction::Read {
                table_name,
                column_name,
            } => self.read(table_name, column_name),
            AuthAction::Function { function_name } => self.function(function_name),
            AuthAction::Insert { table_name } => self.write(Operation::Insert, table_name),
            AuthAction::Update { table_name, .. } => self.write(Operation::Update, table_name),
            AuthAction::Delete { table_name } => self.write(Operation::Delete, table_name),
            AuthAction::CreateTable { table_name } => {
                // The engine's own table of counters, made along with the first table that needs it.
                if table_name == "sqlite_sequence" && self.findings.schema.is_some() {
                    return Ok(());
                }
                self.table(Operation::Create, table_name)?;
                self.findings.schema = Some(SchemaChange::CreateTable(table_name.to_owned()));
                Ok(())
            }
            // The engine passes the database as an argument here, and a column as the database.
            AuthAction::AlterTable {
                database_name,
                table_name,
            } => {
                if database_name != "main"
                    || reserved(table_name).is_some()
                    || !self.policy.covers(Operation::Alter, table_name)
                    || self.policy.owned.index(table_name).is_some()
                {
                    return Err(self.policy.refuse_table(
                        Operation::Alter,
                        table_name,
                        self.through,
                    ));
                }
                self.findings.schema = Some(SchemaChange::AlterTable(table_name.to_owned()));
                Ok(())
            }
            AuthAction::DropTable { table_name } => {
                self.table(Operation::Drop, table_name)?;
                self.findings.schema = Some(SchemaChange::Drop);
                Ok(())
            }
            AuthAction::CreateIndex {
                index_name,
                table_name,
            } => self.create_index(index_name, table_name),
            AuthAction::DropIndex { table_name, .. } => {
                self.table(Operation::DropIndex, table_name)?;
                self.findings.schema = Some(SchemaChange::Drop);
                Ok(())
            }
            AuthAction::Reindex { .. }
                if matches!(self.findings.schema, Some(SchemaChange::CreateIndex)) =>
            {
                Ok(())
            }
            // Reads the rows of the altered table to see whether a new constraint holds.
            AuthAction::Pragma {
                pragma_name: "quick_check",
                ..
            } if self.alters() => Ok(()),
            other => Err(self.refuse_kind(other)),
        }
    }

    fn alters(&self) -> bool {
        matches!(self.findings.schema, Some(SchemaChange::AlterTable(_)))
    }

    /// Whether the object is in the database that plugins see, and not in the engine's store of temporary ones.
    fn in_main(&self) -> bool {
        matches!(self.database, None | Some("main"))
    }

    fn read(&mut self, table: &str, column: &str) -> Result<(), String> {
        if self.policy.owned.index(table).is_some() && self.policy.covers(Operation::Read, table) {
            return match self.database {
                Some("temp") => Ok(()),
                // Nothing of it is used, so it is the virtual table that the name means, or an expression of the
                // statement's own.
                None if column.is_empty() => Ok(()),
                _ => Err(self.policy.refuse_owned(table)),
            };
        }
        if let Some(reason) = reserved(table) {
            let own = reason == Reserved::Engine;
            if own && self.findings.schema.is_some() && engine_table(table) {
                return Ok(());
            }
            if own && self.alters() && table == "pragma_quick_check" {
                return Ok(());
            }
            let denial = self
                .policy
                .refuse_table(Operation::Read, table, self.through);
            if table.starts_with("sqlite_stat") {
                self.findings
                    .statistics_denial
                    .get_or_insert(denial.clone());
            }
            return Err(denial);
        }
        // Functions that stand for tables and see only their arguments.
        if matches!(table, "json_each" | "json_tree") {
            return Ok(());
        }
        if self.in_main() && self.policy.covers(Operation::Read, table) {
            return Ok(());
        }
        if column.is_empty() && self.database.is_none() {
            self.findings.unplaced.push(table.to_owned());
            return Ok(());
        }
        Err(self
            .policy
            .refuse_table(Operation::Read, table, self.through))
    }

    fn write(&mut self, operation: Operation, table: &str) -> Result<(), String> {
        if matches!(table, "sqlite_master" | "sqlite_temp_master")
            && self.policy.purpose == Purpose::Change
        {
            // The engine asks this before it says what for; whoever compiles checks that there was a reason.
            self.findings.writes_schema = true;
            return Ok(());
        }
        if self.findings.schema.is_some() && engine_table(table) {
            return Ok(());
        }
        self.findings.changes_in_query |= self.policy.purpose == Purpose::Query;
        self.table(operation, table)?;
        self.findings.changes_rows |= self.findings.schema.is_none();
        Ok(())
    }

    fn create_index(&mut self, index: &str, table: &str) -> Result<(), String> {
        // The engine makes these along with a table, for its keys.
        if self.findings.schema.is_some() && index.starts_with("sqlite_autoindex_") {
            return self.table(Operation::CreateIndex, table);
        }
        self.table(Operation::CreateIndex, table)?;
        if reserved(index).is_some() {
            return Err(self.policy.refuse(
                format_args!("create the index \"{index}\""),
                "names that begin with goatherd_, sqlite_ or pragma_ are not for plugins",
                "choose another name",
            ));
        }
        self.findings.schema = Some(SchemaChange::CreateIndex);
        Ok(())
    }

    fn table(&self, operation: Operation, table: &str) -> Result<(), String> {
        if self.policy.owned.index(table).is_some() && self.policy.covers(operation, table) {
            let changes_rows = matches!(
                operation,
                Operation::Insert | Operation::Update | Operation::Delete
            );
            return if changes_rows && self.database == Some("temp") {
                Ok(())
            } else {
                Err(self.policy.refuse_owned(table))
            };
        }
        if self.in_main() && reserved(table).is_none() && self.policy.covers(operation, table) {
            Ok(())
        } else {
            Err(self.policy.refuse_table(operation, table, self.through))
        }
    }

    fn function(&self, name: &str) -> Result<(), String> {
        if functions::harmless(name) || (self.alters() && functions::of_alter(name)) {
            Ok(())
        } else {
            Err(self.policy.refuse(
                format_args!("call the SQL function {name}"),
                "it is not among the functions that are known to be harmless",
                "no grant allows it",
            ))
        }
    }

    fn refuse_kind(&self, action: AuthAction<'_>) -> String {
        const NEVER: &str = "no grant allows it";
        const FIXED: &str = "this is closed to plugins";
        let refuse =
            |tried: String, rule: &str, remedy: &str| self.policy.refuse(tried, rule, remedy);
        match action {
            AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => refuse(
                "control transactions by SQL".to_owned(),
                "each change is a transaction of its own",
                "hand several statements to db-write.transaction",
            ),
            AuthAction::Attach { .. } => refuse("attach a database".to_owned(), FIXED, NEVER),
            AuthAction::Detach { .. } => refuse("detach a database".to_owned(), FIXED, NEVER),
            AuthAction::Pragma { pragma_name, .. } => {
                refuse(format!("use PRAGMA {pragma_name}"), FIXED, NEVER)
            }
            AuthAction::CreateView { view_name } | AuthAction::CreateTempView { view_name } => {
                refuse(format!("create the view \"{view_name}\""), FIXED, NEVER)
            }
            AuthAction::DropView { view_name } | AuthAction::DropTempView { view_name } => {
                refuse(format!("drop the view \"{view_name}\""), FIXED, NEVER)
            }
            AuthAction::CreateTrigger { trigger_name, .. }
            | AuthAction::CreateTempTrigger { trigger_name, .. } => refuse(
                format!("create the trigger \"{trigger_name}\""),
                FIXED,
                NEVER,
            ),
            AuthAction::DropTrigger { trigger_name, .. }
            | AuthAction::DropTempTrigger { trigger_name, .. } => {
                refuse(format!("drop the trigger \"{trigger_name}\""), FIXED, NEVER)
            }
            AuthAction::CreateVtable {
                table_name,
                module_name,
            } => refuse(
                format!("create the virtual table \"{table_name}\" with {module_name}"),
                FIXED,
                NEVER,
            ),
            AuthAction::DropVtable { table_name, .. } => refuse(
                format!("drop the virtual table \"{table_name}\""),
                FIXED,
                NEVER,
            ),
            AuthAction::CreateTempTable { table_name } => refuse(
                format!("create the temporary table \"{table_name}\""),
                "connections are shared by calls",
                "use a common table expression, or a table that a db:write grant covers",
            ),
            AuthAction::Reindex { .. } | AuthAction::Analyze { .. } => refuse(
                "maintain the database (REINDEX, ANALYZE)".to_owned(),
                "this is the operator's",
                NEVER,
            ),
            other => refuse(format!("do this ({other:?})"), FIXED, NEVER),
        }
    }
}

/// Tables in which the engine keeps schema, counters and statistics.
fn engine_table(table: &str) -> bool {
    matches!(
        table,
        "sqlite_master" | "sqlite_temp_master" | "sqlite_sequence"
    ) || table.starts_with("sqlite_stat")
}
