//! The steps, each one call of WASI or a few.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::goatherd::plugin::types::Error;
use crate::json::{number, text, wrong};
use crate::wasi::filesystem::preopens::get_directories;
use crate::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags, filesystem_error_code,
};
use crate::wasi::io::streams::{InputStream, OutputStream, StreamError};

/// What is open.
pub struct Work {
    descriptors: HashMap<String, Descriptor>,
    streams: HashMap<String, InputStream>,
}

/// What WASI answered: a value, or the name of an error code.
type Answer = Result<Value, String>;

/// How much a stream takes in one call.
const CHUNK: usize = 4_096;

impl Work {
    /// Nothing is open but what the host opened.
    pub fn begin() -> Self {
        let opened = get_directories().into_iter().next();
        Self {
            descriptors: opened
                .map(|(folder, _)| ("data".into(), folder))
                .into_iter()
                .collect(),
            streams: HashMap::new(),
        }
    }

    pub fn step(&mut self, step: &Value) -> Result<Answer, Error> {
        let done = match text(step, "do")? {
            "preopens" => {
                let all = get_directories();
                let names: Vec<_> = all.iter().map(|(_, name)| name.clone()).collect();
                Ok(json!(names))
            }
            "open" => self.open(step)?,
            "close" => {
                let name = text(step, "fd")?;
                self.streams.remove(name);
                self.descriptors.remove(name);
                Ok(Value::Null)
            }
            "write" => {
                let written = self
                    .fd(step)?
                    .write(&content(step)?, number(step, "offset")?);
                plain(written.map(|count| json!(count)))
            }
            "set-size" => empty(self.fd(step)?.set_size(number(step, "bytes")?)),
            "stream" => self.stream(step)?,
            "splice" => self.splice(step)?,
            "start" => {
                let content = content(step)?;
                match self.fd(step)?.write_via_stream(number(step, "offset")?) {
                    Ok(stream) => {
                        let begun = stream.check_write().and_then(|_| stream.write(&content));
                        begun.map(|()| Value::Null).map_err(name_of)
                    }
                    Err(code) => Err(code.name().into()),
                }
            }
            "hold" => match self.fd(step)?.read_via_stream(0) {
                Ok(stream) => {
                    self.streams.insert(text(step, "as")?.into(), stream);
                    Ok(Value::Null)
                }
                Err(code) => Err(code.name().into()),
            },
            "read" => {
                let read = self
                    .fd(step)?
                    .read(number(step, "bytes")?, number(step, "offset")?);
                plain(read.map(|(bytes, _)| json!(String::from_utf8_lossy(&bytes))))
            }
            "read-stream" => match self.fd(step)?.read_via_stream(number(step, "offset")?) {
                Ok(stream) => stream
                    .blocking_read(number(step, "bytes")?)
                    .map(|bytes| json!(String::from_utf8_lossy(&bytes)))
                    .map_err(name_of),
                Err(code) => Err(code.name().into()),
            },
            "list" => plain(list(self.fd(step)?)),
            "stat" => {
                let stat = self.at(step)?.stat_at(follow(step), text(step, "path")?);
                plain(stat.map(|stat| {
                    json!({ "size": stat.size, "links": stat.link_count, "type": format!("{:?}", stat.type_) })
                }))
            }
            "mkdir" => empty(self.at(step)?.create_directory_at(text(step, "path")?)),
            "rmdir" => empty(self.at(step)?.remove_directory_at(text(step, "path")?)),
            "unlink" => empty(self.at(step)?.unlink_file_at(text(step, "path")?)),
            "readlink" => {
                let target = self.at(step)?.readlink_at(text(step, "path")?);
                plain(target.map(|target| json!(target)))
            }
            "rename" => {
                let (at, into) = (self.at(step)?, self.at(step)?);
                empty(at.rename_at(text(step, "from")?, into, text(step, "path")?))
            }
            "link" => {
                let (at, into) = (self.at(step)?, self.at(step)?);
                let flags = PathFlags::empty();
                empty(at.link_at(flags, text(step, "from")?, into, text(step, "path")?))
            }
            "symlink" => {
                let (target, path) = (text(step, "target")?, text(step, "path")?);
                empty(self.at(step)?.symlink_at(target, path))
            }
            _ => return Err(wrong("there is no such step")),
        };
        Ok(done)
    }

    fn open(&mut self, step: &Value) -> Result<Answer, Error> {
        let is = |name: &str| step[name] == true;
        let mut open = OpenFlags::empty();
        for (name, flag) in [
            ("create", OpenFlags::CREATE),
            ("exclusive", OpenFlags::EXCLUSIVE),
            ("truncate", OpenFlags::TRUNCATE),
            ("directory", OpenFlags::DIRECTORY),
        ] {
            if is(name) {
                open |= flag;
            }
        }
        let mut flags = DescriptorFlags::READ;
        if is("write") {
            flags |= DescriptorFlags::WRITE;
        }
        let opened = self
            .at(step)?
            .open_at(follow(step), text(step, "path")?, open, flags);
        Ok(match opened {
            Ok(descriptor) => {
                self.descriptors
                    .insert(text(step, "as")?.into(), descriptor);
                Ok(Value::Null)
            }
            Err(code) => Err(code.name().into()),
        })
    }

    fn stream(&self, step: &Value) -> Result<Answer, Error> {
        let fd = self.fd(step)?;
        let stream = match &step["offset"] {
            Value::Null => fd.append_via_stream(),
            _ => fd.write_via_stream(number(step, "offset")?),
        };
        let stream = match stream {
            Ok(stream) => stream,
            Err(code) => return Ok(Err(code.name().into())),
        };
        let content = content(step)?;
        for chunk in content.chunks(CHUNK) {
            let written = if step["zeroes"] == true {
                stream.blocking_write_zeroes_and_flush(chunk.len() as u64)
            } else {
                stream.blocking_write_and_flush(chunk)
            };
            if let Err(error) = written {
                return Ok(Err(name_of(error)));
            }
        }
        Ok(Ok(Value::Null))
    }

    fn splice(&self, step: &Value) -> Result<Answer, Error> {
        let from = self.descriptor(text(step, "from")?)?;
        let (source, sink): (InputStream, OutputStream) =
            match (from.read_via_stream(0), self.fd(step)?.append_via_stream()) {
                (Ok(source), Ok(sink)) => (source, sink),
                (Err(code), _) | (_, Err(code)) => return Ok(Err(code.name().into())),
            };
        let mut left = number(step, "bytes")?;
        let mut moved = 0;
        while left > 0 {
            match sink.blocking_splice(&source, left) {
                Ok(0) => break,
                Ok(count) => {
                    moved += count;
                    left -= count;
                }
                Err(error) => return Ok(Err(name_of(error))),
            }
        }
        Ok(match sink.blocking_flush() {
            Ok(()) => Ok(json!(moved)),
            Err(error) => Err(name_of(error)),
        })
    }

    fn fd(&self, step: &Value) -> Result<&Descriptor, Error> {
        self.descriptor(text(step, "fd")?)
    }

    fn at(&self, step: &Value) -> Result<&Descriptor, Error> {
        self.descriptor(step["at"].as_str().unwrap_or("data"))
    }

    fn descriptor(&self, name: &str) -> Result<&Descriptor, Error> {
        self.descriptors
            .get(name)
            .ok_or_else(|| Error::NotFound(format!("nothing is open as {name}")))
    }
}

fn follow(step: &Value) -> PathFlags {
    if step["no-follow"] == true {
        PathFlags::empty()
    } else {
        PathFlags::SYMLINK_FOLLOW
    }
}

fn content(step: &Value) -> Result<Vec<u8>, Error> {
    match step["text"].as_str() {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => Ok(vec![0; number(step, "bytes")? as usize]),
    }
}

fn list(folder: &Descriptor) -> Result<Value, ErrorCode> {
    let entries = folder.read_directory()?;
    let mut names = Vec::new();
    while let Some(entry) = entries.read_directory_entry()? {
        names.push(entry.name);
    }
    names.sort();
    Ok(json!(names))
}

fn plain(answer: Result<Value, ErrorCode>) -> Answer {
    answer.map_err(|code| code.name().into())
}

fn empty(answer: Result<(), ErrorCode>) -> Answer {
    plain(answer.map(|()| Value::Null))
}

/// The error code behind a stream's error.
fn name_of(error: StreamError) -> String {
    match error {
        StreamError::Closed => "closed".into(),
        StreamError::LastOperationFailed(error) => match filesystem_error_code(&error) {
            Some(code) => code.name().into(),
            None => "unknown".into(),
        },
    }
}
