//! Who stops the servers, however this process ends.
//!
//! A small shell beside this process holds the reading end of a pipe and a list of processes. When the pipe closes,
//! because [`Keeper`] was dropped, or because this process was interrupted, terminated or killed and the system closed
//! it, the shell ends what is still on the list and removes the folder. So no signal needs to be handled here, and not
//! even `kill -9` leaves a server behind.
//!
//! A process is on the list only as long as this process has not waited for it, so that its id cannot belong to
//! somebody else by then.

use std::env;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};

/// How long a server may take until it answers, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads `+ID SIGNAL` and `-ID` until there is no more to read. The servers have five seconds to end before they are
/// killed. They stay on the list as dead children until this process waits for them, which `kill -0` counts as alive.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
listed=' '
while read -r change signal; do
    id=${change#?}
    case $change in
        +*) listed="$listed$id:$signal " ;;
        -*) listed="${listed%% $id:*} ${listed#* $id:* }" ;;
    esac
done
for entry in $listed; do kill -"${entry#*:}" "${entry%:*}"; done
tries=0
for entry in $listed; do
    while kill -0 "${entry%:*}" && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -KILL "${entry%:*}"
done
rm -rf "$1"
"#;

/// How a process is asked to end.
#[derive(Clone, Copy)]
pub(super) enum Signal {
    /// What most programs take as a request to end in order.
    Terminate,
    /// What PostgreSQL takes as a request to end without waiting for its clients.
    Interrupt,
}

/// The processes and the folder of one run.
pub(crate) struct Keeper {
    folder: PathBuf,
    shell: Child,
    /// Closed to say that this is the end. There until then.
    list: Option<ChildStdin>,
    children: Vec<Child>,
}

impl Keeper {
    pub(crate) fn start() -> Result<Self> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        // Not in the checkout, which a server that runs as somebody else may be unable to reach.
        let folder = env::temp_dir().join(format!(
            "goatherd-servers-{}-{:x}",
            std::process::id(),
            now.as_nanos()
        ));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "keeper"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start sh")?;
        let list = shell.stdin.take();
        Ok(Self {
            folder,
            shell,
            list,
            children: Vec::new(),
        })
    }

    /// Where servers keep their files.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a server and waits until it answers, which is asked with its process id. Fails, with what it printed,
    /// when it ends before that or takes too long.
    ///
    /// It gets a process group of its own: a Ctrl-C at the terminal is for the command first.
    pub(super) fn serve(
        &mut self,
        name: &str,
        command: &mut Command,
        end: Signal,
        answers: impl FnMut(u32) -> bool,
    ) -> Result<()> {
        let log = self.folder.join(format!("{name}.log"));
        let file = fs::File::create(&log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", shown(command)))?;
        self.note(format_args!("+{} {}", child.id(), end.name()))?;
        let Err(reason) = wait_until(&mut child, answers) else {
            self.children.push(child);
            return Ok(());
        };
        // It may have ended already; either way it is gone after this.
        let _ = child.kill();
        let _ = child.wait();
        self.note(format_args!("-{}", child.id()))?;
        let printed = fs::read(&log).unwrap_or_default();
        bail!("{name} {reason}\n{}", String::from_utf8_lossy(&printed))
    }

    /// Runs a command to its end.
    pub(super) fn run(&mut self, command: &mut Command) -> Result<ExitStatus> {
        let mut child = self.spawn(command)?;
        self.wait(&mut child)
    }

    /// Starts a command that ends with this process, if it has not ended before.
    pub(crate) fn spawn(&mut self, command: &mut Command) -> Result<Child> {
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", shown(command)))?;
        self.note(format_args!("+{} TERM", child.id()))?;
        Ok(child)
    }

    /// Waits for the end of a command that was [`spawn`](Self::spawn)ed.
    pub(crate) fn wait(&mut self, child: &mut Child) -> Result<ExitStatus> {
        let status = child.wait()?;
        self.note(format_args!("-{}", child.id()))?;
        Ok(status)
    }

    fn note(&mut self, change: std::fmt::Arguments) -> Result<()> {
        let list = self.list.as_mut().context("the servers were stopped")?;
        writeln!(list, "{change}").context("the shell that stops the servers is gone")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.list.take());
        for child in &mut self.children {
            // One that cannot be waited for has been waited for.
            let _ = child.wait();
        }
        let _ = self.shell.wait();
    }
}

fn wait_until(
    child: &mut Child,
    mut answers: impl FnMut(u32) -> bool,
) -> std::result::Result<(), String> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match child.try_wait() {
            Err(error) => return Err(format!("cannot be waited for: {error}")),
            Ok(Some(ended)) => return Err(format!("ended before it answered: {ended}")),
            Ok(None) if answers(child.id()) => return Ok(()),
            Ok(None) => thread::sleep(Duration::from_millis(20)),
        }
    }
    Err(format!(
        "did not answer within {} seconds",
        PATIENCE.as_secs()
    ))
}

fn shown(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Terminate => "TERM",
            Self::Interrupt => "INT",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    fn sleeping(seconds: &str) -> Command {
        let mut command = Command::new("sleep");
        command.arg(seconds);
        command
    }

    fn lives(process: u32) -> bool {
        Path::new(&format!("/proc/{process}")).exists()
    }

    #[test]
    fn dropping_it_ends_the_servers_and_removes_their_folder() {
        let mut keeper = Keeper::start().unwrap();
        let folder = keeper.folder().to_owned();
        let mut processes = Vec::new();
        for name in ["one", "two"] {
            keeper
                .serve(name, &mut sleeping("1000"), Signal::Terminate, |process| {
                    processes.push(process);
                    true
                })
                .unwrap();
        }
        assert!(folder.join("two.log").exists());
        assert!(processes.iter().all(|&process| lives(process)));
        drop(keeper);
        assert!(!processes.iter().any(|&process| lives(process)));
        assert!(!folder.exists());
    }

    #[test]
    fn a_server_that_ignores_the_request_to_end_is_killed() {
        let mut keeper = Keeper::start().unwrap();
        let mut deaf = Command::new("sh");
        deaf.args(["-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"]);
        let log = keeper.folder().join("deaf.log");
        let mut process = 0;
        keeper
            .serve("deaf", &mut deaf, Signal::Terminate, |id| {
                process = id;
                fs::read_to_string(&log).is_ok_and(|text| text == "deaf\n")
            })
            .unwrap();
        drop(keeper);
        assert!(!lives(process));
    }

    #[test]
    fn a_server_that_fails_to_start_says_what_it_printed() {
        let mut keeper = Keeper::start().unwrap();
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo no such port >&2; exit 3"]);
        let error = keeper
            .serve("failing", &mut failing, Signal::Terminate, |_| false)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("no such port") && error.contains("exit status: 3"),
            "{error}"
        );
    }

    #[test]
    fn a_command_that_ended_is_no_longer_on_the_list() {
        let mut keeper = Keeper::start().unwrap();
        let status = keeper.run(&mut sleeping("0")).unwrap();
        assert!(status.success());
        // The list is a pipe: what it would kill at the end, it would kill now.
        let mut bystander = sleeping("1000").spawn().unwrap();
        let id = bystander.id();
        keeper.note(format_args!("+{id} TERM")).unwrap();
        keeper.note(format_args!("-{id}")).unwrap();
        drop(keeper);
        assert!(bystander.try_wait().unwrap().is_none());
        bystander.kill().unwrap();
        bystander.wait().unwrap();
    }
}
