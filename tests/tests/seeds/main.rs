//! Every function of the seeds' loader and plugin host, what became of it, and the test that shows it.
//!
//! The test behind a row exists, by its name, in the file that the row names; and the rows are the functions that
//! `functions.txt` lists, which was read off the seeds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// `OWNER FUNCTION`, one a line.
const FUNCTIONS: &str = include_str!("functions.txt");

/// A function of a seed.
struct Row {
    seed: &'static str,
    ours: &'static str,
    /// Below `tests/tests`.
    file: &'static str,
    test: &'static str,
}

const fn row(
    seed: &'static str,
    ours: &'static str,
    file: &'static str,
    test: &'static str,
) -> Row {
    Row {
        seed,
        ours,
        file,
        test,
    }
}

/// GoatKit's loader.
#[rustfmt::skip]
const LOADER: &[Row] = &[
    row("NewLoader", "Loader::new", "lifecycle/loader.rs", "discover_all_counts_what_is_there_and_loads_nothing"),
    row("DiscoverAll", "Loader::discover_all", "lifecycle/loader.rs", "discover_all_counts_what_is_there_and_loads_nothing"),
    row("Discovered", "Loader::discovered", "lifecycle/loader.rs", "discover_all_counts_what_is_there_and_loads_nothing"),
    row("DiscoveredPlugins", "Loader::discovered_plugins", "lifecycle/loader.rs", "discovered_plugins_show_what_is_loaded_and_since_when"),
    row("EnsureLoaded", "Loader::ensure_loaded", "lifecycle/loader.rs", "ensure_loaded_finds_a_plugin_that_was_put_there_later_and_loads_it_once"),
    row("LoadAll", "Loader::load_all", "lifecycle/loader.rs", "load_all_reports_each_failure_and_loads_the_others"),
    row("LoadOrReload", "Loader::load_or_reload", "lifecycle/loader.rs", "load_or_reload_takes_a_new_plugin_and_the_new_version_of_a_loaded_one"),
    row("LoadWASM", "Loader::load", "lifecycle/loader.rs", "load_brings_an_unloaded_plugin_back"),
    row("LoadWASMFromPath", "Loader::load_from_path", "lifecycle/loader.rs", "load_from_path_takes_a_plugin_from_anywhere"),
    row("Reload", "Loader::reload", "lifecycle/reload.rs", "no_call_fails_while_a_plugin_is_reloaded_under_load"),
    row("StopWatch", "Loader::stop_watch", "lifecycle/watch.rs", "stop_watch_ends_it"),
    row("Unload", "Loader::unload", "lifecycle/loader.rs", "load_brings_an_unloaded_plugin_back"),
    row("WatchDir", "Loader::watch", "lifecycle/watch.rs", "what_is_put_changed_and_removed_there_is_loaded_reloaded_and_taken_out"),
    row("WithLazyLoading", "Loader::with_lazy_loading", "lifecycle/lazy.rs", "the_first_call_loads_it_and_callers_at_the_same_time_load_it_once"),
    row("WithSignatureVerification", "ReaderSettings::{trusted, require_signatures}", "lifecycle/packages.rs", "where_signatures_are_required_each_load_reload_and_upload_needs_one"),
];

/// togo's plugin host.
#[rustfmt::skip]
const SERVICE: &[Row] = &[
    row("Capabilities", "Service::capabilities", "registry/capabilities.rs", "an_unknown_capability_is_named_with_those_that_there_are"),
    row("ConfigValue", "Service::config_value", "registry/table.rs", "settings_are_merged_and_null_removes_one"),
    row("Configure", "Service::configure", "registry/table.rs", "settings_are_merged_and_null_removes_one"),
    row("Disable", "Service::disable", "registry/table.rs", "a_record_is_added_switched_and_removed_in_every_store"),
    row("Enable", "Service::enable", "registry/table.rs", "a_record_is_added_switched_and_removed_in_every_store"),
    row("FromKernel", "Manager::registry", "lifecycle/hosted.rs", "its_capabilities_run_while_it_is_enabled"),
    row("Get", "Service::get", "registry/table.rs", "a_record_is_added_switched_and_removed_in_every_store"),
    row("IsEnabled", "Service::is_enabled", "registry/table.rs", "a_record_is_added_switched_and_removed_in_every_store"),
    row("List", "Service::list", "registry/table.rs", "records_are_in_their_order_and_equal_ones_by_slug"),
    row("Nav", "Service::nav", "registry/table.rs", "a_record_is_added_switched_and_removed_in_every_store"),
    row("Refresh", "Service::refresh", "registry/nodes.rs", "a_toggle_by_one_node_is_seen_by_the_other_without_restart"),
    row("Register", "Service::register", "registry/table.rs", "registering_again_keeps_settings_and_ensuring_keeps_the_switch_too"),
    row("RegisterCapability", "Service::register_capability", "registry/capabilities.rs", "a_capability_runs_while_its_owner_is_on"),
    row("RunCapability", "Service::run_capability", "registry/capabilities.rs", "a_capability_runs_while_its_owner_is_on"),
    row("WithStore", "Service::with_store", "registry/nodes.rs", "records_survive_the_service"),
    row("WorkflowCapability", "Service::workflow_capability", "registry/workflows.rs", "outputs_feed_later_steps_with_their_types"),
];

#[test]
fn each_function_of_the_seeds_has_a_test_of_its_name() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for row in LOADER.iter().chain(SERVICE) {
        let file = tests.join(row.file);
        let source =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let (seed, ours, test) = (row.seed, row.ours, row.test);
        let start = source.find(&format!("fn {test}()"));
        let start = start.unwrap_or_else(|| {
            panic!(
                "{} has no test {test} of {seed}, which is {ours}",
                file.display()
            )
        });
        let attribute = source[..start].rfind("#[").map(|at| &source[at..start]);
        assert!(
            attribute.is_some_and(|text| text.contains("test") && !text.contains("ignore")),
            "{test} is no test: {attribute:?}"
        );
    }
}

#[test]
fn each_function_of_the_seeds_is_in_the_tables_and_no_other() {
    let mut listed = BTreeSet::new();
    for line in FUNCTIONS.lines().filter(|line| !line.starts_with('#')) {
        let (owner, function) = line.split_once(' ').unwrap();
        assert!(listed.insert((owner, function)), "{line} is there twice");
    }
    let rows = [("Loader", LOADER), ("Service", SERVICE)];
    let rows: Vec<_> = rows
        .iter()
        .flat_map(|(owner, rows)| rows.iter().map(move |row| (*owner, row.seed)))
        .collect();
    let known: BTreeSet<_> = rows.iter().copied().collect();
    assert_eq!(known.len(), rows.len(), "a function is there twice");
    assert_eq!(known, listed);
}
