//! Rows of an incremental export in Ion: `{Record:{Metadata:{…},Keys:{…},OldImage:{…},NewImage:{…}}}`.

use ion_rs::{Decoder, LazyStruct, LazyValue, Reader, ValueRef, v1_0};

use super::Encoding;
use super::value::{each_field, fault, map, not_ion, number, only, read, row, struct_of};
use crate::Item;
use crate::change::NetChange;
use crate::change::net::{Draft, MICROSECONDS};
use crate::error::{Excerpt, Parsed, Reason};

/// Reads the one value in `bytes` that is a row, whose own bytes begin at `start`.
pub(super) fn change(bytes: &[u8], encoding: Encoding, start: usize) -> Parsed<NetChange<'static>> {
    row(start, || match encoding {
        Encoding::Text => only(Reader::new(v1_0::Text, bytes).map_err(not_ion)?, record),
        Encoding::Binary => only(Reader::new(v1_0::Binary, bytes).map_err(not_ion)?, record),
    })
}

/// Takes the fields of a change, in `Record` or as they are; unknown ones are passed.
fn record<E: Decoder>(fields: LazyStruct<'_, E>) -> Parsed<NetChange<'static>> {
    let mut draft = Draft::default();
    each_field(fields, |name, value| {
        let taken = match name {
            "Record" => struct_of(value).and_then(|fields| {
                each_field(fields, |name, value| {
                    field(&mut draft, name, value).map_err(|fault| fault.within_name(name))
                })
            }),
            _ => field(&mut draft, name, value),
        };
        taken.map_err(|fault| fault.within_name(name))
    })?;
    draft.finish(0)
}

fn field<E: Decoder>(
    draft: &mut Draft<'static>,
    name: &str,
    value: LazyValue<'_, E>,
) -> Parsed<()> {
    match name {
        "Metadata" => each_field(struct_of(value)?, |name, value| match name {
            "WriteTimestampMicros" => {
                draft.at_us = Some(microseconds(value).map_err(|fault| fault.within_name(name))?);
                Ok(())
            }
            _ => Ok(()),
        })?,
        "Keys" => draft.keys = Some(map(struct_of(value)?, 0)?.into()),
        "NewImage" => draft.new = image(value)?,
        "OldImage" => draft.old = image(value)?,
        _ => {}
    }
    Ok(())
}

/// An image, or nothing where the record says `null`.
fn image<E: Decoder>(value: LazyValue<'_, E>) -> Parsed<Option<Item<'static>>> {
    if matches!(read(value)?, ValueRef::Null(_)) {
        return Ok(None);
    }
    Ok(Some(map(struct_of(value)?, 0)?.into()))
}

fn microseconds<E: Decoder>(value: LazyValue<'_, E>) -> Parsed<i64> {
    let number = number(&read(value)?)?;
    number.to_i64().ok_or_else(|| {
        let found = Excerpt::of(number.as_str());
        fault(Reason::UnknownField { expected: MICROSECONDS, found })
    })
}
