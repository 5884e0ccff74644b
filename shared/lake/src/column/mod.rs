//! One column's values: gathered densely, laid out as an array, and read back.
//!
//! A row gives a value to few of all columns, so a column keeps its values without gaps, next to the
//! numbers of the rows that have them. Rows without the attribute cost nothing until
//! [`Column::array`] spreads the values over all rows, and even a batch in which every row brings
//! attributes of its own stays as small as its values.
//!
//! [`Cell::of`] decides a value's kind; [`Column`] and [`read::Reader`] are the only other places
//! that tell kinds apart. What one kind needs stands in its file.

mod binary;
mod boolean;
mod number;
mod placement;
mod set;
mod text;

pub(crate) mod read;
pub(crate) mod user;

use std::borrow::Cow;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use item::{Number, Value};

use crate::json;
use crate::kind::{Kind, all_bigint};
use binary::Bytes;
use set::Sets;

use placement::Ends;
pub(crate) use placement::{Overflow, Placement, RowNumbers};
pub(crate) use text::Texts;

/// A value as its column takes it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'v> {
    String(&'v str),
    Bigint(i64),
    Double(Double),
    Boolean(bool),
    Binary(&'v [u8]),
    StringSet(&'v [Cow<'v, str>]),
    BigintSet(&'v [Number<'v>]),
    DoubleSet(&'v [Number<'v>]),
    BinarySet(&'v [Cow<'v, [u8]>]),
    Json(&'v Value<'v>),
}

/// The double nearest to a number, and whether it gives the number back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Double {
    nearest: f64,
    exact: bool,
}

impl Double {
    pub(crate) fn of(number: &Number<'_>) -> Self {
        match number.to_f64() {
            Some(nearest) => Self { nearest, exact: true },
            // Decimal text always parses; the fallback could only blank an approximation.
            None => Self { nearest: number.as_str().parse().unwrap_or(f64::NAN), exact: false },
        }
    }
}

impl<'v> Cell<'v> {
    /// The cell of a value; none for NULL.
    pub(crate) fn of(value: &'v Value<'v>) -> Option<Self> {
        Some(match value {
            Value::S(text) => Self::String(text),
            Value::N(number) => match number.to_i64() {
                Some(integer) => Self::Bigint(integer),
                None => Self::Double(Double::of(number)),
            },
            Value::Bool(truth) => Self::Boolean(*truth),
            Value::B(bytes) => Self::Binary(bytes),
            Value::Ss(set) => Self::StringSet(set),
            Value::Ns(set) if all_bigint(set) => Self::BigintSet(set),
            Value::Ns(set) => Self::DoubleSet(set),
            Value::Bs(set) => Self::BinarySet(set),
            Value::M(_) | Value::L(_) => Self::Json(value),
            Value::Null => return None,
        })
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::String(_) => Kind::String,
            Self::Bigint(_) => Kind::Bigint,
            Self::Double(_) => Kind::Double,
            Self::Boolean(_) => Kind::Boolean,
            Self::Binary(_) => Kind::Binary,
            Self::StringSet(_) => Kind::StringSet,
            Self::BigintSet(_) => Kind::BigintSet,
            Self::DoubleSet(_) => Kind::DoubleSet,
            Self::BinarySet(_) => Kind::BinarySet,
            Self::Json(_) => Kind::Json,
        }
    }
}

/// Values of one Rust type that become an array.
pub(crate) trait Values {
    const TYPE: DataType;

    /// Lays the values out over all rows of the batch.
    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow>;

    /// No values, in the memory of an array that such values became, unless something else holds it.
    fn in_memory_of(array: ArrayRef) -> Self;
}

/// The values of one column, and the rows that have them, ascending.
#[derive(Debug)]
pub(crate) struct Column {
    rows: RowNumbers,
    gathered: Gathered,
}

#[derive(Debug)]
enum Gathered {
    String(Texts),
    Bigint(Vec<i64>),
    Double(Vec<f64>),
    Boolean(Vec<bool>),
    Binary(Bytes),
    StringSet(Sets<Texts>),
    BigintSet(Sets<Vec<i64>>),
    DoubleSet(Sets<Vec<f64>>),
    BinarySet(Sets<Bytes>),
    Json(Texts),
}

impl Column {
    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A column without values, in the memory of an array that another of the kind became, if there is one.
    pub(crate) fn new(kind: Kind, memory: Option<ArrayRef>) -> Self {
        fn none<V: Values + Default>(memory: Option<ArrayRef>) -> V {
            memory.map(V::in_memory_of).unwrap_or_default()
        }
        let gathered = match kind {
            Kind::String => Gathered::String(none(memory)),
            Kind::Bigint => Gathered::Bigint(none(memory)),
            Kind::Double => Gathered::Double(none(memory)),
            Kind::Boolean => Gathered::Boolean(none(memory)),
            Kind::Binary => Gathered::Binary(none(memory)),
            Kind::StringSet => Gathered::StringSet(none(memory)),
            Kind::BigintSet => Gathered::BigintSet(none(memory)),
            Kind::DoubleSet => Gathered::DoubleSet(none(memory)),
            Kind::BinarySet => Gathered::BinarySet(none(memory)),
            Kind::Json => Gathered::Json(none(memory)),
        };
        Self { rows: RowNumbers::default(), gathered }
    }

    /// Gives row `row`, later than all before, the value `cell`.
    ///
    /// The caller has found the column by the cell's kind. Returns whether the column alone gives the value back.
    pub(crate) fn push(&mut self, row: u32, cell: Cell<'_>) -> bool {
        self.rows.push(row);
        match (&mut self.gathered, cell) {
            (Gathered::String(texts), Cell::String(text)) => texts.push(text),
            (Gathered::Bigint(integers), Cell::Bigint(integer)) => integers.push(integer),
            (Gathered::Double(doubles), Cell::Double(double)) => {
                doubles.push(double.nearest);
                return double.exact;
            }
            (Gathered::Boolean(truths), Cell::Boolean(truth)) => truths.push(truth),
            (Gathered::Binary(all), Cell::Binary(bytes)) => all.push(bytes),
            (Gathered::StringSet(sets), Cell::StringSet(set)) => sets.push_texts(set),
            (Gathered::BigintSet(sets), Cell::BigintSet(set)) => sets.push_integers(set),
            (Gathered::DoubleSet(sets), Cell::DoubleSet(set)) => return sets.push_doubles(set),
            (Gathered::BinarySet(sets), Cell::BinarySet(set)) => sets.push_bytes(set),
            (Gathered::Json(texts), Cell::Json(value)) => {
                return texts.push_with(|text| json::write(value, text));
            }
            (_, cell) => unreachable!("a {} in a column of another kind", cell.kind()),
        }
        true
    }

    /// The column over a batch of `len` rows, null where a row has no value.
    pub(crate) fn array(self, len: usize) -> Result<ArrayRef, Overflow> {
        self.gathered.array(&Placement::new(&self.rows, len))
    }

    /// The values alone, without gaps: one for each of [`Column::rows`].
    pub(crate) fn dense_array(self) -> Result<(RowNumbers, ArrayRef), Overflow> {
        let array = self.gathered.array(&Placement::dense(self.rows.len()))?;
        Ok((self.rows, array))
    }
}

impl Gathered {
    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        match self {
            Self::String(texts) | Self::Json(texts) => texts.array(placement),
            Self::Bigint(integers) => integers.array(placement),
            Self::Double(doubles) => doubles.array(placement),
            Self::Boolean(truths) => truths.array(placement),
            Self::Binary(bytes) => bytes.array(placement),
            Self::StringSet(sets) => sets.array(placement),
            Self::BigintSet(sets) => sets.array(placement),
            Self::DoubleSet(sets) => sets.array(placement),
            Self::BinarySet(sets) => sets.array(placement),
        }
    }
}
