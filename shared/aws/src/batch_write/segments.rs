//! Which checkpoints are reached, when batches finish in any order.
//!
//! ```text
//! batch batch │ batch │ batch batch batch      │ a checkpoint ends a segment
//!   0     0       1       2     2     2
//! ```

use std::collections::VecDeque;

use super::Written;

/// The segments that are not done, oldest first.
#[derive(Debug)]
pub(super) struct Segments<T, C> {
    /// The number of the oldest.
    first: u64,
    open: VecDeque<Segment<T, C>>,
}

#[derive(Debug)]
struct Segment<T, C> {
    /// Batches under way.
    outstanding: usize,
    /// What those that are done wrote.
    written: Written<T>,
    /// The checkpoint that ends it, once that has come.
    end: Option<C>,
}

impl<T, C> Segments<T, C> {
    fn open(&mut self, end: Option<C>) {
        self.open.push_back(Segment { outstanding: 0, written: Written::default(), end });
    }

    /// A batch began; gives the number of its segment.
    pub(super) fn began(&mut self) -> u64 {
        if self.open.back().is_none_or(|last| last.end.is_some()) {
            self.open(None);
        }
        if let Some(last) = self.open.back_mut() {
            last.outstanding += 1;
        }
        self.first + self.open.len() as u64 - 1
    }

    /// A batch of that segment is done.
    pub(super) fn done(&mut self, segment: u64, written: Written<T>) {
        let at = usize::try_from(segment - self.first).ok();
        if let Some(segment) = at.and_then(|at| self.open.get_mut(at)) {
            segment.outstanding -= 1;
            segment.written.add(written);
        }
    }

    /// A checkpoint came: what began before it is before it.
    pub(super) fn mark(&mut self, place: C) {
        match self.open.back_mut() {
            Some(last) if last.end.is_none() => last.end = Some(place),
            _ => self.open(Some(place)),
        }
    }

    /// The oldest checkpoint that is reached and was not given yet, with what was written between the one
    /// before and it.
    pub(super) fn reached(&mut self) -> Option<(C, Written<T>)> {
        let done = |segment: &Segment<T, C>| segment.outstanding == 0 && segment.end.is_some();
        if !self.open.front().is_some_and(done) {
            return None;
        }
        self.first += 1;
        let segment = self.open.pop_front()?;
        Some((segment.end?, segment.written))
    }
}

impl<T, C> Default for Segments<T, C> {
    fn default() -> Self {
        Self { first: 0, open: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrote(items: u64) -> Written<()> {
        Written { items, ..Written::default() }
    }

    #[test]
    fn a_checkpoint_is_reached_when_everything_before_it_is_done() {
        let mut segments = Segments::default();
        let reached = |segments: &mut Segments<(), &'static str>| -> Vec<_> {
            let each = std::iter::from_fn(|| segments.reached());
            each.map(|(place, written)| (place, written.items)).collect()
        };
        let (a, b) = (segments.began(), segments.began());
        segments.mark("one");
        let c = segments.began();
        segments.mark("two");
        segments.mark("two again");
        let d = segments.began();
        segments.done(c, wrote(4));
        segments.done(b, wrote(2));
        assert_eq!(reached(&mut segments), []);
        segments.done(a, wrote(1));
        assert_eq!(reached(&mut segments), [("one", 3), ("two", 4), ("two again", 0)]);
        segments.done(d, wrote(8));
        assert_eq!(reached(&mut segments), []);
        segments.mark("three");
        assert_eq!(reached(&mut segments), [("three", 8)]);
    }
}
