//! A valid component that is no plugin: it exports something else entirely.

wit_bindgen::generate!({ path: "wit", world: "other:%world/foreign" });

use exports::other::world::thing::Guest;

struct Foreign;

impl Guest for Foreign {
    fn greet(name: String) -> String {
        format!("Hello, {name}!")
    }
}

export!(Foreign);
