//! A plugin for a contract version that does not exist yet.

wit_bindgen::generate!({ path: "wit", world: "goatherd:plugin/later" });

use exports::goatherd::plugin::guest::Guest;

struct Future;

impl Guest for Future {
    fn describe() -> String {
        "from the future".into()
    }
}

export!(Future);
