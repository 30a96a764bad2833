//! The report: printed as a table, written as JSON.

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};

/// The rows so far.
#[derive(Default)]
pub struct Report(Map<String, Value>);

/// What each figure should reach: the value of a row in milliseconds or microseconds, the ratio of any other.
const GOALS: &[(&str, f64, Better)] = &[
    ("call_empty_over_raw", 1.5, Better::Less),
    ("call_1k_over_raw", 1.2, Better::Less),
    ("call_64k_over_raw", 1.05, Better::Less),
    ("host_call_over_raw", 1.5, Better::Less),
    ("route_typed_over_raw", 1.5, Better::Less),
    ("threads_2_over_1", 1.9, Better::More),
    ("cold_start_ms", 1.0, Better::Less),
    ("describe_1000_warm_ms", 1_000.0, Better::Less),
    ("query_1000x5_over_rusqlite", 3.0, Better::Less),
    ("organisation_by_index_over_rusqlite", 1.5, Better::Less),
    ("organisation_by_scan_over_rusqlite", 3.0, Better::Less),
    ("cache_get_1k_us", 5.0, Better::Less),
    ("denied_request_us", 5.0, Better::Less),
    ("fields_equal_of_million_ms", 20.0, Better::Less),
    ("fields_near_of_million_ms", 20.0, Better::Less),
    ("registry_list_10000_ms", 20.0, Better::Less),
    ("lazy_first_call_ms", 5.0, Better::Less),
    ("memory_after_2000_reloads", 1.05, Better::Less),
    ("p99_beside_loops", 1.2, Better::Less),
    ("p99_beside_hoarders", 1.2, Better::Less),
];

#[derive(Clone, Copy)]
enum Better {
    Less,
    More,
}

impl Report {
    /// Adds a row and prints it.
    pub fn add(&mut self, name: &str, value: f64, unit: &str, ratio: f64, against: &str) {
        let judged = if matches!(unit, "ms" | "µs") {
            value
        } else {
            ratio
        };
        let verdict = GOALS.iter().find(|(other, ..)| *other == name).map_or_else(
            String::new,
            |(_, goal, better)| {
                let (sign, met) = match better {
                    Better::Less => ("≤", judged <= *goal),
                    Better::More => ("≥", judged >= *goal),
                };
                format!("goal {sign} {goal}: {}", if met { "met" } else { "missed" })
            },
        );
        println!("{name:28} {value:14.3} {unit:8} {ratio:8.3} × {against:24} {verdict}");
        let row = json!({ "value": value, "unit": unit, "ratio": ratio, "against": against });
        self.0.insert(name.to_owned(), row);
    }

    /// Writes the report.
    pub fn write(self, file: &Path) -> Result<()> {
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(file, serde_json::to_string_pretty(&Value::Object(self.0))?)?;
        println!("\nwritten to {}", file.display());
        Ok(())
    }
}
