//! The images of typed records to Arrow columns of a schema that was given.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Decimal128Builder, Float64Builder, Int64Builder,
    ListBuilder, NullBufferBuilder, StringBuilder, StructArray,
};
use arrow::compute::kernels::cast_utils::parse_decimal;
use arrow::datatypes::{Decimal128Type, Fields};
use serde_dynamo::{AttributeValue, Item};

use crate::schema::{self, Column, Kind, MONEY_PRECISION, MONEY_SCALE};

/// One image of each record: a column of structs.
pub(crate) struct Images(Structs);

impl Images {
    pub(crate) fn new(schema: &[Column]) -> Self {
        Self(Structs::new(schema))
    }

    /// Takes an image; `lambda_runtime` gives an empty one where a record has none.
    pub(crate) fn push(&mut self, image: &Item) -> Result<()> {
        let attributes = image.inner();
        self.0.push((!attributes.is_empty()).then_some(attributes))
    }

    pub(crate) fn finish(self) -> ArrayRef {
        self.0.finish()
    }
}

struct Structs {
    fields: Fields,
    children: Vec<(String, Builder)>,
    valid: NullBufferBuilder,
}

impl Structs {
    fn new(columns: &[Column]) -> Self {
        let child = |column: &Column| (column.name.clone(), Builder::new(column));
        Self {
            fields: schema::fields(columns),
            children: columns.iter().map(child).collect(),
            valid: NullBufferBuilder::new(1024),
        }
    }

    fn push(&mut self, attributes: Option<&HashMap<String, AttributeValue>>) -> Result<()> {
        self.valid.append(attributes.is_some());
        for (name, child) in &mut self.children {
            let value = attributes.and_then(|attributes| attributes.get(name));
            child.push(value).with_context(|| format!("attribute {name}"))?;
        }
        Ok(())
    }

    fn finish(mut self) -> ArrayRef {
        let children = self.children.into_iter().map(|(_, child)| child.finish()).collect();
        Arc::new(StructArray::new(self.fields, children, self.valid.finish()))
    }
}

enum Builder {
    Text(StringBuilder),
    Bigint(Int64Builder),
    Double(Float64Builder),
    Money(Decimal128Builder),
    Boolean(BooleanBuilder),
    Binary(BinaryBuilder),
    List(ListBuilder<StringBuilder>),
    Struct(Box<Structs>),
}

impl Builder {
    fn new(column: &Column) -> Self {
        match column.kind {
            Kind::String | Kind::StringOrNull | Kind::StringOrNumber => {
                Self::Text(StringBuilder::new())
            }
            Kind::Bigint => Self::Bigint(Int64Builder::new()),
            Kind::Double => Self::Double(Float64Builder::new()),
            Kind::Money => Self::Money(Decimal128Builder::new()),
            Kind::Boolean => Self::Boolean(BooleanBuilder::new()),
            Kind::Binary => Self::Binary(BinaryBuilder::new()),
            Kind::List | Kind::StringSet | Kind::NumberSet => {
                Self::List(ListBuilder::new(StringBuilder::new()))
            }
            Kind::Struct => Self::Struct(Box::new(Structs::new(&column.fields))),
        }
    }

    fn push(&mut self, value: Option<&AttributeValue>) -> Result<()> {
        let value = value.filter(|value| !matches!(value, AttributeValue::Null(_)));
        let Some(value) = value else {
            return self.push_null();
        };
        match (self, value) {
            (Self::Text(texts), AttributeValue::S(text) | AttributeValue::N(text)) => {
                texts.append_value(text);
            }
            (Self::Bigint(numbers), AttributeValue::N(text)) => {
                numbers.append_value(text.parse()?);
            }
            (Self::Double(numbers), AttributeValue::N(text)) => {
                numbers.append_value(text.parse()?);
            }
            (Self::Money(numbers), AttributeValue::N(text)) => {
                let number = parse_decimal::<Decimal128Type>(text, MONEY_PRECISION, MONEY_SCALE)?;
                numbers.append_value(number);
            }
            (Self::Boolean(truths), AttributeValue::Bool(truth)) => truths.append_value(*truth),
            (Self::Binary(values), AttributeValue::B(bytes)) => values.append_value(bytes),
            (Self::List(lists), AttributeValue::L(members)) => {
                for member in members {
                    lists.values().append_value(string(member)?);
                }
                lists.append(true);
            }
            (Self::List(lists), AttributeValue::Ss(members) | AttributeValue::Ns(members)) => {
                for member in members {
                    lists.values().append_value(member);
                }
                lists.append(true);
            }
            (Self::Struct(structs), AttributeValue::M(attributes)) => {
                structs.push(Some(attributes))?;
            }
            (_, other) => bail!("{other:?} is not of the column's type"),
        }
        Ok(())
    }

    fn push_null(&mut self) -> Result<()> {
        match self {
            Self::Text(builder) => builder.append_null(),
            Self::Bigint(builder) => builder.append_null(),
            Self::Double(builder) => builder.append_null(),
            Self::Money(builder) => builder.append_null(),
            Self::Boolean(builder) => builder.append_null(),
            Self::Binary(builder) => builder.append_null(),
            Self::List(builder) => builder.append(false),
            Self::Struct(structs) => structs.push(None)?,
        }
        Ok(())
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Bigint(mut builder) => Arc::new(builder.finish()),
            Self::Double(mut builder) => Arc::new(builder.finish()),
            Self::Money(mut builder) => {
                let money = builder.finish().with_data_type(
                    arrow::datatypes::DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
                );
                Arc::new(money)
            }
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Binary(mut builder) => Arc::new(builder.finish()),
            Self::List(mut builder) => Arc::new(builder.finish()),
            Self::Struct(structs) => structs.finish(),
        }
    }
}

fn string(member: &AttributeValue) -> Result<&str> {
    match member {
        AttributeValue::S(text) => Ok(text),
        other => bail!("{other:?} is not a string, as the members of lists are"),
    }
}
