//! Options of `product` and `uptake`, subcommand by subcommand.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::admin::args::ChangeFlags;

/// `product`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat product add Lantern-9.1 --language de --language en-US \\\n      \
        --location 'osx=lantern/9.1/mac/:lang/Lantern 9.1.dmg'\n  \
    heliostat product alias lantern-latest Lantern-9.1\n  \
    heliostat product list")]
pub struct ProductArgs {
    /// The task
    #[command(subcommand)]
    pub action: ProductAction,
}

/// Tasks of `product`.
#[derive(Debug, Subcommand)]
pub enum ProductAction {
    /// Add a product, or replace it as a whole
    Add(AddProductArgs),
    /// Remove a product
    Rm(RemoveProductArgs),
    /// Let a name stand for a product
    Alias(AliasArgs),
    /// List products and aliases, and the files that the catalogue lacks
    List(ListProductArgs),
    /// Import the products of a bouncer
    Import(ImportProductArgs),
}

/// `product add`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat product add Lantern-9.1-SSL --ssl-only \\\n      \
        --location 'win=lantern/9.1/win32/:lang/setup.exe'\n\n\
    A product of that name is replaced as a whole.\n\n\
    --json: {\"product\", \"changed\", \"dry_run\"}")]
pub struct AddProductArgs {
    /// Its name; case is ignored when clients ask
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Send its clients to https URLs only
    #[arg(long)]
    pub ssl_only: bool,
    /// A language; may be repeated. Without this option: each language whose file exists
    #[arg(long, value_name = "LANGUAGE")]
    pub language: Vec<String>,
    /// The file for a system; `:lang` stands for the language; may be repeated
    #[arg(long, value_name = "OS=PATH", required = true)]
    pub location: Vec<String>,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `product rm`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat product rm Lantern-8.0\n\n\
    --json: {\"product\", \"changed\", \"dry_run\"}")]
pub struct RemoveProductArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `product alias`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat product alias lantern-latest Lantern-9.1\n  \
    heliostat product alias lantern-latest Lantern-9.2 --when-uptake 70\n  \
    heliostat product alias lantern-beta --remove\n\n\
    Exit code 3: the uptake is less than --when-uptake, and the alias stays as it was.\n\n\
    --json: {\"alias\", \"stands_for\", \"uptake\", \"changed\", \"dry_run\"}")]
pub struct AliasArgs {
    /// The name that clients ask for
    #[arg(value_name = "ALIAS")]
    pub alias: String,
    /// The product or alias that it stands for
    #[arg(value_name = "NAME", required_unless_present = "remove")]
    pub name: Option<String>,
    /// Remove the alias
    #[arg(long, conflicts_with_all = ["name", "when_uptake"])]
    pub remove: bool,
    /// Only if mirrors with this percentage of all scores have every file
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub when_uptake: Option<u8>,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `product list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat product list --json\n\n\
    Exit code 3: the catalogue lacks files of a product, or an alias stands for nothing.\n\n\
    --json: {\"products\": [{\"name\", \"ssl_only\", \"languages\", \"locations\":\n\
    [{\"os\", \"path\"}, …], \"missing\": [PATH, …]}, …],\n\
    \"aliases\": [{\"alias\", \"stands_for\", \"is_known\"}, …]}")]
pub struct ListProductArgs {
    /// Only products whose names contain this text
    #[arg(value_name = "PART", default_value = "", hide_default_value = true)]
    pub part: String,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// `product import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat product import bouncer.sql --dry-run\n\n\
    Products of the same name are replaced. A second import of the same dump changes nothing.\n\n\
    --json: {\"products\", \"aliases\", \"left\": [TEXT, …], \"dry_run\"}")]
pub struct ImportProductArgs {
    /// A dump that mysqldump wrote of bouncer's database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `uptake`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat uptake lantern-latest\n  \
    heliostat uptake Lantern-9.2 --region eu --min 70\n\n\
    The uptake of a file is the sum of the scores of the mirrors that have it, of the sum of all\n\
    scores. That of a product is its smallest.\n\n\
    Exit code 3: the uptake is less than --min.\n\n\
    --json: {\"product\", \"available\", \"total\", \"percent\", \"files\":\n\
    [{\"os\", \"path\", \"available\"}, …]}")]
pub struct UptakeArgs {
    /// A product or an alias
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Count only mirrors of this continent
    #[arg(long, value_name = "CONTINENT")]
    pub region: Option<String>,
    /// The percentage that is needed
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub min: Option<u8>,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
