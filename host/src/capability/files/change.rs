//! Changes to a folder by path: what each adds is asked for before, and what it did is counted after.
//!
//! Each change runs as a whole on a thread that may wait, with the turn in hand: a call whose time is over, or whose store
//! is gone, does not leave one that is made and not counted. Paths are resolved by wasmtime-wasi alone, in a table of
//! the change's own, whose folder it lets wait on that thread.

use std::io;
use std::sync::Arc;

use futures::FutureExt as _;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, Dir, File, WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, HostDescriptor, OpenFlags,
    PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};

use super::space::{Handle, Identity, NoRoom, Space, TooManyOpen};

/// A folder to change, on a thread that may wait.
pub(super) struct Folder {
    table: ResourceTable,
    context: WasiFilesystemCtx,
    dir: u32,
}

/// What is under a name.
struct Found {
    identity: Identity,
    stat: DescriptorStat,
}

/// Makes a change when it is its turn. It is made to the end, also when nobody waits for it any more.
pub(super) async fn in_turn<T: Send + 'static>(
    space: &Arc<Space>,
    change: impl FnOnce(&Arc<Space>) -> FsResult<T> + Send + 'static,
) -> FsResult<T> {
    let turn = space.turn().await;
    let space = Arc::clone(space);
    let done = tokio::task::spawn_blocking(move || {
        let done = change(&space);
        drop(turn);
        done
    });
    done.await.map_err(FsError::trap)?
}

impl Folder {
    pub(super) fn new(dir: &Dir) -> FsResult<Self> {
        let mut table = ResourceTable::new();
        let dir = push(&mut table, dir)?;
        Ok(Self {
            table,
            context: WasiFilesystemCtx::default(),
            dir,
        })
    }

    fn view(&mut self) -> (WasiFilesystemCtxView<'_>, Resource<Descriptor>) {
        let dir = Resource::new_borrow(self.dir);
        let view = WasiFilesystemCtxView {
            ctx: &mut self.context,
            table: &mut self.table,
        };
        (view, dir)
    }

    /// Which file or folder is open.
    fn identity(&mut self, descriptor: &Descriptor) -> FsResult<Identity> {
        let same = match descriptor {
            Descriptor::Dir(dir) => Descriptor::Dir(here(dir)?),
            Descriptor::File(file) => Descriptor::File(File::new(
                file.file.try_clone()?,
                file.perms,
                file.open_mode,
                true,
            )),
        };
        let same = self.table.push(same)?;
        let (mut view, _) = self.view();
        Ok(now(view.metadata_hash(same))?.into())
    }

    /// What is under a name; none if nothing is.
    fn find(&mut self, flags: PathFlags, path: &str) -> FsResult<Option<Found>> {
        let (mut view, dir) = self.view();
        let stat = match now(view.stat_at(dir, flags, path.to_owned())) {
            Ok(stat) => stat,
            Err(error) => {
                return match error.downcast_ref() {
                    Some(ErrorCode::NoEntry) => Ok(None),
                    _ => Err(error),
                };
            }
        };
        let (mut view, dir) = self.view();
        let hash = now(view.metadata_hash_at(dir, flags, path.to_owned()))?;
        let identity = hash.into();
        Ok(Some(Found { identity, stat }))
    }
}

/// Makes a folder.
pub(super) fn create_directory(space: &Space, mut at: Folder, path: String) -> FsResult<()> {
    space.room(0, 1)?;
    let (mut view, dir) = at.view();
    now(view.create_directory_at(dir, path))?;
    space.added();
    Ok(())
}

/// Makes a symbolic link.
pub(super) fn symlink(space: &Space, mut at: Folder, target: String, path: String) -> FsResult<()> {
    space.room(0, 1)?;
    let (mut view, dir) = at.view();
    now(view.symlink_at(dir, target, path))?;
    space.added();
    Ok(())
}

/// Gives a file one more name.
pub(super) fn link(
    space: &Space,
    mut from: Folder,
    flags: PathFlags,
    old: String,
    into: &Dir,
    new: String,
) -> FsResult<()> {
    space.room(0, 1)?;
    let into = Resource::new_borrow(push(&mut from.table, into)?);
    let (mut view, dir) = from.view();
    now(view.link_at(dir, flags, old, into, new))?;
    space.added();
    Ok(())
}

/// Gives something another name, which may be another's until then.
pub(super) fn rename(
    space: &Space,
    mut from: Folder,
    old: String,
    into: &Dir,
    new: String,
) -> FsResult<()> {
    let moved = from.find(PathFlags::empty(), &old)?;
    let replaced = Folder::new(into)?.find(PathFlags::empty(), &new)?;
    let into = Resource::new_borrow(push(&mut from.table, into)?);
    let (mut view, dir) = from.view();
    now(view.rename_at(dir, old, into, new))?;
    // Two names of one file stay as they are.
    if let Some(replaced) = replaced
        && moved.is_some_and(|moved| moved.identity != replaced.identity)
    {
        replaced.is_gone(space);
    }
    Ok(())
}

/// Removes a file or link.
pub(super) fn unlink(space: &Space, mut at: Folder, path: String) -> FsResult<()> {
    let found = at.find(PathFlags::empty(), &path)?;
    let (mut view, dir) = at.view();
    now(view.unlink_file_at(dir, path))?;
    if let Some(found) = found {
        found.is_gone(space);
    }
    Ok(())
}

/// Removes an empty folder.
pub(super) fn remove_directory(space: &Space, mut at: Folder, path: String) -> FsResult<()> {
    let found = at.find(PathFlags::empty(), &path)?;
    let (mut view, dir) = at.view();
    now(view.remove_directory_at(dir, path))?;
    if let Some(found) = found {
        found.is_gone(space);
    }
    Ok(())
}

/// Opens something, which may make it or empty it.
pub(super) fn open(
    space: &Arc<Space>,
    mut at: Folder,
    follow: PathFlags,
    path: String,
    mut open: OpenFlags,
    mut flags: DescriptorFlags,
) -> FsResult<(Descriptor, Handle)> {
    let made = open.contains(OpenFlags::CREATE) && at.find(follow, &path)?.is_none();
    if made {
        space.room(0, 1)?;
    }
    // Emptying is a change of length, to be made once it is known which file is open.
    let emptied = open.contains(OpenFlags::TRUNCATE) && !open.contains(OpenFlags::DIRECTORY);
    if emptied {
        open ^= OpenFlags::TRUNCATE;
        flags |= DescriptorFlags::WRITE;
    }
    let (mut view, dir) = at.view();
    let opened = now(view.open_at(dir, follow, path, open, flags))?;
    if made {
        space.added();
    }
    let descriptor = at.table.delete(opened)?;
    let identity = at.identity(&descriptor)?;
    let bytes = match &descriptor {
        Descriptor::File(file) => length(file)?,
        Descriptor::Dir(_) => 0,
    };
    let handle = space.hold(identity, bytes)?;
    if let Descriptor::File(file) = &descriptor
        && emptied
    {
        set_size(&handle, file, 0)?;
    }
    Ok((descriptor, handle))
}

/// Changes a file's length.
pub(super) fn set_size(handle: &Handle, file: &File, bytes: u64) -> FsResult<()> {
    let before = length(file)?;
    handle.space().room(bytes.saturating_sub(before), 0)?;
    file.file.set_len(bytes)?;
    handle.resized(before, length(file)?);
    Ok(())
}

/// Writes somewhere in a file, or at its end.
pub(super) fn write(
    handle: &Handle,
    file: &std::fs::File,
    bytes: &[u8],
    position: Option<u64>,
) -> io::Result<usize> {
    let before = file.metadata()?.len();
    let position = position.unwrap_or(before);
    let end = u64::try_from(bytes.len())
        .ok()
        .and_then(|length| position.checked_add(length))
        .ok_or_else(|| io::Error::from(rustix::io::Errno::FBIG))?;
    handle
        .space()
        .room(end.saturating_sub(before), 0)
        .map_err(|NoRoom| io::Error::from(rustix::io::Errno::NOSPC))?;
    let written = write_all(file, bytes, position);
    // Also where it failed in the middle: what is there counts.
    handle.resized(before, file.metadata()?.len());
    written
}

#[cfg(unix)]
fn write_all(file: &std::fs::File, bytes: &[u8], position: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt as _;
    file.write_all_at(bytes, position)?;
    Ok(bytes.len())
}

#[cfg(not(unix))]
fn write_all(mut file: &std::fs::File, bytes: &[u8], position: u64) -> io::Result<usize> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    file.seek(SeekFrom::Start(position))?;
    file.write_all(bytes)?;
    Ok(bytes.len())
}

impl Found {
    /// Counts that this name is gone.
    fn is_gone(&self, space: &Space) {
        let file = self.stat.type_ == DescriptorType::RegularFile;
        let bytes = if file { self.stat.size } else { 0 };
        space.removed(self.identity, bytes, !file || self.stat.link_count < 2);
    }
}

fn length(file: &File) -> io::Result<u64> {
    let metadata = file.file.metadata()?;
    Ok(if metadata.is_file() {
        metadata.len()
    } else {
        0
    })
}

fn push(table: &mut ResourceTable, dir: &Dir) -> FsResult<u32> {
    Ok(table.push(Descriptor::Dir(here(dir)?))?.rep())
}

/// The same folder, such that what is asked of it is done on this thread.
fn here(dir: &Dir) -> io::Result<Dir> {
    let same = dir.dir.try_clone()?;
    Ok(Dir::new(same, dir.perms, dir.open_mode, true))
}

/// The result of what does not wait, as the folder of a [`Folder`] makes sure.
fn now<T>(future: impl Future<Output = FsResult<T>>) -> FsResult<T> {
    match future.now_or_never() {
        Some(result) => result,
        None => Err(FsError::trap(wasmtime::Error::msg(
            "a change to a file waited for something",
        ))),
    }
}

impl From<NoRoom> for FsError {
    fn from(NoRoom: NoRoom) -> Self {
        ErrorCode::InsufficientSpace.into()
    }
}

impl From<TooManyOpen> for FsError {
    fn from(TooManyOpen: TooManyOpen) -> Self {
        ErrorCode::InsufficientMemory.into()
    }
}
