//! How a gateway is set up: every setting of `gateway serve`, in one place.
//!
//! [`Args`] is what a person types: each flag has an environment variable and its documentation here, from which
//! `--help` and the operating guide are made. [`Config`] is the same without a command line, for whoever starts a
//! gateway in their own process (the simulator, the tests). A first run needs no setting at all.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args as ClapArgs, ValueEnum};
use fx::Currency;
use ledger::shell::sql::Database;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::network::Network;

/// The master key's file when none is named, inside the data directory.
pub const MASTER_KEY_FILE: &str = "master.key";
const DATA_DEFAULT: &str = "./jiaozi-data";
/// What a wallet's holder may lose to a glance over the shoulder, in yuan.
const UNCONFIRMED_MAX_DEFAULT: u64 = 500;
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What the gateway is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Play money: the checkout page offers a simulated customer and webhooks may go to this machine.
    Test,
    /// Real money: nothing is simulated.
    Live,
}

impl Mode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// What a score may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RiskMode {
    /// It is noted and stops nothing; only rules that analysts publish stop something.
    Watch,
    /// It stops what is expected to cost more than stopping it.
    Act,
}

/// What becomes of an attempt that cannot be scored in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fallback {
    Allow,
    /// The payer must prove who they are.
    Challenge,
    /// The money is held until an analyst has looked.
    Review,
    Deny,
}

/// How the log's lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Everything a gateway needs to know to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory of the keys and, unless there is a server for them, of the journal and the views.
    pub data: PathBuf,
    /// Where everything is that must not be lost, apart from the keys.
    pub database: Database,
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The address people and shops reach it by, without a slash at the end; made from the listening address when
    /// not set.
    pub public_url: Option<String>,
    pub mode: Mode,
    /// The key under which secrets are encrypted; made on the first start when absent.
    pub master_key_file: PathBuf,
    /// Whether webhooks may go to loopback, private and link-local addresses.
    pub allow_private_webhooks: bool,
    /// Whose word counts about whom a request comes from.
    pub trusted_proxies: Vec<Network>,
    /// Of a key that has no limit of its own.
    pub requests_per_s: Option<u32>,
    pub risk: RiskMode,
    pub risk_fallback: Fallback,
    pub risk_policy: fraud::Policies,
    pub risk_rates: Vec<RiskRate>,
    pub exchange: ExchangeArgs,
    /// Above so many yuan, a payer whose payment code was scanned confirms.
    pub unconfirmed_max: u64,
}

/// What a unit of a currency or asset counts for in yuan when risk is weighed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskRate {
    pub code: String,
    pub millionths: i64,
}

impl FromStr for RiskRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no rate; write a code and what a unit is worth in yuan, as in POINTS=0.01"
            )
        };
        let (code, rate) = text.split_once('=').ok_or_else(wrong)?;
        let rate: Decimal = rate.trim().parse().map_err(|_| wrong())?;
        let millionths = rate.checked_mul(Decimal::from(1_000_000));
        let millionths = millionths
            .and_then(|rate| rate.to_i64())
            .ok_or_else(wrong)?;
        let code = code.trim().to_owned();
        if code.is_empty() || millionths <= 0 {
            return Err(wrong());
        }
        Ok(Self { code, millionths })
    }
}

/// At which prices currencies are exchanged.
#[derive(Clone, Copy, Debug, ClapArgs)]
pub struct ExchangeArgs {
    /// The currency in which all rates are quoted; a price between two others goes by way of it.
    #[arg(long, env = "JIAOZI_FX_PIVOT", value_name = "CODE", value_parser = parse_pivot, default_value = "EUR")]
    pub fx_pivot: Currency,

    /// What the house takes off the middle price, in hundredths of a percent.
    #[arg(long, env = "JIAOZI_FX_SPREAD_BPS", value_name = "BPS", default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(0..=5_000))]
    pub fx_spread_bps: u32,

    /// How long a quoted price is locked.
    #[arg(long, env = "JIAOZI_FX_LOCK_SECS", value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub fx_lock_secs: u32,

    /// How old a rate of the desk or of a stream may be. Fixings of the European Central Bank count until the next is due.
    #[arg(long, env = "JIAOZI_FX_FRESH_SECS", value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub fx_fresh_secs: u32,

    /// How far such a rate may move at once, in hundredths of a percent, before a second source or an operator must confirm
    /// it.
    #[arg(
        long,
        env = "JIAOZI_FX_BAND_BPS",
        value_name = "BPS",
        default_value_t = 200
    )]
    pub fx_band_bps: u32,
}

impl Default for ExchangeArgs {
    fn default() -> Self {
        Self {
            fx_pivot: Currency::EUR,
            fx_spread_bps: 50,
            fx_lock_secs: 60,
            fx_fresh_secs: 60,
            fx_band_bps: 200,
        }
    }
}

fn parse_pivot(code: &str) -> Result<Currency, String> {
    Currency::iso(code).map_err(|error| error.to_string())
}

impl Config {
    /// A test-mode gateway in a directory, on a free port of this machine.
    pub fn in_directory(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            database: Database::from(data),
            listen: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0),
            public_url: None,
            mode: Mode::Test,
            master_key_file: data.join(MASTER_KEY_FILE),
            allow_private_webhooks: true,
            trusted_proxies: Vec::new(),
            requests_per_s: None,
            risk: RiskMode::Watch,
            risk_fallback: Fallback::Allow,
            unconfirmed_max: UNCONFIRMED_MAX_DEFAULT,
            risk_policy: fraud::Policies::default(),
            risk_rates: Vec::new(),
            exchange: ExchangeArgs::default(),
        }
    }

    /// The address to print and to put into codes, once it is known where the gateway listens.
    pub fn public_url_at(&self, listening: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.clone(),
            None => format!("http://{}", reachable(listening)),
        }
    }
}

/// "Every address" is not an address to go to; this machine's own is.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listening.port())
}

/// Where everything is, for commands that only look at it.
#[derive(Clone, Debug, ClapArgs)]
pub struct DataArgs {
    /// The directory of the master key and, without --database, of the journal and the views; made on the first start.
    #[arg(long, env = "JIAOZI_DATA", value_name = "DIR", default_value = DATA_DEFAULT)]
    pub data: PathBuf,

    /// A PostgreSQL database for the journal, the views and the deliveries, as in `postgres://user:password@host/name`.
    /// Better set by the environment, as a command line is for everyone to read. [default: files in the data directory]
    #[arg(
        long,
        env = "JIAOZI_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database: Option<Database>,
}

impl DataArgs {
    /// The database that was named, or the files in the data directory.
    pub fn database(&self) -> Database {
        let files = || Database::from(self.data.as_path());
        self.database.clone().unwrap_or_else(files)
    }
}

/// Every setting of `gateway serve`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    pub data: DataArgs,

    /// The address and port to listen on; port 0 picks a free one.
    #[arg(long, env = "JIAOZI_LISTEN", value_name = "ADDR", default_value_t = LISTEN_DEFAULT)]
    pub listen: SocketAddr,

    /// The address payers and shops reach this gateway by, as in `https://pay.example.com`; it is printed into codes.
    /// Made from the listening address when not set.
    #[arg(long, env = "JIAOZI_PUBLIC_URL", value_name = "URL", value_parser = parse_public_url)]
    pub public_url: Option<String>,

    /// `test` is play money with simulated customers; `live` is real money.
    #[arg(long, env = "JIAOZI_MODE", value_enum, default_value = "test")]
    pub mode: Mode,

    /// The file of the key under which secrets are encrypted; made on the first start. [default: DIR/master.key]
    #[arg(long, env = "JIAOZI_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,

    /// Whether webhooks may go to loopback, private and link-local addresses. [default: yes in test mode, no in live
    /// mode]
    #[arg(
        long,
        env = "JIAOZI_ALLOW_PRIVATE_WEBHOOKS",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub allow_private_webhooks: Option<bool>,

    /// The addresses or networks of proxies in front of the gateway, separated by commas. What they say in X-Forwarded-For
    /// is believed: keys that may be used only from some networks are held to it. Without any, a caller is whoever opened
    /// the connection.
    #[arg(
        long = "trusted-proxy",
        env = "JIAOZI_TRUSTED_PROXIES",
        value_name = "NETWORK",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<Network>,

    /// How many requests a second a key may send that has no limit of its own; a second's worth may come at once. [default:
    /// no limit]
    #[arg(long, env = "JIAOZI_REQUESTS_PER_S", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub requests_per_s: Option<u32>,

    /// Whether a high score stops a payment (`act`) or is only noted (`watch`). Rules that analysts publish count either
    /// way. [default: watch in test mode, act in live mode]
    #[arg(long, env = "JIAOZI_RISK", value_enum)]
    pub risk: Option<RiskMode>,

    /// What becomes of a payment that cannot be scored within 20 ms. [default: allow in test mode, challenge in live mode]
    #[arg(long, env = "JIAOZI_RISK_FALLBACK", value_enum)]
    pub risk_fallback: Option<Fallback>,

    /// Up to so many yuan, or what counts for as much, a scanned payment code is charged without asking its payer; above
    /// it the payer confirms.
    #[arg(long, env = "JIAOZI_UNCONFIRMED_MAX", value_name = "YUAN", default_value_t = UNCONFIRMED_MAX_DEFAULT)]
    pub unconfirmed_max: u64,

    /// A file that says from which scores on a payer is asked, a payment held or denied, and what each costs, for all
    /// or for some kinds of attempt, as in `{"others": {"review_ppm": 300000}, "transfer": {"costs": {"review": 900}}}`;
    /// what it does not name stays as it is. It is read at the start.
    #[arg(long, env = "JIAOZI_RISK_POLICY", value_name = "FILE", value_parser = parse_risk_policy)]
    pub risk_policy: Option<fraud::Policies>,

    /// What a unit of a currency or asset counts for in yuan when risk is weighed, as in `POINTS=0.01`; several are
    /// separated by commas. The common currencies have a rate of their own; any other counts unit for unit.
    #[arg(
        long = "risk-rate",
        env = "JIAOZI_RISK_RATES",
        value_name = "CODE=YUAN",
        value_delimiter = ','
    )]
    pub risk_rates: Vec<RiskRate>,

    #[command(flatten)]
    pub exchange: ExchangeArgs,

    #[command(flatten)]
    pub log: LogArgs,
}

/// What is logged, and how it looks. The log goes to standard error.
#[derive(Clone, Debug, ClapArgs)]
pub struct LogArgs {
    /// What to log: a level (`error`, `warn`, `info`, `debug`, `trace`) or a list such as `info,sqlx=warn`.
    #[arg(
        long,
        env = "JIAOZI_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    pub log: String,

    /// How the log's lines look.
    #[arg(long, env = "JIAOZI_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

impl From<&Args> for Config {
    fn from(args: &Args) -> Self {
        let data = args.data.data.clone();
        Self {
            database: args.data.database(),
            listen: args.listen,
            public_url: args.public_url.clone(),
            mode: args.mode,
            master_key_file: args
                .master_key_file
                .clone()
                .unwrap_or_else(|| data.join(MASTER_KEY_FILE)),
            allow_private_webhooks: args
                .allow_private_webhooks
                .unwrap_or(args.mode == Mode::Test),
            trusted_proxies: args.trusted_proxies.clone(),
            requests_per_s: args.requests_per_s,
            risk: args.risk.unwrap_or(match args.mode {
                Mode::Test => RiskMode::Watch,
                Mode::Live => RiskMode::Act,
            }),
            risk_fallback: args.risk_fallback.unwrap_or(match args.mode {
                Mode::Test => Fallback::Allow,
                Mode::Live => Fallback::Challenge,
            }),
            risk_policy: args.risk_policy.unwrap_or_default(),
            risk_rates: args.risk_rates.clone(),
            exchange: args.exchange,
            unconfirmed_max: args.unconfirmed_max,
            data,
        }
    }
}

fn parse_risk_policy(path: &str) -> Result<fraud::Policies, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    fraud::Policies::from_json(&text).map_err(|error| error.to_string())
}

fn parse_public_url(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text)
        .map_err(|error| format!("{error}; write it as in https://pay.example.com"))?;
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !web || url.query().is_some() || url.fragment().is_some() {
        return Err("write it as in https://pay.example.com, without a query".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn config(flags: &[&str]) -> Config {
        let line = [&["gateway"], flags].concat();
        Config::from(&Line::parse_from(line).args)
    }

    #[test]
    fn a_first_run_needs_no_setting() {
        let config = config(&[]);
        assert_eq!(config.data, Path::new(DATA_DEFAULT));
        assert_eq!(config.listen, LISTEN_DEFAULT);
        assert_eq!(config.mode, Mode::Test);
        assert_eq!(
            config.master_key_file,
            Path::new(DATA_DEFAULT).join(MASTER_KEY_FILE)
        );
        assert!(config.allow_private_webhooks);
    }

    #[test]
    fn live_mode_keeps_webhooks_out_of_private_networks_unless_told() {
        assert!(!config(&["--mode", "live"]).allow_private_webhooks);
        let told = config(&["--mode", "live", "--allow-private-webhooks"]);
        assert!(told.allow_private_webhooks);
        assert!(!config(&["--allow-private-webhooks", "false"]).allow_private_webhooks);
    }

    #[test]
    fn a_score_stops_payments_where_money_is_real_unless_told() {
        let (test, live) = (config(&[]), config(&["--mode", "live"]));
        let set = |config: &Config| (config.risk, config.risk_fallback);
        assert_eq!(set(&test), (RiskMode::Watch, Fallback::Allow));
        assert_eq!(set(&live), (RiskMode::Act, Fallback::Challenge));
        let told = config(&["--risk", "act", "--risk-fallback", "deny"]);
        assert_eq!(set(&told), (RiskMode::Act, Fallback::Deny));
    }

    #[test]
    fn a_rate_of_risk_is_a_code_and_what_a_unit_is_worth() {
        let rate = |code: &str, millionths| RiskRate {
            code: code.to_owned(),
            millionths,
        };
        let told = config(&["--risk-rate", "POINTS=0.01,USD=7.2"]);
        assert_eq!(
            told.risk_rates,
            [rate("POINTS", 10_000), rate("USD", 7_200_000)]
        );
        for text in [
            "",
            "POINTS",
            "=1",
            "POINTS=",
            "POINTS=-1",
            "POINTS=0",
            "POINTS=1e99",
            "A=0.0000001",
        ] {
            assert!(text.parse::<RiskRate>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_public_url_is_what_was_said_or_where_it_listens() {
        let said = config(&["--public-url", "https://pay.example.com/"]);
        let anywhere = SocketAddr::from(([0, 0, 0, 0], 9000));
        assert_eq!(said.public_url_at(anywhere), "https://pay.example.com");
        assert_eq!(config(&[]).public_url_at(anywhere), "http://127.0.0.1:9000");
    }

    #[test]
    fn a_public_url_is_a_web_address_without_a_query() {
        for text in [
            "",
            "pay.example.com",
            "ftp://pay.example.com",
            "https://a.example?b",
        ] {
            assert!(parse_public_url(text).is_err(), "{text}");
        }
    }
}
