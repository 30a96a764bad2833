//! What every plugin has without a grant: its log, its translations, and whom it works for.

use crate::Args;
use crate::goatherd::plugin::log::Level;
use crate::goatherd::plugin::{context, i18n, log};
use crate::steps::Steps;

pub fn tour(steps: &mut Steps, args: &Args) {
    let fields = [("interface".into(), "log".into())];
    log::log(Level::Info, "the tour begins", &fields);
    steps.gives("log.log", Ok(()), ());

    // `register` has this text in English and German.
    let expected = match args.language.as_str() {
        "de" => "Guten Tag, Ada!",
        _ => "Good day, Ada!",
    };
    let greeting = i18n::translate("greeting", &[("name".into(), "Ada".into())]);
    steps.gives("i18n.translate", Ok(greeting), expected.into());
    let missing = i18n::translate("no-such-text", &[]);
    steps.gives("i18n.translate/missing", Ok(missing), "no-such-text".into());

    steps.gives("context.org-id", Ok(context::org_id()), args.org_id);
    let user = context::user().map(|user| user.id);
    steps.gives("context.user", Ok(user), args.user_id.clone());
    steps.gives(
        "context.language",
        Ok(context::language()),
        args.language.clone(),
    );
    steps.shows("context.request-id", Ok(context::request_id()), |id| {
        !id.is_empty()
    });
    steps.shows("context.deadline-ms", Ok(context::deadline_ms()), |left| {
        *left > 0
    });
}
