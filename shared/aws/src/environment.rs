//! Configuration from environment variables, parsed once at cold start.
//!
//! Every error names the variable, so that a failed deployment can be mended from its first log
//! line. There are no silent defaults: a default stands in `template.yaml`, where people see it.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use item::privacy::{Privacy, PrivacyError};

/// The variables of a process, or of a test.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// A variable that is missing or does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// The variable is not set, or empty.
    #[error(
        "environment variable {name} is not set; template.yaml sets it for every function that reads it"
    )]
    Missing {
        /// The variable's name.
        name: String,
    },
    /// The variable's text is not of the expected form.
    #[error("environment variable {name} is {got:?}: {problem}")]
    Malformed {
        /// The variable's name.
        name: String,
        /// Its text.
        got: String,
        /// What the parser said.
        problem: String,
    },
    /// Privacy rules that cannot be followed with the key of this variable, whose text is a secret.
    #[error("environment variable {name}: {problem}")]
    PrivacyKey {
        /// The variable's name.
        name: String,
        /// What is wrong with it.
        problem: PrivacyError,
    },
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        Self::from_variables(std::env::vars())
    }

    /// Given variables; a test's way in.
    pub fn from_variables<K, V>(variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let variables = variables.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self { variables }
    }

    /// The text of `name`, or nothing if it is unset or empty.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The text of `name`.
    pub fn required(&self, name: &str) -> Result<&str, EnvironmentError> {
        self.optional(name).ok_or_else(|| EnvironmentError::Missing { name: name.to_owned() })
    }

    /// The value of `name` as a `T`.
    pub fn parsed<T>(&self, name: &str) -> Result<T, EnvironmentError>
    where
        T: FromStr<Err: Display>,
    {
        Self::parse(name, self.required(name)?)
    }

    /// The value of `name` as a `T`, for which no text at all may stand too.
    pub fn parsed_or_empty<T>(&self, name: &str) -> Result<T, EnvironmentError>
    where
        T: FromStr<Err: Display>,
    {
        Self::parse(name, self.optional(name).unwrap_or_default())
    }

    /// The privacy rules of one variable, with the key of another.
    ///
    /// A function without the rules that it should have must not start: what it wrote would stay.
    pub fn privacy(&self, rules: &str, key: &str) -> Result<Privacy, EnvironmentError> {
        let parsed = self.parsed_or_empty(rules)?;
        let failed = |problem| EnvironmentError::PrivacyKey { name: key.to_owned(), problem };
        Privacy::new(parsed, self.optional(key)).map_err(failed)
    }

    fn parse<T>(name: &str, text: &str) -> Result<T, EnvironmentError>
    where
        T: FromStr<Err: Display>,
    {
        text.parse().map_err(|problem: T::Err| EnvironmentError::Malformed {
            name: name.to_owned(),
            got: text.to_owned(),
            problem: problem.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment::from_variables([("DAYS", "35"), ("EMPTY", ""), ("WORD", "soon")])
    }

    #[test]
    fn reads_a_value() {
        assert_eq!(environment().parsed::<u16>("DAYS"), Ok(35));
        assert_eq!(environment().optional("EMPTY"), None);
    }

    #[test]
    fn an_error_names_the_variable() {
        let missing = environment().required("EMPTY").unwrap_err().to_string();
        insta::assert_snapshot!(missing, @"environment variable EMPTY is not set; template.yaml sets it for every function that reads it");
        let malformed = environment().parsed::<u16>("WORD").unwrap_err().to_string();
        insta::assert_snapshot!(malformed, @r#"environment variable WORD is "soon": invalid digit found in string"#);
    }

    #[test]
    fn an_error_of_privacy_tells_no_secret() {
        let refused = |rules: &str, key: &str| {
            let environment = Environment::from_variables([("RULES", rules), ("KEY", key)]);
            environment.privacy("RULES", "KEY").unwrap_err().to_string()
        };
        insta::assert_snapshot!(refused("orders:hash=email", "secret"), @"environment variable KEY: the key to hash by has 6 bytes, expected 32 or more");
        insta::assert_snapshot!(refused("orders:hash=email", ""), @"environment variable KEY: a rule hashes and there is no key to hash by");
        insta::assert_snapshot!(refused("orders=email", "secret"), @r#"environment variable RULES is "orders=email": the rule "orders=email": expected a colon behind the table's name; a rule is orders:drop=ssn,card.number or customers-*:hash=email, with semicolons between rules"#);
        let environment = Environment::from_variables([("RULES", ""), ("KEY", "")]);
        assert!(environment.privacy("RULES", "KEY").unwrap().is_empty());
    }
}
