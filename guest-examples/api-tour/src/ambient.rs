//! What every plugin has without a grant: its log, its translations, and whom it works for.

use crate::Args;
use crate::goatherd::plugin::log::Level;
use crate::goatherd::plugin::{context, i18n, log};
use crate::steps::Steps;

pub fn tour(steps: &mut Steps, args: &Args) {
    let fields = [("interface".into(), "log".into())];
    log::log(Level::Info, "the tour begins", &fields);
    steps.is("log.log", (), ());

    // `register` has this text in English and German.
    let expected = match args.language.as_str() {
        "de" => "Guten Tag, Ada!",
        _ => "Good day, Ada!",
    };
    let greeting = i18n::translate("greeting", &[("name".into(), "Ada".into())]);
    steps.is("i18n.translate", greeting, expected.into());
    let missing = i18n::translate("no-such-text", &[]);
    steps.is("i18n.translate/missing", missing, "no-such-text".into());

    steps.is("context.org-id", context::org_id(), args.org_id);
    let user = context::user().map(|user| user.id);
    steps.is("context.user", user, args.user_id.clone());
    // The host calls the tour, and no plugin does.
    steps.is("context.caller", context::caller(), None);
    steps.is(
        "context.language",
        context::language(),
        args.language.clone(),
    );
    steps.is(
        "context.request-id",
        context::request_id().is_empty(),
        false,
    );
    steps.is("context.deadline-ms", context::deadline_ms() > 0, true);
}
