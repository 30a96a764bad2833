//! The harm itself. Everything goes through volatile reads or `black_box`, so that the optimiser cannot see that none
//! of it is of any use.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::goatherd::plugin::context;

/// What is left to do for the phase, if it got that far.
pub enum Told {
    Behave,
    Say(String),
    Fail,
    Amplify,
}

pub fn obey(code: u8) -> Told {
    match code {
        b'n' => Told::Behave,
        b'u' => Told::Say(invalid_text()),
        b'h' => Told::Say(long_text(100_000_000)),
        b'H' => Told::Amplify,
        b'r' => {
            black_box(deeper(0));
            Told::Behave
        }
        b'l' => loop {
            std::hint::spin_loop();
        },
        b'p' => panic!("as told"),
        b'o' => hoard(),
        b'e' => Told::Fail,
        b's' => {
            stay_busy(200);
            Told::Behave
        }
        unknown => panic!("no behaviour has the code {unknown}"),
    }
}

/// A JSON string of so many bytes.
pub fn long_text(bytes: usize) -> String {
    let mut text = vec![b'a'; bytes];
    if let [first, .., last] = text.as_mut_slice() {
        *first = b'"';
        *last = b'"';
    }
    // SAFETY: it is ASCII.
    unsafe { String::from_utf8_unchecked(text) }
}

fn invalid_text() -> String {
    // SAFETY: not sound in general, since this is no UTF-8. Nothing in here looks into the text: its bytes only go to
    // the host, which has to notice.
    unsafe { String::from_utf8_unchecked(vec![b'"', 0xff, 0xc0, b'"']) }
}

const BLOCK: usize = 1 << 20;
const TIMES: usize = 4096;

/// Strings that are all the same memory.
pub fn one_block_many_times() -> impl Iterator<Item = String> {
    let block = Vec::leak(vec![b'a'; BLOCK]).as_mut_ptr();
    Hands::keep(block);
    (0..TIMES).map(move |_| {
        // SAFETY: the block is ASCII of that length and capacity from the global allocator. That several strings own
        // it does no harm, because none is ever written and the allocator does not free it.
        unsafe { String::from_raw_parts(block, BLOCK, BLOCK) }
    })
}

/// Calls itself through a pointer that the compiler cannot follow, so that it stays a call; without anything on the
/// stack in linear memory, so that it is the engine's stack that overflows.
static DEEPER: fn(u64) -> u64 = deeper;

fn deeper(depth: u64) -> u64 {
    // SAFETY: the pointer comes from a reference to a static.
    let next = unsafe { std::ptr::read_volatile(&DEEPER) };
    next(depth + 1).rotate_left(1) ^ depth
}

fn hoard() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1u8; 1 << 20]);
        black_box(&hoard);
    }
}

/// There is no clock in here but the one that runs out.
fn stay_busy(milliseconds: u64) {
    let start = context::deadline_ms();
    while start.saturating_sub(context::deadline_ms()) < milliseconds {}
}

/// The system's allocator, but for one block that it never frees.
struct Hands;

static KEPT: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());

impl Hands {
    fn keep(block: *mut u8) {
        KEPT.store(block, Ordering::Relaxed);
    }
}

// SAFETY: everything is left to `System`, which keeps the rules; not freeing a block breaks none.
unsafe impl GlobalAlloc for Hands {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the rules of `GlobalAlloc::alloc`, which are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block != KEPT.load(Ordering::Relaxed) {
            // SAFETY: the caller keeps the rules of `GlobalAlloc::dealloc`, and the block came from `System`.
            unsafe { System.dealloc(block, layout) }
        }
    }
}

#[global_allocator]
static HANDS: Hands = Hands;
