//! Holds a JSON tree against the JSON Schema of manifests.
//!
//! Read is the part of [JSON Schema](https://json-schema.org/draft/2020-12/schema) that the
//! manifest's types need; a test fails when they come to need more:
//!
//! | keyword | what a fault says |
//! |---|---|
//! | `type`, `format` of integers | what was expected and found |
//! | `properties`, `additionalProperties` | unknown fields and the nearest known one, fields given twice |
//! | `required` | fields that are missing |
//! | `oneOf` of `const` | all that is allowed, and the nearest |
//! | `minimum`, `maximum` | the limits and the number |
//! | `minLength`, `maxLength`, `minItems`, `maxItems` | the limits and the length |
//! | `items`, `$ref` to `$defs` | |

use std::collections::{BTreeMap, HashSet};

use item::Excerpt;
use serde::Deserialize;

use super::ManifestError;
use super::document::Node;
use super::error::Faults;
use super::nearest::nearest;

/// The schema that is made of the types of [`super`], and in the repository for editors.
pub(super) const TEXT: &str = include_str!("../../../../docs/import-manifest.schema.json");

/// How deep fields are looked for, should a type ever hold itself.
const MAX_DEPTH: usize = 8;

/// One schema, as far as it is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Schema {
    #[serde(rename = "$defs")]
    definitions: BTreeMap<String, Schema>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "type")]
    kind: Option<Kind>,
    format: Option<String>,
    properties: BTreeMap<String, Schema>,
    additional_properties: Option<Additional>,
    required: Vec<String>,
    items: Option<Box<Schema>>,
    #[serde(rename = "const")]
    value: Option<String>,
    one_of: Vec<Schema>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    min_items: Option<usize>,
    max_items: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Object,
    Array,
    String,
    Integer,
    Boolean,
}

/// What `additionalProperties` says.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Additional {
    Allowed(bool),
    Each(Box<Schema>),
}

impl Schema {
    /// The schema of manifests.
    pub(super) fn load() -> Result<Self, ManifestError> {
        serde_json::from_str(TEXT).map_err(|error| ManifestError::Schema(error.to_string()))
    }

    /// All that speaks against a document.
    pub(super) fn faults(&self, document: &Node) -> Faults {
        let mut check = Check { root: self, places: self.places(), faults: Faults::default() };
        check.value("", self, document);
        check.faults
    }

    /// The texts that are allowed, if these can be counted.
    fn allowed(&self) -> Vec<&str> {
        let choices = self.one_of.iter().chain(std::iter::once(self));
        choices.filter_map(|choice| choice.value.as_deref()).collect()
    }

    /// The paths of all fields, those nearest to the root first.
    fn places(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut objects = vec![(String::new(), self)];
        for _ in 0..MAX_DEPTH {
            let mut next = Vec::new();
            for (path, schema) in objects {
                for (name, field) in &schema.properties {
                    let path = within(&path, name);
                    let field = self.resolved(field);
                    found.push(path.clone());
                    match &field.items {
                        Some(items) => next.push((format!("{path}[]"), self.resolved(items))),
                        None => next.push((path, field)),
                    }
                }
            }
            objects = next;
        }
        found
    }

    /// The schema that a reference names; one that names none says nothing. Called on the root.
    fn resolved<'s>(&'s self, schema: &'s Self) -> &'s Self {
        let name = schema.reference.as_deref().and_then(|it| it.strip_prefix("#/$defs/"));
        name.and_then(|name| self.definitions.get(name)).unwrap_or(schema)
    }

    /// What a value of this schema is called.
    fn expected(&self) -> &'static str {
        match self.kind {
            Some(Kind::Object) => "an object",
            Some(Kind::Array) => "a list",
            Some(Kind::Integer) => "a whole number",
            Some(Kind::Boolean) => "true or false",
            Some(Kind::String) | None => "a text",
        }
    }
}

/// A check on its way through a document.
struct Check<'s> {
    root: &'s Schema,
    /// See [`Schema::places`].
    places: Vec<String>,
    faults: Faults,
}

impl<'s> Check<'s> {
    fn value(&mut self, path: &str, schema: &'s Schema, found: &Node) {
        let schema = self.root.resolved(schema);
        let allowed = schema.allowed();
        match (schema.kind, found) {
            (Some(Kind::Object), Node::Object(members)) => self.object(path, schema, members),
            (Some(Kind::Array), Node::List(elements)) => self.list(path, schema, elements),
            (Some(Kind::Integer), Node::Integer(number)) => self.integer(path, schema, *number),
            (Some(Kind::Boolean), Node::Boolean(_)) => {}
            (_, found) if !allowed.is_empty() => self.choice(path, &allowed, found),
            (Some(Kind::String), Node::Text(text)) => self.text(path, schema, text),
            (_, Node::Null) => self.faults.add(
                path,
                format!("{} was expected, found null; leave the field out", schema.expected()),
            ),
            (_, found) => {
                self.faults.add(path, format!("{} was expected, found {found}", schema.expected()));
            }
        }
    }

    fn object(&mut self, path: &str, schema: &'s Schema, members: &[(String, Node)]) {
        let mut given = HashSet::new();
        for (name, value) in members {
            let path = within(path, name);
            if !given.insert(name.as_str()) {
                self.faults.add(path, "given twice; keep one");
                continue;
            }
            match (schema.properties.get(name), &schema.additional_properties) {
                (Some(field), _) => self.value(&path, field, value),
                (None, Some(Additional::Each(each))) => self.value(&path, each, value),
                (None, Some(Additional::Allowed(true)) | None) => {}
                (None, Some(Additional::Allowed(false))) => {
                    let similar = nearest(name, schema.properties.keys().map(String::as_str));
                    self.faults.add(path, self.unknown(schema, name, similar));
                    // It is misspelt, and not missing too.
                    given.extend(similar);
                }
            }
        }
        for name in schema.required.iter().filter(|name| !given.contains(name.as_str())) {
            self.faults.add(path, format!("{name} is missing; give it"));
        }
    }

    /// Why a field is not taken, and which may have been meant: the same name in other letters, the
    /// same name elsewhere, or the one that is similar.
    fn unknown(&self, schema: &Schema, name: &str, similar: Option<&str>) -> String {
        let same = |other: &str| other.eq_ignore_ascii_case(name);
        let elsewhere = self.places.iter().find(|place| place.rsplit('.').next().is_some_and(same));
        match (similar, elsewhere) {
            (Some(similar), None) => format!("no such field; did you mean {similar}?"),
            (Some(similar), _) if same(similar) => {
                format!("no such field; did you mean {similar}?")
            }
            (_, Some(place)) => format!("no such field here; did you mean {place}?"),
            (None, None) => {
                let known: Vec<&str> = schema.properties.keys().map(String::as_str).collect();
                format!("no such field; there are {}", known.join(", "))
            }
        }
    }

    fn list(&mut self, path: &str, schema: &'s Schema, elements: &[Node]) {
        let limits = (schema.min_items, schema.max_items);
        self.length(path, limits, elements.len(), "entries");
        if let Some(items) = &schema.items {
            for (index, element) in elements.iter().enumerate() {
                self.value(&format!("{path}[{index}]"), items, element);
            }
        }
    }

    fn choice(&mut self, path: &str, allowed: &[&str], found: &Node) {
        let Node::Text(text) = found else {
            let allowed = listed(allowed);
            return self.faults.add(path, format!("{allowed} was expected, found {found}"));
        };
        if allowed.contains(&text.as_str()) {
            return;
        }
        let meant = nearest(text, allowed.iter().copied());
        let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
        self.faults.add(path, format!("{} was expected, found {found}{meant}", listed(allowed)));
    }

    fn integer(&mut self, path: &str, schema: &Schema, number: i128) {
        let (least, most) = match schema.format.as_deref() {
            Some("uint64") => (0, u64::MAX.into()),
            _ => (i64::MIN.into(), i64::MAX.into()),
        };
        let least: i128 = schema.minimum.map_or(least, Into::into);
        let most: i128 = schema.maximum.map_or(most, Into::into);
        if number < least {
            self.faults.add(path, format!("{least} or more was expected, found {number}"));
        } else if number > most {
            self.faults.add(path, format!("{most} or less was expected, found {number}"));
        }
    }

    fn text(&mut self, path: &str, schema: &Schema, text: &str) {
        let limits = (schema.min_length, schema.max_length);
        self.length(path, limits, text.chars().count(), "characters");
    }

    fn length(
        &mut self,
        path: &str,
        limits: (Option<usize>, Option<usize>),
        length: usize,
        of: &str,
    ) {
        let (least, most) = (limits.0.unwrap_or(0), limits.1.unwrap_or(usize::MAX));
        if (least..=most).contains(&length) {
            return;
        }
        let expected = match limits {
            (Some(least), Some(most)) if least == most => format!("{least} {of} were expected"),
            (Some(least), Some(most)) => format!("{least} to {most} {of} were expected"),
            (Some(least), None) => format!("{least} {of} at least were expected"),
            (None, most) => format!("{} {of} at most were expected", most.unwrap_or(usize::MAX)),
        };
        self.faults.add(path, format!("{expected}, found {length}"));
    }
}

/// Texts that are allowed, as a message has them: those that could be overlooked in quotes.
fn listed(allowed: &[&str]) -> String {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let shown: Vec<String> = allowed
        .iter()
        .map(|text| if plain(text) { (*text).to_owned() } else { format!("{text:?}") })
        .collect();
    match shown.as_slice() {
        [only] => only.clone(),
        _ => format!("one of {}", shown.join(", ")),
    }
}

/// The path of a member: `Headwater.ColumnTypes["a b"]`.
pub(super) fn within(path: &str, name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    let simple = (1..=64).contains(&name.len()) && name.bytes().all(plain);
    match (path.is_empty(), simple) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{path}.{name}"),
        (_, false) => format!("{path}[{}]", Excerpt::of(name)),
    }
}

#[cfg(test)]
mod tests;
