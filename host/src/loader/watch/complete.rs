//! Whether a plugin's file is whole, as far as its form tells.
//!
//! This decides when a file is worth reading, not whether it is good: what is no component at all is whole, so that it is
//! read and refused with the reason.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::super::discover::{Discovered, Layout};
use super::super::manifest::{self, Manifest, Runtime};

/// The magic and the version.
const HEADER: u64 = 8;
/// So many sections are enough to believe the rest.
const SECTIONS_MAX: usize = 1_000_000;
/// The end record of a ZIP archive, without its comment, and the longest comment.
const END_RECORD: usize = 22;
const COMMENT_MAX: usize = 65_535;

/// What a plugin lacks to be whole.
pub(super) fn missing(discovered: &Discovered) -> Option<String> {
    let path = &discovered.path;
    let judged = match discovered.layout {
        Layout::Component => component(path),
        Layout::Package => package(path),
        Layout::Folder => folder(path),
    };
    judged.unwrap_or_else(|error| Some(format!("{} cannot be read: {error}", path.display())))
}

fn folder(path: &Path) -> io::Result<Option<String>> {
    let manifest = path.join(manifest::FILE);
    if fs::metadata(&manifest)?.len() > manifest::BYTES_MAX as u64 {
        return Ok(None);
    }
    match Manifest::parse(&fs::read(&manifest)?).map(|manifest| manifest.runtime) {
        Ok(Runtime::Wasm { file }) => {
            let file = file.below(path);
            if !file.is_file() {
                return Ok(Some(format!("{} is not there", file.display())));
            }
            component(&file)
        }
        Ok(Runtime::Template | Runtime::Theme) => Ok(None),
        // An empty one is being written; for a wrong one there are better words than that it is not whole.
        Err(_) if fs::metadata(&manifest)?.len() == 0 => {
            Ok(Some(format!("{} is empty", manifest.display())))
        }
        Err(_) => Ok(None),
    }
}

/// Follows the sections of a component or module from one to the next, which must end where the file ends.
fn component(path: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut magic = [0; 4];
    if size <= HEADER {
        return Ok(Some(format!("{} has {size} bytes", path.display())));
    }
    file.read_exact(&mut magic)?;
    if magic != *b"\0asm" {
        return Ok(None);
    }
    let mut file = BufReader::new(file);
    let mut offset = file.seek(SeekFrom::Start(HEADER))?;
    for _ in 0..SECTIONS_MAX {
        if offset == size {
            return Ok(None);
        }
        let Some((head, length)) = section(&mut file)? else {
            break;
        };
        offset += head + length;
        if offset > size {
            break;
        }
        file.seek_relative(i64::try_from(length).unwrap_or(i64::MAX))?;
    }
    Ok(Some(format!("{} ends within a section", path.display())))
}

/// The size of a section's head and of its content. Nothing where the file ends within the head or it is none.
fn section(file: &mut impl io::Read) -> io::Result<Option<(u64, u64)>> {
    let mut byte = [0; 1];
    let mut length = 0_u64;
    if file.read(&mut byte)? == 0 {
        return Ok(None);
    }
    for index in 0..5 {
        if file.read(&mut byte)? == 0 {
            return Ok(None);
        }
        let [digit] = byte;
        length |= u64::from(digit & 0x7f) << (7 * index);
        if digit & 0x80 == 0 {
            return Ok(Some((2 + index, length)));
        }
    }
    Ok(None)
}

/// Looks for an end record that ends, with its comment, where the file ends.
fn package(path: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let tail = size.min((END_RECORD + COMMENT_MAX) as u64);
    file.seek(SeekFrom::Start(size - tail))?;
    let mut end = Vec::new();
    file.take(tail).read_to_end(&mut end)?;
    let is_end = |record: &[u8]| {
        record.starts_with(b"PK\x05\x06")
            && record
                .get(END_RECORD - 2..)
                .and_then(|rest| rest.split_first_chunk::<2>())
                .is_some_and(|(length, comment)| {
                    usize::from(u16::from_le_bytes(*length)) == comment.len()
                })
    };
    let offsets = 0..=end.len().saturating_sub(END_RECORD);
    let found = offsets
        .rev()
        .any(|offset| end.get(offset..).is_some_and(is_end));
    Ok((!found).then(|| format!("{} has no end record", path.display())))
}
