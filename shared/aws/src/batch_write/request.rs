//! The body of a `BatchWriteItem` request, put together from items that are text already.
//!
//! The SDK would have every value as a type of its own and write it out again: half of what a load
//! costs. Its request is made without items, and the body is put in its place before it is signed.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use super::Load;

/// `{"RequestItems":{"planes":[{"PutRequest":{"Item":{…}}},…]}}`
///
/// A table's name needs no escaping: it is letters, digits, `_`, `-` and `.`.
pub(super) fn body<T>(table: &str, items: &[Load<T>]) -> Vec<u8> {
    const PUT: &str = r#"{"PutRequest":{"Item":"#;
    let length: usize = items.iter().map(|load| load.item.len() + PUT.len() + 3).sum();
    let mut body = Vec::with_capacity(length + table.len() + 32);
    body.extend_from_slice(br#"{"RequestItems":{""#);
    body.extend_from_slice(table.as_bytes());
    body.extend_from_slice(br#"":["#);
    for (at, load) in items.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(PUT.as_bytes());
        body.extend_from_slice(load.item.as_bytes());
        body.extend_from_slice(b"}}");
    }
    body.extend_from_slice(b"]}}");
    body
}

/// Gives the request this body.
pub(super) fn replace_body(request: &mut HttpRequest, body: Vec<u8>) {
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stand_in_the_body_as_they_are() {
        let load = |item: &str| Load { item: item.to_owned(), origin: () };
        let items = [load(r#"{"pk":{"S":"a"}}"#), load(r#"{"pk":{"N":"1"}}"#)];
        let body = String::from_utf8(body("planes", &items)).unwrap();
        insta::assert_snapshot!(body, @r#"{"RequestItems":{"planes":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}},{"PutRequest":{"Item":{"pk":{"N":"1"}}}}]}}"#);
    }
}
