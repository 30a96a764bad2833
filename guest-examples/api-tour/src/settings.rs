//! Settings, under a grant for `app.*`, and the plugin's own secrets, under one for `tour.*`.

use crate::Args;
use crate::goatherd::plugin::{config, secure_config_read, secure_config_write};
use crate::steps::Steps;

pub fn tour(steps: &mut Steps, args: &Args) {
    steps.gives(
        "config.get",
        config::get("app.name"),
        Some(args.app_name.clone()),
    );
    steps.gives("config.get/not-set", config::get("plugin.nothing"), None);
    steps.refuses("config.get/denied", config::get("database.password"));
    steps.refuses("config.get/empty-key", config::get(""));

    let set = secure_config_write::set("tour.token", "s3cret");
    steps.gives("secure-config-write.set", set, ());
    let token = secure_config_read::get("tour.token");
    steps.gives("secure-config-read.get", token, Some("s3cret".into()));
    let nothing = secure_config_read::get("tour.nothing");
    steps.gives("secure-config-read.get/not-set", nothing, None);

    let deleted = secure_config_write::delete("tour.token");
    steps.gives("secure-config-write.delete", deleted, ());
    let token = secure_config_read::get("tour.token");
    steps.gives("secure-config-read.get/deleted", token, None);

    let denied = secure_config_read::get("other");
    steps.refuses("secure-config-read.get/denied", denied);
    let denied = secure_config_write::set("other", "s3cret");
    steps.refuses("secure-config-write.set/denied", denied);
    let denied = secure_config_write::delete("other");
    steps.refuses("secure-config-write.delete/denied", denied);
    let long = secure_config_write::set("tour.token", &"x".repeat(4097));
    steps.refuses("secure-config-write.set/too-large", long);
}
