//! Which tables a run is of: those with the tag `headwater`, and those whose names fit a pattern.
//!
//! ```text
//! tables with the tag ──────────────────────┐
//! all tables ─▶ names that fit a pattern ───┴─▶ begin with TablePrefix ─▶ the run's
//! ```
//!
//! | pattern | fits |
//! |---|---|
//! | `orders` | the table `orders` |
//! | `prod-*` | every table whose name begins with `prod-` |
//! | `shard-??` | `shard-01`, not `shard-1` |
//!
//! Without a pattern, which is how a stack begins, no table is listed and nobody's table gets streams or cost by
//! surprise.

use std::str::FromStr;

use aws::{
    Clients, Failure,
    enrolment::TAG,
    tagged::{self, TaggedTable},
};
use wildmatch::WildMatch;

use crate::Settings;

/// Patterns of tables' names, with commas between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamePatterns(Vec<WildMatch>);

impl NamePatterns {
    /// Whether a name fits one of them.
    pub fn fit(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A pattern that no table's name can fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{pattern:?} fits no table's name; expected patterns such as prod-*,orders with letters, digits, \
     underscores, hyphens and dots, * for any characters and ? for one"
)]
pub struct PatternError {
    pattern: String,
}

impl FromStr for NamePatterns {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let patterns = text.split(',').map(str::trim).filter(|pattern| !pattern.is_empty());
        let parse = |pattern: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || "_-.*?".contains(c);
            if pattern.chars().all(known) {
                Ok(WildMatch::new(pattern))
            } else {
                Err(PatternError { pattern: pattern.to_owned() })
            }
        };
        patterns.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The tables of a run, sorted by name; only some of them, if a list says which.
pub(crate) async fn tables(
    clients: &Clients,
    settings: &Settings,
    only: Option<&[String]>,
) -> Result<Vec<TaggedTable>, Failure> {
    let prefix = &settings.table_prefix;
    let mut tables = tagged::tables(clients.tagging(), TAG, prefix).await?;
    if !settings.name_patterns.is_empty() {
        for name in tagged::names(clients.dynamodb()).await? {
            let is_wanted = name.starts_with(prefix) && settings.name_patterns.fit(&name);
            if is_wanted && tables.iter().all(|table| table.name != name) {
                tables.extend(tagged::named(clients.dynamodb(), &name).await?);
            }
        }
        tables.sort();
    }
    tables.retain(|table| only.is_none_or(|only| only.contains(&table.name)));
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(patterns: &str, names: &[&str]) -> String {
        match patterns.parse::<NamePatterns>() {
            Err(error) => error.to_string(),
            Ok(patterns) => {
                let fit = names.iter().copied().filter(|name| patterns.fit(name));
                fit.collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn patterns_fit_whole_names() {
        let names = ["orders", "orders-eu", "prod-orders", "shard-1", "shard-01", "Orders"];
        insta::assert_snapshot!(fit("orders", &names), @"orders");
        insta::assert_snapshot!(fit("orders*, shard-??", &names), @"orders orders-eu shard-01");
        insta::assert_snapshot!(fit("*orders", &names), @"orders prod-orders");
        insta::assert_snapshot!(fit("*", &names), @"orders orders-eu prod-orders shard-1 shard-01 Orders");
        insta::assert_snapshot!(fit("", &names), @"");
        insta::assert_snapshot!(fit(" , ", &names), @"");
        insta::assert_snapshot!(fit("orders,prod/*", &names), @r#""prod/*" fits no table's name; expected patterns such as prod-*,orders with letters, digits, underscores, hyphens and dots, * for any characters and ? for one"#);
    }
}
