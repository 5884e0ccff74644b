//! What someone may have meant.

/// Characters of the longest name that is compared; none that we know is half as long.
const MAX_COMPARED: usize = 64;

/// The name nearest to `found`, if one is near: it takes changing a third of the characters at
/// most.
///
/// Case is no difference. Of names equally near the first one counts.
pub(super) fn nearest<'n>(
    found: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    if found.len() > MAX_COMPARED {
        return None;
    }
    let found = found.to_lowercase();
    let distances = names.into_iter().filter_map(|name| {
        let distance = strsim::osa_distance(&found, &name.to_lowercase());
        let length = found.chars().count().max(name.chars().count());
        (distance * 3 <= length).then_some((distance, name))
    });
    distances.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_may_have_been_meant() {
        let check = |found: &str, expected: Option<&str>| {
            let names = ["BillingMode", "TableName", "KeySchema", "CSV", "ION"];
            assert_eq!(nearest(found, names), expected, "{found}");
        };
        check("BillingMod", Some("BillingMode"));
        check("billing_mode", Some("BillingMode"));
        check("TabelName", Some("TableName"));
        check("csv", Some("CSV"));
        check("CVS", Some("CSV"));
        check("TSV", Some("CSV"));
        check("XML", None);
        check("", None);
        check(&"BillingMode".repeat(10), None);
    }
}
