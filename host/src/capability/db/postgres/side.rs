//! One purpose of one plugin: its role, its rights and its connections.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio_postgres::Config;

use super::super::backend::{Call, Caps, Outcome, Rows, Value};
use super::super::error::{DbError, DbErrorKind, DbReason};
use super::access::{self, Access};
use super::call::{Running, Stop};
use super::connect::Server;
use super::foundation::Foundation;
use super::policy::{Policy, Purpose};
use super::pool::{Lease, Pool};
use super::role;
use super::settings::PostgresSettings;
use super::statement::Checked;
use super::text::{identifier, option};
use crate::store::{PostgresStore, StoreError};

/// How long a look at the rights may take. It goes on when the call that began it is over, for the next one.
const LOOKING: Duration = Duration::from_secs(15);
/// How long after its deadline the server may take to stop by itself, with a better message than "timed out".
const GRACE: Duration = Duration::from_millis(50);
/// How long to wait for the answer to a COMMIT.
const COMMITTING: Duration = Duration::from_secs(5);
/// How often a call begins again, for reasons that are not its own.
const ATTEMPTS: usize = 4;

/// What all plugins of a database share.
pub(super) struct Shared {
    pub(super) store: PostgresStore,
    pub(super) settings: PostgresSettings,
    foundation: OnceCell<Foundation>,
    /// How often plugins changed the schema.
    schema: AtomicU64,
}

impl Shared {
    pub(super) fn new(store: PostgresStore, settings: PostgresSettings) -> Self {
        Self {
            store,
            settings,
            foundation: OnceCell::new(),
            schema: AtomicU64::new(0),
        }
    }

    pub(super) fn schema_changed(&self) {
        self.schema.fetch_add(1, Ordering::AcqRel);
    }
}

/// Where calls run.
struct Ready {
    foundation: Foundation,
    role: String,
    pool: Arc<Pool>,
}

/// See the module.
pub(super) struct Side {
    shared: Arc<Shared>,
    pub(super) policy: Policy,
    pub(super) caps: Caps,
    ready: OnceLock<Arc<Ready>>,
    /// The role is as it should be, as far as is known.
    role_made: AtomicBool,
    access: Mutex<Option<Arc<Access>>>,
    /// Whoever looks at the rights.
    looking: Arc<Semaphore>,
}

impl Side {
    pub(super) fn new(shared: Arc<Shared>, policy: Policy, caps: Caps) -> Self {
        Self {
            shared,
            policy,
            caps,
            ready: OnceLock::new(),
            role_made: AtomicBool::new(false),
            access: Mutex::new(None),
            looking: Arc::new(Semaphore::new(1)),
        }
    }

    fn known(&self) -> Option<Arc<Access>> {
        let schema = self.shared.schema.load(Ordering::Acquire);
        let access = self.access.lock().unwrap_or_else(PoisonError::into_inner);
        access
            .as_ref()
            .filter(|access| !access.is_stale(schema))
            .cloned()
    }

    fn forget_access(&self, seen: &Arc<Access>) {
        let mut access = self.access.lock().unwrap_or_else(PoisonError::into_inner);
        if access
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, seen))
        {
            *access = None;
        }
    }

    /// The rights, made or looked at again if it is time to.
    async fn access(
        self: &Arc<Self>,
        deadline: Instant,
    ) -> Result<(Arc<Access>, Arc<Ready>), DbError> {
        let access = match self.known() {
            Some(access) => access,
            None => {
                let turn = Arc::clone(&self.looking).acquire_owned();
                let turn = tokio::time::timeout_at(deadline.into(), turn)
                    .await
                    .map_err(|_| DbError::timed_out())?
                    .map_err(|closed| DbError::unavailable(closed.to_string()))?;
                match self.known() {
                    Some(access) => access,
                    None => {
                        let look = tokio::spawn(Arc::clone(self).look(turn));
                        tokio::time::timeout_at(deadline.into(), look)
                            .await
                            .map_err(|_| DbError::timed_out())?
                            .map_err(|failure| DbError::unavailable(failure.to_string()))??
                    }
                }
            }
        };
        let ready =
            self.ready.get().cloned().ok_or_else(|| {
                DbError::unavailable("the plugin's role is not there yet".to_owned())
            })?;
        Ok((access, ready))
    }

    async fn look(self: Arc<Self>, _turn: OwnedSemaphorePermit) -> Result<Arc<Access>, DbError> {
        let made = self.make().await.map_err(|error| match error {
            StoreError::TimedOut => DbError::unavailable(format!(
                "the database did not answer when the rights of plugin \"{}\" were looked at",
                self.policy.plugin
            )),
            StoreError::Conflict(reason) | StoreError::Unavailable(reason) => {
                DbError::unavailable(format!(
                    "the rights of plugin \"{}\" in the database cannot be made: {reason}",
                    self.policy.plugin
                ))
            }
        })?;
        let made = Arc::new(made);
        *self.access.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&made));
        Ok(made)
    }

    async fn make(&self) -> Result<Access, StoreError> {
        let shared = &self.shared;
        let deadline = Instant::now() + LOOKING;
        let schema = shared.schema.load(Ordering::Acquire);
        let foundation = shared
            .foundation
            .get_or_try_init(|| Foundation::lay(&shared.store, &shared.settings, deadline))
            .await?;
        let role = role::name(&foundation.group, &self.policy.plugin, self.policy.purpose);
        let first = !self.role_made.load(Ordering::Acquire);
        let made = access::make(
            &access::Landlord {
                store: &shared.store,
                settings: &shared.settings,
                foundation,
            },
            &self.policy,
            &role,
            first,
            schema,
            deadline,
        )
        .await?;
        self.role_made.store(true, Ordering::Release);
        self.ready.get_or_init(|| {
            Arc::new(Ready {
                pool: Arc::new(Pool::new(
                    Server::new(self.config(foundation, &role), shared.store.tls()),
                    shared.settings.connections,
                )),
                foundation: foundation.clone(),
                role,
            })
        });
        Ok(made)
    }

    /// How the plugin's role connects. What is set here is what a connection goes back to after each call.
    fn config(&self, foundation: &Foundation, role: &str) -> Config {
        let mut config = self.shared.store.config().clone();
        let mut options = vec![
            ("search_path", identifier(&self.shared.settings.schema)),
            ("standard_conforming_strings", "on".to_owned()),
            ("default_transaction_read_only", "on".to_owned()),
            ("row_security", "on".to_owned()),
            ("idle_in_transaction_session_timeout", "30s".to_owned()),
            ("client_min_messages", "error".to_owned()),
            ("timezone", "UTC".to_owned()),
            ("datestyle", "ISO, YMD".to_owned()),
            ("intervalstyle", "postgres".to_owned()),
            ("extra_float_digits", "1".to_owned()),
            // Compiling takes longer than most of what plugins ask, and cannot be stopped.
            ("jit", "off".to_owned()),
        ];
        if foundation.version >= 140_000 {
            // A server that runs something for a host that is gone finds out.
            options.push(("client_connection_check_interval", "1s".to_owned()));
        }
        let options: Vec<String> = options
            .into_iter()
            .map(|(name, value)| format!("-c {name}={}", option(&value)))
            .collect();
        config
            .user(role)
            .password(foundation.password(role))
            .options(options.join(" "))
            .application_name(format!("goatherd plugin {}", self.policy.plugin));
        config
    }

    /// A call's own deadline, within the time that a statement may take.
    fn limited(&self, call: &Call) -> Instant {
        Instant::now()
            .checked_add(self.caps.statement_time)
            .map_or(call.deadline, |latest| call.deadline.min(latest))
    }

    async fn lend(&self, ready: &Ready, deadline: Instant) -> Result<Lease, DbError> {
        let busy = || {
            match self.policy.purpose {
            Purpose::Query => DbError::timed_out(),
            Purpose::Change => DbError::conflict(format!(
                "a change of plugin \"{}\" waited for earlier ones of the same plugin until its deadline",
                self.policy.plugin
            ))
            .of_kind(DbErrorKind::LockTimeout),
        }
        };
        let permit = ready.pool.permit(deadline).await.ok_or_else(busy)?;
        // Values, what goes with each row, and small talk.
        let allowance = (self.caps.max_bytes as u64)
            .saturating_mul(2)
            .saturating_add((self.caps.max_rows as u64).saturating_mul(32))
            .saturating_add(1 << 20);
        let lent = tokio::time::timeout_at(deadline.into(), ready.pool.lend(permit, allowance));
        match lent.await {
            Err(_) => Err(DbError::timed_out()),
            Ok(Ok(lease)) => Ok(lease),
            Ok(Err(reason)) => {
                // Somebody may have dropped the role, or changed its password.
                self.role_made.store(false, Ordering::Release);
                *self.access.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(DbError::unavailable(format!(
                    "plugin \"{}\" cannot connect to the database as {}: {reason}",
                    self.policy.plugin, ready.role
                )))
            }
        }
    }

    /// A call on this connection, before anything is known of the call.
    fn running<'c>(
        &'c self,
        ready: &'c Ready,
        access: &'c Access,
        lease: &'c mut Lease,
    ) -> Running<'c> {
        Running {
            policy: &self.policy,
            settings: &self.shared.settings,
            foundation: &ready.foundation,
            access,
            caps: &self.caps,
            role: &ready.role,
            deadline: Instant::now(),
            org_id: None,
            lease,
            own_types: false,
            began: Instant::now(),
            statement: None,
        }
    }

    pub(super) async fn query(
        self: &Arc<Self>,
        checked: &Checked,
        params: &[Value],
        mut call: Call,
    ) -> Result<Rows, DbError> {
        let began = Instant::now();
        let mut own_types = false;
        for _ in 0..ATTEMPTS {
            let (access, ready) = self.access(call.deadline).await?;
            access.check(&self.policy, checked)?;
            call.count()?;
            let deadline = self.limited(&call);
            let mut lease = self.lend(&ready, deadline).await?;
            let mut running = Running {
                deadline,
                org_id: call.org_id,
                own_types,
                began,
                ..self.running(&ready, &access, &mut lease)
            };
            let late = (deadline + GRACE).into();
            let done = tokio::time::timeout_at(late, running.query(checked, params)).await;
            match done {
                Err(_) => return Err(DbError::timed_out()),
                Ok(Ok(rows)) => {
                    lease.settle("COMMIT");
                    return Ok(rows);
                }
                // The server is still sending.
                Ok(Err(Stop::Failed(error))) if error.reason == DbReason::TooLarge => {
                    return Err(error);
                }
                Ok(Err(stop)) => self.again(stop, lease, &access, &mut own_types)?,
            }
        }
        Err(self.too_often())
    }

    pub(super) async fn change(
        self: &Arc<Self>,
        statements: &[(Checked, Vec<Value>)],
        mut call: Call,
    ) -> Result<Vec<Outcome>, DbError> {
        let named = |index: Option<usize>, error: DbError| match index {
            Some(index) if statements.len() > 1 => error.in_statement(index),
            _ => error,
        };
        let began = Instant::now();
        let mut own_types = false;
        for _ in 0..ATTEMPTS {
            let (access, ready) = self.access(call.deadline).await?;
            for (index, (checked, _)) in statements.iter().enumerate() {
                access
                    .check(&self.policy, checked)
                    .map_err(|error| named(Some(index), error))?;
            }
            call.count()?;
            let deadline = self.limited(&call);
            let mut lease = self.lend(&ready, deadline).await?;
            let mut running = Running {
                deadline,
                org_id: call.org_id,
                own_types,
                began,
                ..self.running(&ready, &access, &mut lease)
            };
            let late = (deadline + GRACE).into();
            let done = tokio::time::timeout_at(late, running.change(statements)).await;
            match done {
                Err(_) => return Err(DbError::timed_out()),
                Ok(Ok(_)) if Instant::now() >= deadline => {
                    lease.settle("ROLLBACK");
                    return Err(DbError::timed_out());
                }
                Ok(Ok(outcomes)) => {
                    let committed = tokio::time::timeout(COMMITTING, running.commit()).await;
                    let committed = committed.unwrap_or_else(|_| {
                        Err(DbError::unavailable(format!(
                            "the database did not answer to the COMMIT of plugin \"{}\": whether the change was made is \
                             not known",
                            self.policy.plugin
                        )))
                    });
                    if committed.is_ok() && statements.iter().any(|(one, _)| one.makes_objects()) {
                        self.shared.schema_changed();
                    }
                    lease.settle("ROLLBACK");
                    return committed.map(|()| outcomes);
                }
                Ok(Err((index, Stop::Failed(error)))) if error.reason == DbReason::TooLarge => {
                    return Err(named(index, error));
                }
                Ok(Err((index, stop))) => self
                    .again(stop, lease, &access, &mut own_types)
                    .map_err(|error| named(index, error))?,
            }
        }
        Err(self.too_often())
    }

    /// Undoes an attempt, and prepares the next one if there is a point in it.
    fn again(
        &self,
        stop: Stop,
        mut lease: Lease,
        access: &Arc<Access>,
        own_types: &mut bool,
    ) -> Result<(), DbError> {
        let result = match stop {
            Stop::Failed(error) => Err(error),
            Stop::Untyped => {
                *own_types = true;
                Ok(())
            }
            Stop::Outdated => {
                if let Ok(session) = lease.session() {
                    session.forget();
                }
                Ok(())
            }
            Stop::Missed => {
                self.forget_access(access);
                Ok(())
            }
        };
        lease.settle("ROLLBACK");
        result
    }

    fn too_often(&self) -> DbError {
        DbError::conflict(format!(
            "the schema changed {ATTEMPTS} times during a call of plugin \"{}\"",
            self.policy.plugin
        ))
    }
}
