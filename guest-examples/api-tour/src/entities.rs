//! Deleting what the application keeps, with an undo and for good. The grants cover contacts and not agents.

use crate::goatherd::plugin::{entities_purge, entities_read, entities_write};
use crate::steps::Steps;

const REASON: &str = "asked for it";
const NOBODY: i64 = 999_999_999;

pub fn tour(steps: &mut Steps, [one, other]: [i64; 2]) {
    let deleted = entities_write::soft_delete("contact", one, REASON);
    steps.gives("entities-write.soft-delete", deleted, ());
    let again = entities_write::soft_delete("contact", one, REASON);
    steps.refuses("entities-write.soft-delete/again", again);
    let nobody = entities_write::soft_delete("contact", NOBODY, REASON);
    steps.refuses("entities-write.soft-delete/unknown", nobody);
    let denied = entities_write::soft_delete("agent", one, REASON);
    steps.refuses("entities-write.soft-delete/denied", denied);

    let bin = entities_read::recycle_bin("contact");
    steps.shows("entities-read.recycle-bin", bin, |deleted| {
        deleted
            .iter()
            .any(|entity| entity.id == one && entity.reason == REASON)
    });
    let denied = entities_read::recycle_bin("agent");
    steps.refuses("entities-read.recycle-bin/denied", denied);

    let restored = entities_write::restore("contact", one);
    steps.gives("entities-write.restore", restored, ());
    let again = entities_write::restore("contact", one);
    steps.refuses("entities-write.restore/again", again);
    let denied = entities_write::restore("agent", one);
    steps.refuses("entities-write.restore/denied", denied);

    let purged = entities_purge::hard_delete("contact", other, REASON);
    steps.gives("entities-purge.hard-delete", purged, ());
    let again = entities_purge::hard_delete("contact", other, REASON);
    steps.refuses("entities-purge.hard-delete/again", again);
    let denied = entities_purge::hard_delete("agent", one, REASON);
    steps.refuses("entities-purge.hard-delete/denied", denied);
}
