//! The plugin's own part of the cache. The grant covers keys that begin with `tour`.

use crate::goatherd::plugin::cache_write::Swap;
use crate::goatherd::plugin::{cache_read, cache_write};
use crate::steps::Steps;

pub fn tour(steps: &mut Steps) {
    steps.gives(
        "cache-write.set",
        cache_write::set("tour.a", b"kept", Some(60)),
        (),
    );
    steps.gives(
        "cache-read.get",
        cache_read::get("tour.a"),
        Some(b"kept".to_vec()),
    );
    let word = cache_write::increment("tour.a", 1, None);
    steps.refuses("cache-write.increment/no-number", word);
    steps.gives("cache-write.delete", cache_write::delete("tour.a"), ());
    steps.gives("cache-read.get/missing", cache_read::get("tour.a"), None);

    // Where nothing is, it counts from 0.
    let sum = cache_write::increment("tour.n", 2, Some(60));
    steps.gives("cache-write.increment", sum, 2);
    let swap = |expected: Option<&[u8]>, new: Option<&[u8]>| Swap {
        expected: expected.map(<[u8]>::to_vec),
        new: new.map(<[u8]>::to_vec),
    };
    let change = swap(Some(b"1"), Some(b"3"));
    let stale = cache_write::compare_and_set("tour.n", &change, Some(60));
    steps.gives("cache-write.compare-and-set/stale", stale, false);
    let removed = cache_write::compare_and_set("tour.n", &swap(Some(b"2"), None), None);
    steps.gives("cache-write.compare-and-set", removed, true);

    steps.refuses("cache-read.get/denied", cache_read::get("other"));
    steps.refuses("cache-read.get/empty-key", cache_read::get(""));
    let long = "tour".repeat(129);
    steps.refuses("cache-read.get/long-key", cache_read::get(&long));
    steps.refuses(
        "cache-write.set/denied",
        cache_write::set("other", b"x", None),
    );
    let large = vec![0; 1_048_577];
    steps.refuses(
        "cache-write.set/too-large",
        cache_write::set("tour.a", &large, None),
    );
    steps.refuses("cache-write.delete/denied", cache_write::delete("other"));
    let denied = cache_write::increment("other", 1, None);
    steps.refuses("cache-write.increment/denied", denied);
    let denied = cache_write::compare_and_set("other", &swap(None, Some(b"x")), None);
    steps.refuses("cache-write.compare-and-set/denied", denied);
}
