//! The numbers as a bar chart, in an SVG that stands for itself: no script, no style sheet, nothing to load.
//!
//! It takes the text colour of the page around it and bars of a middle tone, so that it can be read on light and on
//! dark. Every bar has its numbers beside it as text, the whole has a title and a description for those who cannot see
//! it, and in languages that run from right to left so do the bars.

use serde_json::Value;

use crate::goatherd::plugin::i18n;
use crate::goatherd::plugin::types::Error;
use crate::register::text;
use crate::stats::stats;

const WIDTH: i64 = 640;
const ROW: i64 = 40;
const BAR: i64 = 12;
const LEGEND: i64 = 28;
const OPEN: &str = "#d9730d";
const ALL: &str = "#7a8fa6";

/// More bars than this are hard to compare; the queues with the most open tickets come first.
const MAX_QUEUES: usize = 12;
const MAX_NAME: usize = 40;

/// The chart in the language of the call, as a fragment of HTML.
pub fn chart() -> Result<String, Error> {
    let stats = stats()?;
    let queues: Vec<Queue> = stats["queues"]
        .as_array()
        .into_iter()
        .flatten()
        .take(MAX_QUEUES)
        .map(Queue::new)
        .collect();
    if queues.is_empty() {
        return Ok(format!("<p>{}</p>", escape(&translate("none"))));
    }

    let most = queues
        .iter()
        .map(|queue| queue.total)
        .max()
        .unwrap_or(0)
        .max(1);
    let direction = Direction::of_language();
    let rows: String = queues
        .iter()
        .zip(0..)
        .map(|(queue, row)| queue.draw(direction, LEGEND + row * ROW, most))
        .collect();
    let description: Vec<String> = queues
        .iter()
        .map(|queue| format!("{}: {}", queue.name, queue.label))
        .collect();

    Ok(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img" aria-labelledby="helpdesk-stats-title helpdesk-stats-description" direction="{direction}" font-family="system-ui, sans-serif" font-size="14" fill="currentColor"><title id="helpdesk-stats-title">{title}</title><desc id="helpdesk-stats-description">{description}</desc>{open}{all}{rows}</svg>"#,
        height = LEGEND + ROW * queues.len() as i64,
        direction = direction.name(),
        title = escape(&translate("title")),
        description = escape(&description.join("; ")),
        open = legend(direction, 0, OPEN, &translate("open")),
        all = legend(direction, 120, ALL, &translate("all")),
    ))
}

/// A queue's numbers, ready to be drawn.
struct Queue {
    name: String,
    label: String,
    total: i64,
    open: i64,
}

impl Queue {
    fn new(queue: &Value) -> Self {
        let total = queue["total"].as_i64().unwrap_or(0);
        let open = queue["open"].as_i64().unwrap_or(0);
        let numbers = [
            ("open".to_string(), open.to_string()),
            ("total".to_string(), total.to_string()),
        ];
        Self {
            name: queue["name"].as_str().unwrap_or_default().into(),
            label: i18n::translate(&text("row"), &numbers),
            total,
            open,
        }
    }

    /// Name and numbers on a line, and under it the bar for all tickets with the one for open tickets upon it.
    fn draw(&self, direction: Direction, top: i64, most: i64) -> String {
        let baseline = top + 14;
        let start = direction.x(0, 0);
        let end = direction.x(WIDTH, 0);
        let bar = |count: i64, colour: &str| {
            let width = count * WIDTH / most;
            let x = direction.x(0, width);
            let y = top + 20;
            format!(
                r#"<rect x="{x}" y="{y}" width="{width}" height="{BAR}" rx="2" fill="{colour}"/>"#
            )
        };
        format!(
            r#"<g><title>{name}</title><text x="{start}" y="{baseline}">{short}</text><text x="{end}" y="{baseline}" text-anchor="end">{label}</text>{all}{open}</g>"#,
            name = escape(&self.name),
            short = escape(&shortened(&self.name)),
            label = escape(&self.label),
            all = bar(self.total, ALL),
            open = bar(self.open, OPEN),
        )
    }
}

/// A small square in a bar's colour, and what it stands for.
fn legend(direction: Direction, offset: i64, colour: &str, label: &str) -> String {
    let square = direction.x(offset, BAR);
    let text = direction.x(offset + BAR + 6, 0);
    format!(
        r#"<rect x="{square}" y="2" width="{BAR}" height="{BAR}" rx="2" fill="{colour}"/><text x="{text}" y="13">{label}</text>"#,
        label = escape(label),
    )
}

/// Which way the language of the call runs.
#[derive(Clone, Copy)]
enum Direction {
    LeftToRight,
    RightToLeft,
}

impl Direction {
    /// A translation like any other, so that a new language brings its direction along.
    fn of_language() -> Self {
        match translate("direction").as_str() {
            "rtl" => Self::RightToLeft,
            _ => Self::LeftToRight,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }

    /// Where something of this width stands that is `offset` away from where lines begin.
    fn x(self, offset: i64, width: i64) -> i64 {
        match self {
            Self::LeftToRight => offset,
            Self::RightToLeft => WIDTH - offset - width,
        }
    }
}

/// One of the plugin's texts in the language of the call.
pub fn translate(key: &str) -> String {
    i18n::translate(&text(key), &[])
}

/// The name as it fits onto its line, between the marks that keep its direction apart from that of the text around it.
fn shortened(name: &str) -> String {
    let mut shortened: String = name.chars().take(MAX_NAME).collect();
    if shortened.len() < name.len() {
        shortened.push('…');
    }
    format!("\u{2068}{shortened}\u{2069}")
}

/// Text as it may stand in HTML. The names of queues are what somebody typed.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
