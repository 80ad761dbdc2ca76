//! Runs the program `heliostat`, from the command line to an exit code.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory;
use log::LevelFilter;

use super::args::abbreviation;
use super::args::{Arguments, Command, PassedArgs};
use super::compare::compare;
use super::copy::{backup, restore};
use super::database::db as database;
use super::doctor::doctor;
use super::drain;
use super::error::AdminError;
use super::explain::explain;
use super::export;
use super::external::{makehashes, run};
use super::file_tree::{dirs, null_tree, timestamp};
use super::help::in_groups;
use super::import;
use super::init::init;
use super::mirror::{change, edit, file, list, new, ping, probefile, show, update};
use super::overview::{markers, mirrorlist};
use super::pages::pages;
use super::product;
use super::replay::replay;
use super::repo;
use super::report::{configuration, history, logs, status};
use super::responder::{Responder, looked_as};
use super::session::Session;
use super::smoke::{smoke_alone, smoke_site};
use super::stats::{metrics, stats};
use super::topology::topology;
use crate::config::{self, LastGood};
use crate::program::arguments;
use crate::program::console::complain;
use crate::program::exit::{Exit, chain};
use crate::program::log::start_log;
use crate::program::progress::Progress;

/// Runs `heliostat` with the arguments of the process.
pub fn main() -> ExitCode {
    let arguments = match parse(std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(exit) => return exit.into(),
    };
    let progress = Progress::new(false);
    let level = match arguments.command {
        _ if arguments.global.debug => LevelFilter::Debug,
        // `doctor` says itself what is wrong, with the remedy.
        Command::Doctor(_) => LevelFilter::Off,
        _ => LevelFilter::Warn,
    };
    start_log(level, &progress);
    let exit = match run(&arguments, progress) {
        Ok(exit) => exit,
        Err(error) => {
            let exit = error.exit();
            if exit != Exit::Ok {
                complain(&format!("heliostat: {}", chain(&error)));
            }
            exit
        }
    };
    exit.into()
}

fn parse(arguments: Vec<OsString>) -> Result<Arguments, Exit> {
    let arguments = abbreviation::write_out(&Arguments::command(), arguments);
    arguments::read_with(in_groups(Arguments::command()), arguments)
}

fn session(arguments: &Arguments, progress: Progress) -> Result<Session, AdminError> {
    let global = &arguments.global;
    let path = config::config_path(global.config.as_deref());
    let (config, problem) = match config::load(&path) {
        Ok(config) => (config, None),
        // With a broken file the responder goes on, and `status` says so.
        Err(error) => match (&arguments.command, LastGood::of_responder().load(&path)) {
            (Command::Status(_), Some(config)) => (config, Some(chain(&error))),
            _ => return Err(error.into()),
        },
    };
    let site = Arc::clone(config.site(global.site())?);
    log::debug!("site={} database={}", site.name, site.database.display());
    let mut session = Session::new(config, site, progress);
    session.config_problem = problem;
    Ok(session)
}

fn run(arguments: &Arguments, progress: Progress) -> Result<Exit, AdminError> {
    let global = &arguments.global;
    match &arguments.command {
        // The other program reads the configuration itself.
        Command::Scan(passed) => return run::run("heliostat-scan", global, passed),
        Command::Probe(passed) => return run::run("heliostat-probe", global, passed),
        Command::Test(args) => {
            let json = args.json.then(|| "--json".into());
            let name = ["--".into(), args.identifier.clone().into()];
            let passed = PassedArgs {
                arguments: ["-n".into()].into_iter().chain(json).chain(name).collect(),
            };
            return run::run("heliostat-probe", global, &passed);
        }
        Command::Index(passed) => return run::run("heliostat-index", global, passed),
        Command::Makehashes(args) => return makehashes::run(global, args),
        // There is no configuration yet.
        Command::Init(args) => return init(args, &config::config_path(global.config.as_deref())),
        // Other machines have none.
        Command::Smoke(args) if args.is_without_site() => return smoke_alone(args, &progress),
        Command::Import(args) => {
            if let Some(done) = import::import_files(args) {
                return done;
            }
        }
        _ => {}
    }
    let mut session = session(arguments, progress)?;
    if let Command::Doctor(args) = &arguments.command {
        let only = global.site();
        let exit = doctor(&mut session, only, args)?;
        session.console.flush()?;
        return Ok(exit);
    }
    let exit = dispatch(&mut session, &arguments.command)?;
    session.console.flush()?;
    Ok(exit)
}

fn dispatch(session: &mut Session, command: &Command) -> Result<Exit, AdminError> {
    match command {
        Command::New(args) => new::new(session, args),
        Command::List(args) => list::list(session, args),
        Command::Show(args) => show::show(session, args),
        Command::Edit(args) => edit::edit(session, args),
        Command::Enable(args) => change::enable(session, args),
        Command::Disable(args) => change::disable(session, args),
        Command::Drain(args) => drain::drain(session, args),
        Command::Score(args) => change::score(session, args),
        Command::Rename(args) => change::rename(session, args),
        Command::Delete(args) => change::delete(session, args),
        Command::Commentadd(args) => change::add_comment(session, args),
        Command::Rollback(args) => change::rollback(session, args),
        Command::Backup(args) => backup::backup(session, args),
        Command::Restore(args) => restore::restore(session, args),
        Command::Instances(args) => show::instances(session, args),
        Command::Config(args) => configuration::config(session, args),
        Command::File(args) => file::file(session, args),
        Command::Explain(args) => {
            let site = Arc::clone(&session.site);
            let responder = Responder::ask(&session.config.fcgi.listen);
            let looked_as = looked_as(&responder);
            Ok(explain(&site, args, &looked_as, session.console.out())?)
        }
        Command::Compare(args) => compare(session, args),
        Command::Replay(args) => replay(session, args),
        Command::Smoke(args) => smoke_site(session, args),
        Command::Probefile(args) => probefile::probefile(session, args),
        Command::Iplookup(args) => update::iplookup(session, args),
        Command::Update(args) => update::update(session, args),
        Command::Topology(args) => topology(session, args),
        Command::Status(args) => status::status(session, args),
        Command::Ping(args) => ping::ping(session, args),
        Command::Runs(args) => history::runs(session, args),
        Command::Events(args) => history::events(session, args),
        Command::Logs(args) => logs::logs(session, args),
        Command::Import(args) => import::import(session, args),
        Command::Markers(args) => markers::markers(session, args),
        Command::Mirrorlist(args) => mirrorlist::mirrorlist(session, args),
        Command::Pages(args) => pages(session, args),
        Command::Export(args) => export::export(session, args),
        Command::Product(args) => product::product(session, args),
        Command::Repo(args) => repo::repo(session, args),
        Command::Uptake(args) => product::uptake(session, args),
        Command::Dirs(args) => dirs::dirs(session, args),
        Command::Timestamp(args) => timestamp::timestamp(session, args),
        Command::NullTree(args) => null_tree::null_tree(session, args),
        Command::Stats(args) => stats(session, args),
        Command::Metrics(args) => metrics(session, args),
        Command::Db(args) => database::db(session, args),
        Command::Vacuum(args) => database::vacuum(session, args.flags),
        // Those that were run before a session was made.
        Command::Doctor(_)
        | Command::Init(_)
        | Command::Scan(_)
        | Command::Index(_)
        | Command::Probe(_)
        | Command::Test(_)
        | Command::Makehashes(_) => Ok(Exit::Usage),
    }
}
