//! What this process holds, as the kernel counts it.

use std::fs;

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Resident memory in bytes, without what is mapped from files.
    pub anonymous_bytes: u64,
    /// Open file descriptors.
    pub files: usize,
    /// Threads.
    pub threads: usize,
    /// Memory mappings, of which the kernel gives a process 65,530.
    pub mappings: usize,
}

/// What this process holds now.
pub fn process() -> Process {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    let number = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_whitespace().nth(1));
        value
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| panic!("{name} is a number"))
    };
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc is there");
    Process {
        anonymous_bytes: number("RssAnon:") * 1024,
        files: fs::read_dir("/proc/self/fd")
            .expect("/proc is there")
            .count(),
        threads: usize::try_from(number("Threads:")).expect("there are few threads"),
        mappings: maps.lines().count(),
    }
}
