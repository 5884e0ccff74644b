//! A table of orders that changes by chance, for the examples that make lakes of it.

use std::error::Error;

use item::change::{Actor, Change, Operation, StreamArn, StreamView};
use item::{Item, Number, Value};
use lake::{ChangeFile, ChangeFiles, DEFAULT_COLUMN_LIMIT, Registry};

/// The table's name.
pub(crate) const TABLE: &str = "orders";
/// Its stream's label.
pub(crate) const LABEL: &str = "2026-11-01T00:00:00.000";
/// When it was created: 2026-11-01T00:00:00Z, in milliseconds since 1970.
pub(crate) const CREATED_MS: i64 = 1_793_491_200_000;

const STATUS: [&str; 5] = ["NEW", "PAID", "SHIPPED", "DELIVERED", "RETURNED"];
const WORDS: [&str; 12] = [
    "amber", "basket", "cobalt", "delta", "ember", "falcon", "garnet", "harbor", "indigo",
    "juniper", "kettle", "lantern",
];

/// The table: how often each order was changed, and what its files' columns are called.
pub(crate) struct Orders {
    pub(crate) versions: Vec<u64>,
    /// The columns that the files have.
    pub(crate) registry: Registry,
    arn: StreamArn<'static>,
    sequence: u128,
    random: u64,
}

impl Orders {
    /// So many orders, none of which was changed.
    pub(crate) fn new(count: usize) -> Result<Self, Box<dyn Error>> {
        let arn = format!("arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}/stream/{LABEL}");
        Ok(Self {
            versions: vec![0; count],
            registry: Registry::new(),
            arn: StreamArn::parse(arn).map_err(|reason| reason.to_string())?,
            sequence: 100_000_000_000_000_000_000_000_000,
            random: 7,
        })
    }

    /// Changes orders by chance from a time on, a second apart, and gives the file of each day.
    pub(crate) fn change(
        &mut self,
        from_ms: i64,
        count: usize,
    ) -> Result<Vec<ChangeFile>, Box<dyn Error>> {
        let mut files = ChangeFiles::new();
        let orders = self.versions.len() as u64;
        for second in 0..i64::try_from(count)? {
            let order = usize::try_from(self.random() % orders)?;
            let old = self.item(order);
            self.versions[order] += 1;
            self.sequence += 7;
            let sequence = self.sequence.to_string();
            files.push(&Change {
                event_id: format!("{:032x}", self.sequence).into(),
                op: Operation::Modify,
                at_ms: from_ms + second * 1000,
                sequence: &sequence,
                keys: key(order),
                new: Some(self.item(order)),
                old: Some(old),
                by: Actor::User,
                view: StreamView::NewAndOldImages,
                stream_arn: self.arn.clone(),
            })?;
        }
        self.registry.assign(&files.unnamed(&self.registry), DEFAULT_COLUMN_LIMIT);
        Ok(files.finish(&self.registry)?)
    }

    /// An order as its version is.
    pub(crate) fn item(&self, order: usize) -> Item<'static> {
        let version = self.versions[order];
        let mut seed = (order as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ version;
        let mut next = |below: u64| {
            seed = stirred(seed);
            seed % below
        };
        let words = (0..24).map(|_| WORDS[at(next(12))]).collect::<Vec<_>>().join(" ");
        let total = format!("{}.{:02}", next(10_000), next(100));
        let mut attributes = vec![
            ("id".into(), Value::S(id(order).into())),
            ("status".into(), Value::S(STATUS[at(version % 5)].into())),
            ("total".into(), number(&total)),
            ("version".into(), number(&version.to_string())),
            ("customer".into(), Value::S(format!("customer-{}", next(500)).into())),
            ("note".into(), Value::S(words.into())),
            ("paid".into(), Value::Bool(!version.is_multiple_of(5))),
        ];
        // A column that comes later.
        if version > 3 {
            attributes.push(("coupon".into(), Value::S(format!("SAVE{}", next(50)).into())));
        }
        Item::from_distinct(attributes)
    }

    fn random(&mut self) -> u64 {
        self.random = stirred(self.random);
        self.random
    }
}

fn id(order: usize) -> String {
    format!("order-{order:07}")
}

pub(crate) fn key(order: usize) -> Item<'static> {
    Item::from_distinct(vec![("id".into(), Value::S(id(order).into()))])
}

fn number(text: &str) -> Value<'static> {
    Value::N(Number::parse(text).map_or_else(|_| Number::from(0), Number::into_owned))
}

fn at(place: u64) -> usize {
    usize::try_from(place).unwrap_or_default()
}

/// The next of a row of numbers that look like chance (splitmix64).
fn stirred(seed: u64) -> u64 {
    let mut stirred = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    stirred = (stirred ^ (stirred >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    stirred ^ (stirred >> 31)
}
