//! Counting what is in a folder, as the quota counts it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

/// What is in a folder.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: u64,
    pub(super) entries: u64,
}

/// Counts a folder's content. Links are counted and not followed; a file with several names counts once with its length.
pub(super) fn count(folder: &Path) -> io::Result<Content> {
    let mut content = Content::default();
    let mut several = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            content.entries += 1;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() && is_first(&metadata, &mut several) {
                content.bytes = content.bytes.saturating_add(metadata.len());
            }
        }
    }
    Ok(content)
}

#[cfg(unix)]
fn is_first(metadata: &fs::Metadata, several: &mut HashSet<(u64, u64)>) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.nlink() < 2 || several.insert((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn is_first(_metadata: &fs::Metadata, _several: &mut HashSet<(u64, u64)>) -> bool {
    true
}
