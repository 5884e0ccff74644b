//! Sets, as lists of their members in the order they were read.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListArray};
use arrow::datatypes::DataType;
use item::Number;

use super::{Bytes, Double, Ends, Overflow, Placement, Texts, Values};
use crate::kind::element;

/// Sets, one after the other: all members, and where each set ends among them.
#[derive(Debug, Default)]
pub(super) struct Sets<M> {
    members: M,
    count: usize,
    ends: Ends,
}

impl<M> Sets<M> {
    /// Adds one set, whose members `push` appends.
    fn add<T>(&mut self, set: &[T], mut push: impl FnMut(&mut M, &T)) {
        for member in set {
            push(&mut self.members, member);
        }
        self.count += set.len();
        self.ends.push(self.count);
    }
}

impl Sets<Texts> {
    pub(super) fn push_texts(&mut self, set: &[Cow<'_, str>]) {
        self.add(set, |members, text| members.push(text));
    }
}

impl Sets<Bytes> {
    pub(super) fn push_bytes(&mut self, set: &[Cow<'_, [u8]>]) {
        self.add(set, |members, bytes| members.push(bytes));
    }
}

impl Sets<Vec<i64>> {
    /// The members all fit 64 bits: [`Cell::of`](super::Cell::of) has looked.
    pub(super) fn push_integers(&mut self, set: &[Number<'_>]) {
        self.add(set, |members, number| {
            members.push(number.to_i64().unwrap_or_default());
        });
    }
}

impl Sets<Vec<f64>> {
    /// Returns whether every member is exact.
    pub(super) fn push_doubles(&mut self, set: &[Number<'_>]) -> bool {
        let mut exact = true;
        self.add(set, |members, number| {
            let double = Double::of(number);
            members.push(double.nearest);
            exact &= double.exact;
        });
        exact
    }
}

impl<M: Values + Default> Values for Sets<M> {
    /// Not asked for: no list holds lists.
    const TYPE: DataType = DataType::Null;

    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        let offsets = placement.offsets(self.ends, self.count)?;
        let members = self.members.array(&Placement::dense(self.count))?;
        Ok(Arc::new(ListArray::new(element(M::TYPE), offsets, members, placement.nulls())))
    }

    fn in_memory_of(array: ArrayRef) -> Self {
        let Some(lists) = array.as_list_opt::<i32>().cloned() else { return Self::default() };
        drop(array);
        let (_, offsets, members, _) = lists.into_parts();
        Self {
            members: M::in_memory_of(members),
            count: 0,
            ends: Ends::in_memory_of(offsets.into_inner().into()),
        }
    }
}
