//! Redis, which keeps nothing on disk.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::keeper::{Keeper, Signal};
use super::{attempt, connect, free_port};

pub(super) fn start(program: &Path, keeper: &mut Keeper) -> Result<[(&'static str, String); 1]> {
    let port = attempt(|| {
        let port = free_port()?;
        let mut command = Command::new(program);
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--databases", "16"])
            .current_dir(keeper.folder());
        keeper.serve("Redis", &mut command, Signal::Terminate, |process| {
            is_ready(port, process).unwrap_or(false)
        })?;
        Ok(port)
    })?;
    Ok([("GOATHERD_TEST_REDIS", format!("redis://127.0.0.1:{port}"))])
}

/// Whether what answers on the port is this process.
fn is_ready(port: u16, process: u32) -> Result<bool> {
    let mut stream = connect(port)?;
    stream.write_all(b"INFO server\r\nQUIT\r\n")?;
    let mut answer = String::new();
    stream.take(65_536).read_to_string(&mut answer)?;
    let line = format!("process_id:{process}");
    Ok(answer.lines().any(|found| found == line))
}
