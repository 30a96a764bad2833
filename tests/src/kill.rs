//! Killing a process in the middle of its work, over and over, and looking at what it left.
//!
//! The process is the test's own executable, started again for one test: that test asks [`child`] first, and if it is the
//! child it does the work until it is killed. So a suite needs no program of its own to be killed.
//!
//! ```no_run
//! use goatherd_tests::kill;
//!
//! # fn main() {}
//! # fn work_once(_: &str) {}
//! # fn whole(_: &str) -> bool { true }
//! #[test]
//! fn a_killed_process_leaves_all_or_nothing() {
//!     if let Some(place) = kill::child() {
//!         kill::say("ready");
//!         for number in 0.. {
//!             work_once(&place);
//!             kill::say(&number.to_string());
//!         }
//!     }
//!     let place = "the file";
//!     kill::Kills::rounds(200).run(
//!         || kill::again("module::a_killed_process_leaves_all_or_nothing", place),
//!         |said| assert!(whole(place), "after {said:?}"),
//!     );
//! }
//! ```

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Tells a process that it is the child, and what it shall work on.
const CHILD: &str = "GOATHERD_TEST_CHILD";
/// What stands before a line that a child says, which is not the test harness's.
const MARK: &str = "@kill ";
/// How long a child may take to start, or for a piece of its work, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the child shall work on, if this process is one. It ends by itself when its parent is gone.
pub fn child() -> Option<String> {
    let place = std::env::var(CHILD).ok()?;
    std::thread::spawn(|| {
        // Nothing is ever written to it: its end is the end of the parent.
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(3);
    });
    Some(place)
}

/// Tells the parent something in one line. The first line says that the work begins: the parent kills only after it.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "\n{MARK}{line}").and_then(|()| out.flush());
    if written.is_err() {
        std::process::exit(3);
    }
}

/// This executable, to be started again for one test, given by its path within the suite, as the child that works on
/// `place`.
pub fn again(test: &str, place: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its executable"));
    command
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env(CHILD, place);
    command
}

/// A loop of killing.
#[derive(Debug, Clone, Copy)]
pub struct Kills {
    rounds: usize,
    longest: Duration,
}

impl Kills {
    /// So many rounds, each killing at most 20 ms after the child began to work, or finished a piece of it.
    pub fn rounds(rounds: usize) -> Self {
        Self {
            rounds,
            longest: Duration::from_millis(20),
        }
    }

    /// Kills at most so long after the child began to work. A few times as long as one piece of its work is right.
    #[must_use]
    pub fn within(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// In each round starts a child, waits until it says something, and for as many lines more as the round is over a
    /// multiple of four; then waits a random time, kills it with SIGKILL and gives `check` what it said after its first
    /// line. Returns how many lines that was in all rounds together. However slow the machine is, that is about one and a
    /// half for each round.
    ///
    /// # Panics
    ///
    /// When a child does not say its next line in a minute, or ends before it is killed.
    pub fn run(
        self,
        mut start: impl FnMut() -> Command,
        mut check: impl FnMut(&[String]),
    ) -> usize {
        let mut lines = 0;
        for round in 0..self.rounds {
            let mut victim = Victim::start(start());
            victim.next_line(round, "before it began");
            let mut said: Vec<String> = (0..round % 4)
                .map(|_| victim.next_line(round, "by itself"))
                .collect();
            std::thread::sleep(self.longest.mul_f64(random()));
            said.extend(victim.kill(round));
            lines += said.len();
            check(&said);
        }
        lines
    }
}

struct Victim {
    child: Child,
    lines: Receiver<String>,
    reader: JoinHandle<()>,
}

impl Victim {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let stdout = child.stdout.take().expect("it was asked for");
        let (found, lines) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if let Some(said) = line.strip_prefix(MARK) {
                    let _ = found.send(said.to_owned());
                }
            }
        });
        Self {
            child,
            lines,
            reader,
        }
    }

    /// Its next line. `too_early` is what is said of a child that ends without it.
    fn next_line(&mut self, round: usize, too_early: &str) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("round {round}: the child said nothing for a minute")
            }
            // Its output has ended, and so it has or is about to.
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().expect("its own child");
                panic!("round {round}: the child ended {too_early}: {status}");
            }
        }
    }

    /// What else it said. A line that it could not finish is not there.
    fn kill(mut self, round: usize) -> Vec<String> {
        self.child.kill().expect("its own child");
        let status = self.child.wait().expect("its own child");
        assert_eq!(
            status.signal(),
            Some(9),
            "round {round}: the child ended by itself: {status}"
        );
        self.reader.join().expect("the reader only reads");
        self.lines.iter().collect()
    }
}

/// From 0 to 1, different in each process and call.
fn random() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    let bits = RandomState::new().hash_one(Instant::now()) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell that says lines is child enough.
    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn each_round_kills_a_child_that_is_at_work_and_hears_what_it_said() {
        let mut rounds = 0;
        let lines = Kills::rounds(5).within(Duration::from_millis(200)).run(
            || shell("echo '@kill ready'; while :; do echo noise; echo '@kill done'; sleep 0.01; done"),
            |said| {
                rounds += 1;
                assert!(said.iter().all(|line| line == "done"), "{said:?}");
            },
        );
        assert_eq!(rounds, 5);
        assert!(lines > 5, "{lines}");
    }

    #[test]
    #[should_panic(expected = "the child ended before it began")]
    fn a_child_that_fails_at_once_fails_the_test() {
        Kills::rounds(1).run(|| shell("exit 0"), |_| {});
    }

    #[test]
    #[should_panic(expected = "the child ended by itself")]
    fn a_child_that_ends_by_itself_fails_the_test() {
        Kills::rounds(20)
            .within(Duration::from_millis(200))
            .run(|| shell("echo '@kill ready'; exit 0"), |_| {});
    }
}
