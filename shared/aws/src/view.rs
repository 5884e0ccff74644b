//! Views: made through Athena, looked for in the catalog.
//!
//! | the catalog has under the view's name | done |
//! |---|---|
//! | nothing | made |
//! | a view of ours with the same mark | nothing |
//! | a view of ours with another mark | written anew |
//! | anything else | left alone |

use aws_sdk_glue::types::Table;
use lake::view::{View, mark_in};

use crate::{
    Clients, Failure,
    athena::{self, Place},
};

/// The table type of views in the catalog.
const VIRTUAL_VIEW: &str = "VIRTUAL_VIEW";

/// What became of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensured {
    /// It was not there and was made.
    Made,
    /// It was there with another text and was written anew.
    Replaced,
    /// It was there as it should be.
    AlreadySo,
    /// A table or view that is not ours has its name.
    Foreign,
}

/// Makes a view, or writes it anew, unless it is there as it should be.
pub async fn ensure(clients: &Clients, place: &Place, view: &View) -> Result<Ensured, Failure> {
    let resource = format!("view {}.{}", place.database, view.name());
    let found = find(clients, &place.database, view.name(), &resource).await?;
    let outcome = outcome(found.as_ref(), view.mark());
    if matches!(outcome, Ensured::Made | Ensured::Replaced) {
        athena::run(clients.athena(), place, view.statement(), &resource).await?;
    }
    Ok(outcome)
}

async fn find(
    clients: &Clients,
    database: &str,
    name: &str,
    resource: &str,
) -> Result<Option<Table>, Failure> {
    let got = clients.glue().get_table().database_name(database).name(name).send().await;
    match got.map_err(|error| Failure::of("GetTable", resource, error)) {
        Ok(output) => Ok(output.table),
        Err(failure) if failure.has_code("EntityNotFoundException") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What is to be done, from what the catalog has.
fn outcome(found: Option<&Table>, mark: &str) -> Ensured {
    let Some(table) = found else { return Ensured::Made };
    let text = table.view_original_text().filter(|_| table.table_type() == Some(VIRTUAL_VIEW));
    match text.and_then(mark_in) {
        Some(found) if found == mark => Ensured::AlreadySo,
        Some(_) => Ensured::Replaced,
        None => Ensured::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The base64 of `{"originalSql":"WITH headwater_0123456789abcdef AS (SELECT 1) SELECT 1"}`.
    const OURS: &str = "/* Presto View: eyJvcmlnaW5hbFNxbCI6IldJVEggaGVhZHdhdGVyXzAxMjM0NTY3ODlhYmNkZWYgQVMgKFNFTEVDVCAxKSBTRUxFQ1QgMSJ9 */";

    fn found(kind: &str, text: Option<&str>, mark: &str) -> Ensured {
        let table = Table::builder().name("orders").table_type(kind);
        let table = table.set_view_original_text(text.map(str::to_owned)).build().unwrap();
        outcome(Some(&table), mark)
    }

    #[test]
    fn ours_are_kept_or_replaced_and_others_left_alone() {
        let mark = "headwater_0123456789abcdef";
        assert_eq!(found(VIRTUAL_VIEW, Some(OURS), mark), Ensured::AlreadySo);
        assert_eq!(
            found(VIRTUAL_VIEW, Some(OURS), "headwater_fedcba9876543210"),
            Ensured::Replaced
        );
        for (kind, text) in [
            ("EXTERNAL_TABLE", Some(OURS)),
            ("EXTERNAL_TABLE", None),
            (VIRTUAL_VIEW, None),
            (VIRTUAL_VIEW, Some("/* Presto View: e30= */")),
        ] {
            assert_eq!(found(kind, text, mark), Ensured::Foreign, "{kind} {text:?}");
        }
        assert_eq!(outcome(None, mark), Ensured::Made);
    }
}
