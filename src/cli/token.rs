//! `rollcall token`: make, list and revoke API tokens.

use clap::Subcommand;

use crate::config::Config;
use crate::contact::{Millis, TokenId, time};
use crate::engine::Engine;

use super::failure::Failure;
use super::pick::{self, Pick};
use super::{folder, show};

const DAY: Millis = 24 * 60 * 60 * 1000;

#[derive(Subcommand)]
pub(super) enum Token {
    /// Make a token and print it, this once.
    Create {
        #[command(flatten)]
        pick: Pick,
        /// Whose token it is, by e-mail or id; the owner's where absent. Their role decides what it may do.
        #[arg(long, value_name = "EMAIL|ID")]
        user: Option<String>,
        /// What it is for.
        #[arg(long, default_value = "command line")]
        name: String,
        /// Days until it expires; never where absent.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        expires_in: Option<u32>,
    },
    /// List the tokens of a workspace, without their secrets.
    List {
        #[command(flatten)]
        pick: Pick,
    },
    /// Revoke a token at once.
    Revoke {
        #[command(flatten)]
        pick: Pick,
        /// Its id, as `token list` shows it.
        id: u32,
    },
}

impl Token {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        folder::with_engine(config, |engine| match self {
            Token::Create { pick, user, name, expires_in } => create(engine, &pick, user.as_deref(), &name, expires_in),
            Token::List { pick } => list(engine, &pick),
            Token::Revoke { pick, id } => {
                engine.revoke_token(pick.workspace(engine)?.id, TokenId(id))?;
                show::line(&format!("token {id} is revoked"))
            }
        })
    }
}

fn create(engine: &Engine, pick: &Pick, user: Option<&str>, name: &str, days: Option<u32>) -> Result<(), Failure> {
    let workspace = pick.workspace(engine)?;
    let catalog = engine.catalog(workspace.id)?;
    let user = pick::user(&catalog, user)?;
    let expires_at = days.map(|days| engine.clock().now() + Millis::from(days) * DAY);
    let (record, secret) = engine.create_token(workspace.id, user.id, name, expires_at)?;
    show::remark(&format!(
        "token {} of {} in workspace {}; it is shown this once:",
        record.id, user.email, workspace.name
    ));
    show::line(&secret)
}

fn list(engine: &Engine, pick: &Pick) -> Result<(), Failure> {
    let workspace = pick.workspace(engine)?;
    let catalog = engine.catalog(workspace.id)?;
    let now = engine.clock().now();
    let mut rows = vec![["ID", "USER", "STATE", "CREATED", "EXPIRES", "NAME"].map(str::to_owned).to_vec()];
    for token in engine.tokens(workspace.id)? {
        let user = catalog.users.get(&token.user).map_or_else(|| token.user.to_string(), |user| user.email.clone());
        let state = match (token.revoked_at, token.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(at)) if at <= now => "expired",
            _ => "active",
        };
        let expires = token.expires_at.map_or_else(|| "never".to_owned(), time::rfc3339);
        let id = token.id.to_string();
        rows.push(vec![id, user, state.to_owned(), time::rfc3339(token.created_at), expires, token.name]);
    }
    show::table(&rows)
}
