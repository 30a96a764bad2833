//! The plugin's own part of the cache. The grant covers keys that begin with `tour`.

use crate::goatherd::plugin::{cache_read, cache_write};
use crate::steps::Steps;

pub fn tour(steps: &mut Steps) {
    steps.gives(
        "cache-write.set",
        cache_write::set("tour.a", b"kept", 60),
        (),
    );
    steps.gives(
        "cache-read.get",
        cache_read::get("tour.a"),
        Some(b"kept".to_vec()),
    );
    steps.gives("cache-write.delete", cache_write::delete("tour.a"), ());
    steps.gives("cache-read.get/missing", cache_read::get("tour.a"), None);

    steps.refuses("cache-read.get/denied", cache_read::get("other"));
    steps.refuses("cache-read.get/empty-key", cache_read::get(""));
    let long = "tour".repeat(129);
    steps.refuses("cache-read.get/long-key", cache_read::get(&long));
    steps.refuses("cache-write.set/denied", cache_write::set("other", b"x", 0));
    let large = vec![0; 1_048_577];
    steps.refuses(
        "cache-write.set/too-large",
        cache_write::set("tour.a", &large, 0),
    );
    steps.refuses("cache-write.delete/denied", cache_write::delete("other"));
}
