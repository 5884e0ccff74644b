//! The columns a warm function knows, so that the catalog is asked only about new ones.
//!
//! | what is known | the catalog is asked |
//! |---|---|
//! | every attribute of the batch, learnt less than five minutes ago | no |
//! | the same, longer ago | yes: a person may have added a column |
//! | not every attribute | yes, and given the new ones, as far as the column limit goes |
//! | that it did not answer, has no table, or refused to name this one's attributes, less than a minute ago | no |
//!
//! Columns are only ever added and never change their type, so an old registry is a valid one. But that
//! of a catalog table that is gone is forgotten: the table is made anew from the names in the files,
//! and no file may bring a name after they were read.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aws::{Class, Failure, catalog, sdk::glue::Client};
use lake::{ChangeFiles, Registry};
use tokio::time::timeout;

/// The longest a batch waits for the catalog: the feed goes on without it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the catalog is left alone after it did not answer, and a table after the catalog had none or refused its names.
const RESPITE: Duration = Duration::from_mins(1);
/// How old a registry may be: a column that a person adds is filled after that.
const FRESH: Duration = Duration::from_mins(5);

/// The registries of the tables this process has seen.
#[derive(Debug)]
pub struct Registries {
    patience: Duration,
    known: Mutex<HashMap<String, Known>>,
    seen: Mutex<HashSet<String>>,
    out_of_reach_since: Mutex<Option<Instant>>,
    /// Tables that the catalog did answer about, and would not name the attributes of: since when.
    refused: Mutex<HashMap<String, Instant>>,
}

/// What is known of one table.
#[derive(Debug, Clone)]
struct Known {
    registry: Registry,
    since: Instant,
    /// Whether the catalog has no table to learn from.
    is_missing: bool,
}

impl Default for Registries {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl Registries {
    /// No registries yet; the catalog is given so long to answer.
    fn with_patience(patience: Duration) -> Self {
        Self {
            patience,
            known: Mutex::default(),
            seen: Mutex::default(),
            out_of_reach_since: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// A registry that names every attribute of the files, as far as the column limit goes; it is
    /// `now`.
    ///
    /// Where it fails, [`of`](Self::of) is what there is.
    pub(crate) async fn naming(
        &self,
        glue: &Client,
        place: &CatalogPlace<'_>,
        files: &ChangeFiles,
        now: Instant,
    ) -> Result<Registry, Failure> {
        let known = lock(&self.known).get(place.table).cloned();
        if let Some(known) = &known
            && known.suffices(files, place.column_limit, now)
        {
            return Ok(known.registry.clone());
        }
        let is_recent = |since: Instant| now.duration_since(since) < RESPITE;
        if known.is_some_and(|known| known.is_missing && is_recent(known.since)) {
            return Err(catalog::missing(place.database, place.table));
        }
        if lock(&self.out_of_reach_since).is_some_and(is_recent) {
            return Err(place.unanswered("it did not answer a moment ago"));
        }
        if lock(&self.refused).get(place.table).copied().is_some_and(is_recent) {
            return Err(place.unanswered("it refused the names of this table a moment ago"));
        }
        self.learn(glue, place, files, now).await
    }

    /// Asks the catalog, and remembers what it said.
    async fn learn(
        &self,
        glue: &Client,
        place: &CatalogPlace<'_>,
        files: &ChangeFiles,
        now: Instant,
    ) -> Result<Registry, Failure> {
        let asked = timeout(self.patience, place.registry(glue, files)).await;
        let is_down = asked.as_ref().map_or(true, |asked| asked.as_ref().is_err_and(is_down));
        let asked = asked.unwrap_or_else(|_| {
            Err(place.unanswered(&format!("no answer within {:?}", self.patience)))
        });
        let is_missing =
            asked.as_ref().is_err_and(|failure| failure.has_code("EntityNotFoundException"));
        // Other tables' values go on to their columns where one table's are refused.
        *lock(&self.out_of_reach_since) = is_down.then_some(now);
        if asked.is_err() && !is_missing && !is_down {
            lock(&self.refused).insert(place.table.to_owned(), now);
        }
        if asked.is_ok() || is_missing {
            let registry = asked.as_ref().cloned().unwrap_or_default();
            let known = Known { registry, since: now, is_missing };
            lock(&self.known).insert(place.table.to_owned(), known);
        }
        asked
    }

    /// Whether this process has had no changes of a table before, whatever the catalog says.
    pub(crate) fn is_first_of(&self, table: &str) -> bool {
        lock(&self.seen).insert(table.to_owned())
    }

    /// What is known of a table without asking.
    pub(crate) fn of(&self, table: &str) -> Registry {
        lock(&self.known).get(table).map(|known| known.registry.clone()).unwrap_or_default()
    }
}

impl Known {
    fn suffices(&self, files: &ChangeFiles, column_limit: usize, now: Instant) -> bool {
        !self.is_missing
            && now.duration_since(self.since) < FRESH
            && (self.registry.is_full(column_limit) || files.unnamed(&self.registry).is_empty())
    }
}

/// Whether whatever is asked fails, and not what was asked about this table: no answer, throttling, an error of the catalog's own.
fn is_down(failure: &Failure) -> bool {
    const OF_A_TABLE: [&str; 3] = [
        "AccessDeniedException",
        "ConcurrentModificationException",
        "ResourceNumberLimitExceededException",
    ];
    let is_of_a_table = OF_A_TABLE.iter().any(|code| failure.has_code(code));
    failure.is_retryable() && failure.source.is_some() && !is_of_a_table
}

/// Nothing panics while it holds one of these, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a table's changes stand in the catalog.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CatalogPlace<'a> {
    /// The Glue database.
    pub(crate) database: &'a str,
    /// The DynamoDB table.
    pub(crate) table: &'a str,
    /// How many columns of ours it gets.
    pub(crate) column_limit: usize,
}

impl CatalogPlace<'_> {
    /// The catalog's registry, which names every attribute of the files then.
    async fn registry(&self, glue: &Client, files: &ChangeFiles) -> Result<Registry, Failure> {
        let every_key = files.unnamed(&Registry::new());
        catalog::extend(glue, self.database, self.table, &every_key, self.column_limit).await
    }

    fn unanswered(&self, message: &str) -> Failure {
        let resource = format!("catalog {} of table {}", self.database, self.table);
        Failure::stated("UpdateTable", resource, message, Class::Retryable)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
        sync::Arc,
    };

    use aws::{Clients, environment::Environment};
    use serde_json::{Value, json};

    use super::*;
    use crate::decode;

    /// What the catalog says to whoever asks.
    #[derive(Debug, Clone)]
    enum Catalog {
        /// Nothing at all.
        Silent,
        /// There is no such table.
        Missing,
        /// Nobody may touch it.
        Forbidden,
        /// The table of changes has these columns.
        Table(Vec<Value>),
    }

    /// A catalog over HTTP, and a client of it.
    struct Stub {
        catalog: Arc<Mutex<Catalog>>,
        glue: Client,
    }

    impl Stub {
        fn saying(catalog: Catalog) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let endpoint = format!("http://{}", listener.local_addr().unwrap());
            let catalog = Arc::new(Mutex::new(catalog));
            let says = Arc::clone(&catalog);
            std::thread::spawn(move || {
                let mut unanswered = Vec::new();
                for connection in listener.incoming() {
                    let connection = connection.unwrap();
                    let catalog = lock(&says).clone();
                    match catalog {
                        Catalog::Silent => unanswered.push(connection),
                        Catalog::Missing | Catalog::Forbidden => answer(&connection, 400, &says),
                        Catalog::Table(_) => answer(&connection, 200, &says),
                    }
                }
            });
            let glue = Clients::from_environment(&Environment::from_variables([
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "key"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ]));
            Self { catalog, glue: glue.unwrap().glue().clone() }
        }

        fn say(&self, catalog: Catalog) {
            *lock(&self.catalog) = catalog;
        }

        /// The columns of the table.
        fn columns(&self) -> Vec<Value> {
            match lock(&self.catalog).clone() {
                Catalog::Table(columns) => columns,
                _ => Vec::new(),
            }
        }

        async fn naming(
            &self,
            registries: &Registries,
            table: &str,
            now: Instant,
        ) -> Result<Registry, Failure> {
            let place = CatalogPlace { database: "headwater", table, column_limit: 500 };
            registries.naming(&self.glue, &place, &files(), now).await
        }
    }

    /// Reads a request and answers it; an update stands in the catalog then.
    fn answer(connection: &TcpStream, status: u16, catalog: &Mutex<Catalog>) {
        let mut reader = BufReader::new(connection);
        let (mut line, mut length, mut is_update) = (String::new(), 0, false);
        while reader.read_line(&mut line).unwrap_or_default() > 2 {
            let lower = line.to_ascii_lowercase();
            is_update |= lower.contains("awsglue.updatetable");
            if let Some(text) = lower.strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut request = vec![0; length];
        reader.read_exact(&mut request).unwrap();
        let Ok(request) = serde_json::from_slice::<Value>(&request) else {
            // A connection that was given up before anything was asked on it.
            return;
        };
        let mut catalog = lock(catalog);
        let body = match &mut *catalog {
            Catalog::Table(columns) if is_update => {
                let updated = &request["TableInput"]["StorageDescriptor"]["Columns"];
                *columns = updated.as_array().unwrap().clone();
                json!({})
            }
            Catalog::Table(columns) => json!({"Table": {
                "Name": request["Name"],
                "StorageDescriptor": {"Columns": columns},
                "Parameters": {"headwater.table": of(&request)},
                "VersionId": "1",
            }}),
            Catalog::Forbidden => json!({"__type": "AccessDeniedException"}),
            Catalog::Silent | Catalog::Missing => json!({"__type": "EntityNotFoundException"}),
        };
        let body = body.to_string();
        let mut writer = connection;
        let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: ");
        write!(writer, "{head}{}\r\n\r\n{body}", body.len()).unwrap();
    }

    /// The table whose changes are asked for.
    fn of(request: &Value) -> &str {
        request["Name"].as_str().and_then(|name| name.strip_suffix("__changes")).unwrap_or_default()
    }

    /// Changes of planes.
    fn files() -> ChangeFiles {
        let event = include_bytes!("../../../events/stream-insert-modify-remove.json");
        decode::decode(event, &item::privacy::Privacy::default()).unwrap().streams.remove(0).files
    }

    #[tokio::test]
    async fn a_catalog_that_does_not_answer_is_left_alone_for_a_minute() {
        let stub = Stub::saying(Catalog::Silent);
        let registries = Registries::with_patience(Duration::ZERO);
        let now = Instant::now();
        let refused =
            async |table: &str| stub.naming(&registries, table, now).await.unwrap_err().message;
        assert_eq!(refused("planes").await, "no answer within 0ns");
        assert_eq!(registries.of("planes"), Registry::new(), "everything travels in _rest");

        // It would answer now, but is not asked, about no table.
        let registries = Registries { patience: PATIENCE, ..registries };
        stub.say(Catalog::Table(Vec::new()));
        for table in ["planes", "other"] {
            let failure = stub.naming(&registries, table, now).await.unwrap_err();
            assert_eq!(failure.message, "it did not answer a moment ago");
        }
        let registry = stub.naming(&registries, "planes", now + RESPITE).await.unwrap();
        assert_eq!(files().unnamed(&registry), []);
        assert_eq!(registries.of("planes"), registry);
        assert_eq!(stub.columns().len(), registry.columns().len());
    }

    #[tokio::test]
    async fn a_missing_table_is_left_alone_for_a_minute_and_no_other_is() {
        let stub = Stub::saying(Catalog::Table(Vec::new()));
        let registries = Registries::default();
        let now = Instant::now();
        stub.naming(&registries, "planes", now).await.unwrap();
        let columns = stub.columns();

        // It is lost: what was known of it is forgotten when it is looked for again.
        stub.say(Catalog::Missing);
        stub.naming(&registries, "planes", now).await.expect("known, and not yet old");
        let now = now + FRESH;
        let missing = stub.naming(&registries, "planes", now).await.unwrap_err();
        assert!(missing.has_code("EntityNotFoundException"), "{missing}");
        assert!(missing.message.contains(r#"{"rebuildCatalog":["planes"]}"#), "{missing}");
        assert_eq!(registries.of("planes"), Registry::new());

        // It is back: looked for after a minute, and that of another table at once.
        stub.say(Catalog::Table(columns.clone()));
        assert!(stub.naming(&registries, "planes", now).await.is_err());
        assert_eq!(registries.of("planes"), Registry::new());
        let registry = stub.naming(&registries, "planes", now + RESPITE).await.unwrap();
        assert_eq!(files().unnamed(&registry), []);
        assert_eq!(stub.columns(), columns, "nothing was named twice");
    }

    #[tokio::test]
    async fn a_table_that_the_catalog_refuses_is_left_alone_for_a_minute_and_no_other_is() {
        let stub = Stub::saying(Catalog::Forbidden);
        let registries = Registries::default();
        let now = Instant::now();
        let refused = stub.naming(&registries, "planes", now).await.unwrap_err();
        assert!(refused.has_code("AccessDeniedException"), "{refused}");

        // It would be let in now. It is not asked about that table, and about another.
        stub.say(Catalog::Table(Vec::new()));
        let refused = stub.naming(&registries, "planes", now).await.unwrap_err();
        assert_eq!(refused.message, "it refused the names of this table a moment ago");
        stub.naming(&registries, "other", now).await.unwrap();
        stub.naming(&registries, "planes", now + RESPITE).await.unwrap();
    }

    #[tokio::test]
    async fn a_column_that_a_person_adds_is_known_after_five_minutes() {
        let stub = Stub::saying(Catalog::Table(Vec::new()));
        let registries = Registries::default();
        let now = Instant::now();
        let ours = stub.naming(&registries, "planes", now).await.unwrap();
        let mut columns = stub.columns();
        columns.push(json!({"Name": "seats_exact", "Type": "decimal(5,1)",
            "Parameters": {"headwater.attribute": "seats"}}));
        stub.say(Catalog::Table(columns));

        assert_eq!(stub.naming(&registries, "planes", now).await.unwrap(), ours, "not asked");
        let now = now + FRESH;
        let registry = stub.naming(&registries, "planes", now).await.unwrap();
        let added: Vec<&str> = registry.columns()[ours.columns().len()..]
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(added, ["seats_exact"]);

        // A catalog that is out of reach then leaves what was known.
        stub.say(Catalog::Silent);
        let registries = Registries { patience: Duration::ZERO, ..registries };
        assert!(stub.naming(&registries, "planes", now + FRESH).await.is_err());
        assert_eq!(registries.of("planes"), registry);
    }
}
