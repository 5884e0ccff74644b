//! The text of rules: which attributes of which tables, and what becomes of them.
//!
//! ```text
//! orders:drop=ssn,card.number; orders:hash=email; customers-*:hash=email,phones.number
//! └──┬─┘ └─┬┘ └──────┬──────┘
//! tables  action   paths
//! ```
//!
//! | part | what |
//! |---|---|
//! | tables | a name; `*` stands for any characters, `?` for one |
//! | action | `drop` or `hash` |
//! | path | an attribute, or by dots one within maps; a list on the way is gone through |
//! | `\` | takes the character behind it as it is: `a\.b` is one attribute |
//!
//! Blanks around rules and paths are none of theirs.

use std::collections::BTreeMap;
use std::str::{Chars, FromStr};

use wildmatch::WildMatch;

/// Rules in the order they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules(Vec<Rule>);

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    tables: WildMatch,
    action: Action,
    paths: Vec<Vec<String>>,
}

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is left out.
    Drop,
    /// A keyed hash takes its place.
    Hash,
}

/// What is done to the values of a map, by name; names that are not in it stay as they are.
pub(super) type Paths = BTreeMap<String, Fate>;

/// What is done to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is dropped or hashed as a whole.
    Whole(Action),
    /// Something within it is.
    Within(Paths),
}

/// A rule that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rule {rule:?}: expected {expected}; a rule is orders:drop=ssn,card.number or customers-*:hash=email, \
     with semicolons between rules"
)]
pub struct RuleError {
    rule: String,
    expected: &'static str,
}

impl FromStr for Rules {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let rules = split(text, ';').map(str::trim_start).filter(|rule| !rule.trim().is_empty());
        let parse = |rule: &str| {
            let wrong = |expected| RuleError { rule: rule.to_owned(), expected };
            parse(rule).map_err(wrong)
        };
        rules.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

fn parse(rule: &str) -> Result<Rule, &'static str> {
    let (tables, rest) = rule.split_once(':').ok_or("a colon behind the table's name")?;
    let (action, paths) = rest.split_once('=').ok_or("drop= or hash= behind the colon")?;
    let tables = tables.trim();
    let known = |c: char| c.is_ascii_alphanumeric() || "_-.*?".contains(c);
    if tables.is_empty() || !tables.chars().all(known) {
        return Err("a table's name of letters, digits, underscores, hyphens and dots, or * and ?");
    }
    let action = match action.trim() {
        "drop" => Action::Drop,
        "hash" => Action::Hash,
        _ => return Err("drop= or hash= behind the colon"),
    };
    let paths = split(paths, ',').map(|path| split(path, '.').map(name).collect());
    let paths = paths.collect::<Option<Vec<Vec<String>>>>();
    let paths = paths.ok_or("attributes with commas between them, none of them empty")?;
    Ok(Rule { tables: WildMatch::new(tables), action, paths })
}

/// The parts between separators that no backslash stands before, backslashes and all.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_taken = false;
    text.split(move |c| {
        let separates = c == separator && !is_taken;
        is_taken = c == '\\' && !is_taken;
        separates
    })
}

/// A name without its backslashes and the blanks around it; nothing if none is left, or a backslash is the end.
fn name(text: &str) -> Option<String> {
    let mut name = String::new();
    // Where the last character that counts ends: blanks behind it do not, unless a backslash says so.
    let mut end = 0;
    let mut rest: Chars<'_> = text.trim_start().chars();
    while let Some(c) = rest.next() {
        let taken = if c == '\\' { rest.next()? } else { c };
        name.push(taken);
        if c == '\\' || !c.is_whitespace() {
            end = name.len();
        }
    }
    name.truncate(end);
    (!name.is_empty()).then_some(name)
}

impl Rules {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them hashes.
    pub fn hash(&self) -> bool {
        self.0.iter().any(|rule| rule.action == Action::Hash)
    }

    /// What is done to the attributes of a table.
    pub(super) fn of(&self, table: &str) -> Paths {
        let mut paths = Paths::new();
        for Rule { action, paths: of_rule, .. } in
            self.0.iter().filter(|rule| rule.tables.matches(table))
        {
            for path in of_rule {
                add(&mut paths, path, *action);
            }
        }
        paths
    }
}

/// Adds a rule on one value to others: the outermost holds, and of two on the same value that which drops.
fn add(paths: &mut Paths, path: &[String], action: Action) {
    let Some((name, rest)) = path.split_first() else { return };
    let fate = paths.entry(name.clone()).or_insert_with(|| Fate::Within(Paths::new()));
    match fate {
        Fate::Within(within) if !rest.is_empty() => add(within, rest, action),
        Fate::Within(_) => *fate = Fate::Whole(action),
        Fate::Whole(whole) if rest.is_empty() && action == Action::Drop => *whole = action,
        Fate::Whole(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is done to the attributes of a table, a line for each path.
    fn check(rules: &str, table: &str) -> String {
        fn lines(paths: &Paths, before: &str, out: &mut Vec<String>) {
            for (name, fate) in paths {
                match fate {
                    Fate::Whole(action) => out.push(format!("{before}{name:?} {action:?}")),
                    Fate::Within(within) => lines(within, &format!("{before}{name:?} "), out),
                }
            }
        }
        let mut out = Vec::new();
        match rules.parse::<Rules>() {
            Ok(rules) => lines(&rules.of(table), "", &mut out),
            Err(error) => out.push(error.to_string()),
        }
        out.join("\n")
    }

    #[test]
    fn a_rule_is_of_the_tables_that_its_name_fits() {
        let rules = "orders:drop=ssn, card.number ;orders:hash=email;\n customers-*:hash=email; shard-?:drop=x;";
        insta::assert_snapshot!(check(rules, "orders"), @r#"
        "card" "number" Drop
        "email" Hash
        "ssn" Drop
        "#);
        insta::assert_snapshot!(check(rules, "customers-eu"), @r#""email" Hash"#);
        for (table, has) in
            [("shard-1", true), ("shard-12", false), ("Orders", false), ("order", false)]
        {
            assert_eq!(!check(rules, table).is_empty(), has, "{table}");
        }
        assert_eq!(check("", "orders"), "");
    }

    #[test]
    fn the_outermost_rule_holds_and_drop_before_hash() {
        for rules in [
            "t:hash=a; t:drop=a.b; t:drop=c; t:hash=c; t:hash=d.e; t:drop=d.e; t:hash=d.f",
            "t:hash=d.f; t:drop=d.e; t:hash=d.e; *:hash=c; t:drop=c; t:drop=a.b; t:hash=a",
        ] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(check(rules, "t"), @r#"
        "a" Hash
        "c" Drop
        "d" "e" Drop
        "d" "f" Hash
        "#);
            }
        }
    }

    #[test]
    fn a_backslash_takes_a_character_as_it_is() {
        insta::assert_snapshot!(check(r"t:drop=a\.b.c\,d\;e\=f, \ g\  ,h=i:j,\\", "t"), @r#"
        " g " Drop
        "\\" Drop
        "a.b" "c,d;e=f" Drop
        "h=i:j" Drop
        "#);
    }

    #[test]
    fn what_is_no_rule_is_told() {
        insta::assert_snapshot!(check("orders", "t"), @r#"the rule "orders": expected a colon behind the table's name; a rule is orders:drop=ssn,card.number or customers-*:hash=email, with semicolons between rules"#);
        insta::assert_snapshot!(check("orders:ssn", "t"), @r#"the rule "orders:ssn": expected drop= or hash= behind the colon; a rule is orders:drop=ssn,card.number or customers-*:hash=email, with semicolons between rules"#);
        insta::assert_snapshot!(check("orders:mask=ssn", "t"), @r#"the rule "orders:mask=ssn": expected drop= or hash= behind the colon; a rule is orders:drop=ssn,card.number or customers-*:hash=email, with semicolons between rules"#);
        insta::assert_snapshot!(check(":drop=ssn", "t"), @r#"the rule ":drop=ssn": expected a table's name of letters, digits, underscores, hyphens and dots, or * and ?; a rule is orders:drop=ssn,card.number or customers-*:hash=email, with semicolons between rules"#);
        insta::assert_snapshot!(check("a b:drop=ssn", "t"), @r#"the rule "a b:drop=ssn": expected a table's name of letters, digits, underscores, hyphens and dots, or * and ?; a rule is orders:drop=ssn,card.number or customers-*:hash=email, with semicolons between rules"#);
        insta::assert_snapshot!(check("orders:drop=a,,b", "t"), @r#"the rule "orders:drop=a,,b": expected attributes with commas between them, none of them empty; a rule is orders:drop=ssn,card.number or customers-*:hash=email, with semicolons between rules"#);
        insta::assert_snapshot!(check("orders:drop=a..b", "t"), @r#"the rule "orders:drop=a..b": expected attributes with commas between them, none of them empty; a rule is orders:drop=ssn,card.number or customers-*:hash=email, with semicolons between rules"#);
        insta::assert_snapshot!(check(r"orders:drop=a\", "t"), @r#"the rule "orders:drop=a\\": expected attributes with commas between them, none of them empty; a rule is orders:drop=ssn,card.number or customers-*:hash=email, with semicolons between rules"#);
    }
}
