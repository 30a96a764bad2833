//! `wasi:filesystem` over a plugin's folder.
//!
//! What reads is wasmtime-wasi's own; what changes anything goes through [`change`](super::change) first. A plugin without
//! the grant has no folder, and so nothing that any of these functions could be called with.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, Dir, File, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream,
    ErrorCode, Filesize, Host, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::change::{self, Folder};
use super::space::Handle;
use super::stream::{Reading, Writing};
use super::{DataFolder, PATH};

/// Tells the generated linking code that `wasi:filesystem` works on [`FilesView`]s.
pub(super) struct Files;

impl HasData for Files {
    type Data<'a> = FilesView<'a>;
}

/// What the functions of `wasi:filesystem` get to see of one instance.
pub(super) struct FilesView<'a> {
    pub(super) inner: WasiFilesystemCtxView<'a>,
    pub(super) folder: Option<&'a DataFolder>,
    pub(super) open: &'a mut OpenFiles,
}

/// The parts that an instance's open descriptors have in its plugin's count.
#[derive(Default)]
pub(super) struct OpenFiles(HashMap<u32, Arc<Handle>>);

impl<'a> FilesView<'a> {
    fn dir(&self, fd: &Resource<Descriptor>) -> FsResult<&Dir> {
        match self.inner.table.get(fd)? {
            Descriptor::Dir(dir) => Ok(dir),
            Descriptor::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    /// An open file, and its part in the count.
    fn file(&self, fd: &Resource<Descriptor>) -> FsResult<(File, Arc<Handle>)> {
        let Descriptor::File(file) = self.inner.table.get(fd)? else {
            return Err(ErrorCode::BadDescriptor.into());
        };
        let handle = self.open.0.get(&fd.rep()).ok_or(ErrorCode::BadDescriptor)?;
        Ok((file.clone(), Arc::clone(handle)))
    }

    /// The plugin's folder. Whoever holds a descriptor has one.
    fn folder(&self) -> FsResult<&'a DataFolder> {
        Ok(self.folder.ok_or(ErrorCode::BadDescriptor)?)
    }

    fn writing(
        &mut self,
        fd: &Resource<Descriptor>,
        position: Option<u64>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let (file, handle) = self.file(fd)?;
        let stream: DynOutputStream = Box::new(Writing::new(file.file, handle, position));
        Ok(self.inner.table.push(stream)?)
    }
}

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let Some(folder) = self.folder else {
            return Ok(Vec::new());
        };
        let descriptor = Descriptor::Dir(folder.dir.clone());
        let descriptor = self.inner.table.push(descriptor)?;
        Ok(vec![(descriptor, PATH.to_owned())])
    }
}

impl Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.inner.convert_error_code(error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.inner.filesystem_error_code(error)
    }
}

impl HostDescriptor for FilesView<'_> {
    async fn set_size(&mut self, fd: Resource<Descriptor>, bytes: Filesize) -> FsResult<()> {
        let (file, handle) = self.file(&fd)?;
        let space = Arc::clone(handle.space());
        change::in_turn(&space, move |_| change::set_size(&handle, &file, bytes)).await
    }

    async fn write(
        &mut self,
        fd: Resource<Descriptor>,
        bytes: Vec<u8>,
        position: Filesize,
    ) -> FsResult<Filesize> {
        let (file, handle) = self.file(&fd)?;
        let space = Arc::clone(handle.space());
        let write = move |_: &_| Ok(change::write(&handle, &file.file, &bytes, Some(position))?);
        let written: usize = change::in_turn(&space, write).await?;
        Ok(written as Filesize)
    }

    fn write_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        position: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.writing(&fd, Some(position))
    }

    fn append_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.writing(&fd, None)
    }

    fn read_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        position: Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        let handle = self.open.0.get(&fd.rep()).cloned();
        let stream = self.inner.read_via_stream(fd, position)?;
        let Some(handle) = handle else {
            return Ok(stream);
        };
        let stream = self.inner.table.delete(stream)?;
        let held: DynInputStream = Box::new(Reading::new(stream, handle));
        Ok(self.inner.table.push(held)?)
    }

    async fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        follow: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let folder = Folder::new(self.dir(&fd)?)?;
        let opened = change::in_turn(&self.folder()?.space, move |space| {
            change::open(space, folder, follow, path, open, flags)
        });
        let (descriptor, handle) = opened.await?;
        let fd = self.inner.table.push(descriptor)?;
        self.open.0.insert(fd.rep(), Arc::new(handle));
        Ok(fd)
    }

    async fn create_directory_at(
        &mut self,
        fd: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let folder = Folder::new(self.dir(&fd)?)?;
        change::in_turn(&self.folder()?.space, move |space| {
            change::create_directory(space, folder, path)
        })
        .await
    }

    async fn symlink_at(
        &mut self,
        fd: Resource<Descriptor>,
        target: String,
        path: String,
    ) -> FsResult<()> {
        let folder = Folder::new(self.dir(&fd)?)?;
        change::in_turn(&self.folder()?.space, move |space| {
            change::symlink(space, folder, target, path)
        })
        .await
    }

    async fn link_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        old: String,
        into: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        let folder = Folder::new(self.dir(&fd)?)?;
        let into = self.dir(&into)?.clone();
        change::in_turn(&self.folder()?.space, move |space| {
            change::link(space, folder, flags, old, &into, new)
        })
        .await
    }

    async fn rename_at(
        &mut self,
        fd: Resource<Descriptor>,
        old: String,
        into: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        let folder = Folder::new(self.dir(&fd)?)?;
        let into = self.dir(&into)?.clone();
        change::in_turn(&self.folder()?.space, move |space| {
            change::rename(space, folder, old, &into, new)
        })
        .await
    }

    async fn unlink_file_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        let folder = Folder::new(self.dir(&fd)?)?;
        change::in_turn(&self.folder()?.space, move |space| {
            change::unlink(space, folder, path)
        })
        .await
    }

    async fn remove_directory_at(
        &mut self,
        fd: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let folder = Folder::new(self.dir(&fd)?)?;
        change::in_turn(&self.folder()?.space, move |space| {
            change::remove_directory(space, folder, path)
        })
        .await
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> wasmtime::Result<()> {
        let handle = self.open.0.remove(&fd.rep());
        // First the descriptor, then its part in the count: what is counted as free is free.
        HostDescriptor::drop(&mut self.inner, fd)?;
        std::mem::drop(handle);
        Ok(())
    }

    async fn advise(
        &mut self,
        fd: Resource<Descriptor>,
        offset: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FsResult<()> {
        self.inner.advise(fd, offset, length, advice).await
    }

    async fn sync_data(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        self.inner.sync_data(fd).await
    }

    async fn sync(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        self.inner.sync(fd).await
    }

    async fn get_flags(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.inner.get_flags(fd).await
    }

    async fn get_type(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorType> {
        self.inner.get_type(fd).await
    }

    async fn set_times(
        &mut self,
        fd: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        self.inner.set_times(fd, accessed, modified).await
    }

    async fn set_times_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let set = self.inner.set_times_at(fd, flags, path, accessed, modified);
        set.await
    }

    async fn read(
        &mut self,
        fd: Resource<Descriptor>,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        self.inner.read(fd, length, offset).await
    }

    async fn read_directory(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        self.inner.read_directory(fd).await
    }

    async fn stat(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        self.inner.stat(fd).await
    }

    async fn stat_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        self.inner.stat_at(fd, flags, path).await
    }

    async fn readlink_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<String> {
        self.inner.readlink_at(fd, path).await
    }

    async fn is_same_object(
        &mut self,
        one: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        self.inner.is_same_object(one, other).await
    }

    async fn metadata_hash(&mut self, fd: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        self.inner.metadata_hash(fd).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        self.inner.metadata_hash_at(fd, flags, path).await
    }
}

impl HostDirectoryEntryStream for FilesView<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.inner.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.inner, stream)
    }
}
