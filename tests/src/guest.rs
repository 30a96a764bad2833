//! Guests, as they were built and with their few bytes of choice changed.

use std::path::PathBuf;

/// A function of the contract in which the guest `hostile` can be told to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Register = 28,
    Init = 35,
    Call = 42,
    Shutdown = 53,
}

impl Phase {
    pub const ALL: [Self; 4] = [Self::Register, Self::Init, Self::Call, Self::Shutdown];
}

/// Where a guest is, which must have been built.
pub fn guest_path(name: &str) -> PathBuf {
    let guests = std::env::var_os("GOATHERD_GUESTS")
        .map_or_else(|| crate::target().join("guests"), PathBuf::from);
    let path = guests.join(format!("{name}.wasm"));
    assert!(
        path.is_file(),
        "the guest {} does not exist: run cargo xtask guests --tests",
        path.display()
    );
    path
}

/// The bytes of a guest.
pub fn guest(name: &str) -> Vec<u8> {
    let path = guest_path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The guest `hostile`, told what to do in each of some phases by the codes of its documentation.
pub fn hostile(behaviours: &[(Phase, u8)]) -> Vec<u8> {
    let mut bytes = guest("hostile");
    let marker = find(
        &bytes,
        b"GOATHERD-BEHAVIOUR:register=n;init=n;call=n;shutdown=n",
    );
    for (phase, behaviour) in behaviours {
        bytes[marker + *phase as usize] = *behaviour;
    }
    bytes
}

/// The guest `misregistered`: `m` for five mistakes, `v` for a host version that does not exist, `e` for a widget without the
/// export that draws it.
pub fn misregistered(choice: u8) -> Vec<u8> {
    let mut bytes = guest("misregistered");
    let marker = b"GOATHERD-REGISTRATION:";
    let offset = find(&bytes, marker) + marker.len();
    bytes[offset] = choice;
    bytes
}

/// The guest `mistyped`: its `route-handler` has a function of another type than the contract says.
pub fn mistyped() -> Vec<u8> {
    let (own, ours) = (b"goatherx:plugin/", b"goatherd:plugin/");
    let mut bytes = guest("mistyped");
    let places: Vec<usize> = (0..=bytes.len() - own.len())
        .filter(|place| bytes[*place..].starts_with(own))
        .collect();
    assert!(!places.is_empty(), "the guest has its marker");
    for place in places {
        bytes[place..][..ours.len()].copy_from_slice(ours);
    }
    bytes
}

/// The guest `relay` under the name `relay-` and this letter.
pub fn relay(letter: char) -> Vec<u8> {
    let mut bytes = guest("relay");
    let marker = b"GOATHERD-NAME:relay-";
    let offset = find(&bytes, marker) + marker.len();
    bytes[offset] = u8::try_from(letter).expect("a letter of the Latin alphabet");
    bytes
}

/// The guest `steady` as `steady-<letter>` of a generation, with what goes wrong: `n` for nothing.
pub fn steady(letter: char, generation: u8, wrong: u8) -> Vec<u8> {
    let mut bytes = guest("steady");
    let marker = b"GOATHERD-STEADY:";
    let offset = find(&bytes, marker) + marker.len();
    bytes[offset] = u8::try_from(letter).expect("a letter of the Latin alphabet");
    bytes[offset + 1] = b'0' + generation % 10;
    bytes[offset + 2] = wrong;
    bytes
}

/// The guest `probe-wasi` with imports of another version of WASI, as long as its own 0.2.12, and with what `register` does:
/// `n` for nothing special.
pub fn probe_wasi(version: &str, register: u8) -> Vec<u8> {
    let mut bytes = in_version(guest("probe-wasi"), "0.2.12", version);
    let marker = b"GOATHERD-WASI:";
    let place = find(&bytes, marker) + marker.len();
    bytes[place] = register;
    bytes
}

/// The guest `probe-standard` under this name, and with what `register` does: `n` for nothing special.
pub fn probe_standard(name: &str, register: u8) -> Vec<u8> {
    let mut bytes = guest("probe-standard");
    let marker = b"GOATHERD-STANDARD:";
    let place = find(&bytes, marker) + marker.len();
    let choice = [&[register, b':'], name.as_bytes(), b"\n"].concat();
    assert!(
        choice.len() <= b"n:probe-standard\n".len(),
        "there is room for the name"
    );
    bytes[place..][..choice.len()].copy_from_slice(&choice);
    bytes
}

/// A component that names another version of the interfaces that it names in this one, as long as it.
pub fn in_version(mut component: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "lengths stand before names");
    let (from, to) = (format!("@{from}"), format!("@{to}"));
    let mut found = false;
    for place in 0..component.len() - from.len() {
        let part = &mut component[place..place + from.len()];
        if part == from.as_bytes() {
            part.copy_from_slice(to.as_bytes());
            found = true;
        }
    }
    assert!(found, "the guest names {from}");
    component
}

/// Where a marker stands that must be there exactly once.
pub(crate) fn find(bytes: &[u8], marker: &[u8]) -> usize {
    let mut offsets = bytes
        .windows(marker.len())
        .enumerate()
        .filter(|(_, window)| *window == marker)
        .map(|(offset, _)| offset);
    let offset = offsets.next().expect("the guest has its marker");
    assert_eq!(offsets.next(), None, "the guest has its marker once");
    offset
}

/// A component that imports instances of these names and exports the contract's name with nothing behind it: enough to
/// see what a host says to its imports, and nothing that could run.
pub fn importing(names: &[&str]) -> Vec<u8> {
    // An instance without exports.
    const EMPTY: &[u8] = &[0x42, 0];
    importing_instances(names, EMPTY)
}

/// Like [`importing`], but each instance has an asynchronous function `now`, as those of WASI 0.3 have.
pub fn importing_async(names: &[&str]) -> Vec<u8> {
    // Two declarations: the type of an asynchronous function without parameters and result, and an export of that type.
    const WITH_NOW: &[u8] = b"\x42\x02\x01\x43\0\x01\0\x04\0\x03now\x01\0";
    importing_instances(names, WITH_NOW)
}

fn importing_instances(names: &[&str], instance: &[u8]) -> Vec<u8> {
    const GUEST: &str = "goatherd:plugin/guest@0.1.0";
    const INSTANCE: u8 = 0x05;
    let name = |name: &str| {
        let mut bytes = vec![0];
        bytes.extend(vector(name.len(), name.as_bytes()));
        bytes
    };
    let imports: Vec<u8> = names
        .iter()
        .flat_map(|import| [name(import), vec![INSTANCE, 0]].concat())
        .collect();
    let own = u8::try_from(names.len()).expect("a test has few imports");
    let export = [name(GUEST), vec![INSTANCE, own, 0]].concat();
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend(section(7, vector(1, instance)));
    bytes.extend(section(10, vector(names.len(), &imports)));
    // One instance, made of no exports.
    bytes.extend(section(5, vector(1, &[0x01, 0])));
    bytes.extend(section(11, vector(1, &export)));
    bytes
}

/// A section of a component.
fn section(id: u8, content: Vec<u8>) -> Vec<u8> {
    [vec![id], vector(content.len(), &content)].concat()
}

/// A number of things, or of bytes, and then they.
fn vector(count: usize, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = count;
    while rest > 0x7f {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes.extend_from_slice(content);
    bytes
}
