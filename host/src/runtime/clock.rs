//! The time, as exactly as deadlines need it.
//!
//! Asking the system for the time costs tens of nanoseconds, which is much beside a call that costs a few hundred. Deadlines
//! are kept at the ticks of the epoch anyway, so they are reckoned from the time of the latest tick, which is one load.
//!
//! Whatever can be called holds a [`Clock`], and the clock ticks as long as somebody holds it: a plugin may outlive its
//! host, and its deadlines with it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// A clock that is set at each tick. Its clones show the same time.
#[derive(Clone)]
pub(super) struct Clock {
    hands: Hands,
    /// The thread that ticks ends when the last of these is dropped.
    _running: mpsc::Sender<()>,
}

/// What the clock shows. Setting it does not keep it ticking.
#[derive(Clone)]
struct Hands {
    start: Instant,
    nanos: Arc<AtomicU64>,
}

impl Clock {
    /// Starts a thread that sets the clock and calls `ticked` once in each `tick`.
    ///
    /// # Errors
    ///
    /// When the machine cannot start a thread.
    pub(super) fn start(tick: Duration, ticked: impl Fn() + Send + 'static) -> io::Result<Self> {
        let hands = Hands {
            start: Instant::now(),
            nanos: Arc::default(),
        };
        let set = hands.clone();
        let (running, stopped) = mpsc::channel();
        std::thread::Builder::new()
            .name("goatherd-epoch".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(tick) == Err(mpsc::RecvTimeoutError::Timeout) {
                    set.set();
                    ticked();
                }
            })?;
        Ok(Self {
            hands,
            _running: running,
        })
    }

    /// The time of the latest tick: never later than the present, and earlier by no more than a tick unless the machine is
    /// so busy that the ticking thread is late.
    pub(super) fn now(&self) -> Instant {
        self.hands.now()
    }
}

impl Hands {
    /// Sets the clock to the present.
    fn set(&self) {
        let nanos = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.store(nanos, Ordering::Relaxed);
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}
