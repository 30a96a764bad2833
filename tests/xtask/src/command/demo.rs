//! `cargo xtask demo`: the host with the example plugins and a helpdesk to look at.
//!
//! Everything that the demo makes is below `target/demo`: the database, the plugins' directory and the configuration,
//! which shows what an operator writes. The server is a child process and ends with this one.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command::Usage;
use crate::demo::{configuration, helpdesk, server};
use crate::guest::{self, Guest, Purpose};
use crate::places::Places;
use crate::process::{self, cargo};
use crate::servers::keeper::Keeper;

/// Where the demo listens unless told otherwise.
const ADDRESS: &str = "127.0.0.1:8787";
/// How long the server may take to load all plugins; a Python runtime compiles for ten seconds and more.
const PATIENCE: Duration = Duration::from_secs(180);

pub(super) fn run(places: &Places, arguments: &[String]) -> Result<()> {
    let address = address(arguments)?;
    println!(
        "Building the host and the example plugins, the first time for up to eight minutes. Into {} this installs the \
         JavaScript and Python builders that the examples pin, from npm and PyPI.",
        places.build().display()
    );
    server::check_free(address)?;
    let all = guest::discover(places)?;
    let examples: Vec<&Guest> = all
        .iter()
        .filter(|guest| guest.purpose == Purpose::Example)
        .filter(|guest| configuration::PLUGINS.contains(&guest.name.as_str()))
        .collect();
    // The guests wait for networks and for builders that use one processor, so they are built beside the program.
    std::thread::scope(|scope| {
        let guests = scope.spawn(|| guest::build(places, &examples));
        // By the program's name, so that features are resolved for all of the workspace's own packages, as the tests resolve
        // them: what both need is built once.
        process::run(cargo(places).args(["build", "--bin", "goatherd"]))?;
        let guests = guests.join();
        guests.unwrap_or_else(|_| bail!("building the guests stopped"))
    })?;

    let folder = places.demo();
    let database = folder.join("helpdesk.db");
    fs::create_dir_all(&folder)?;
    helpdesk::make(&database)?;
    let plugins = install(places, &folder, &examples)?;
    let configuration = folder.join("goatherd.toml");
    fs::write(
        &configuration,
        configuration::text(address, &plugins, &database)?,
    )?;

    let mut keeper = Keeper::start()?;
    let mut serving = serve(&mut keeper, places, &configuration)?;
    let ready = server::wait_until_ready(address, PATIENCE, &mut serving);
    if let Err(error) = ready {
        // It may have ended already; either way it is gone after this.
        let _ = serving.kill();
        let _ = keeper.wait(&mut serving);
        return Err(error);
    }
    println!("{}", welcome(address, &configuration));
    let ended = keeper.wait(&mut serving)?;
    if !ended.success() {
        bail!("the server ended: {ended}");
    }
    Ok(())
}

fn address(arguments: &[String]) -> Result<SocketAddr> {
    let text = match arguments {
        [] => ADDRESS,
        [option, address] if option == "--listen" => address,
        other => return Err(Usage(format!("what is {:?}?", other.join(" "))).into()),
    };
    text.parse()
        .map_err(|_| Usage(format!("{text:?} is not an address such as {ADDRESS}")).into())
}

/// Puts the examples into the demo's plugin directory.
fn install(places: &Places, folder: &Path, examples: &[&Guest]) -> Result<std::path::PathBuf> {
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins)?;
    for example in examples {
        let file = plugins.join(format!("{}.wasm", example.name));
        fs::copy(example.component(places), &file)
            .with_context(|| format!("copying {}", file.display()))?;
    }
    Ok(plugins)
}

/// Starts the server, which ends with this process in whatever way that ends.
fn serve(keeper: &mut Keeper, places: &Places, configuration: &Path) -> Result<Child> {
    let mut command = Command::new(places.program());
    keeper.spawn(command.args(["serve", "--config"]).arg(configuration))
}

fn welcome(address: SocketAddr, configuration: &Path) -> String {
    format!(
        "
The demo runs. Open

  http://{address}/                                        the start page: plugins, menu, widgets
  http://{address}/widgets/helpdesk-stats/tickets-by-queue  the widget alone, with the chart
  http://{address}/api/plugins/helpdesk-stats/stats         the plugin's JSON route
  http://{address}/api/plugins/helpdesk-stats/page          where its menu entry leads
  http://{address}/api/plugins/hello-js/hello?name=Ada      a plugin in JavaScript
  http://{address}/api/plugins/hello-py/hello?name=Ada      the same in Python
  http://{address}/api/plugins/hello-go/hello?name=Ada      the same in Go

What each plugin may do is in {}. Ctrl-C ends it.",
        configuration.display()
    )
}
