//! The console's files, embedded in the binary.

use super::Problem;
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../console/dist"]
#[allow_missing = true]
struct Files;

/// A file of the console; whatever else was asked for is not there.
pub(crate) async fn file(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let is_read = method == Method::GET || method == Method::HEAD;
    match is_read.then(|| Files::get(path)).flatten() {
        Some(file) => {
            // Vite names what it builds after its content: such a file never changes.
            let cache = if path.starts_with("assets/") {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            };
            let kind = file.metadata.mimetype().to_owned();
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CACHE_CONTROL, cache.to_owned()),
            ];
            (headers, file.data.into_owned()).into_response()
        }
        None => Problem::not_found(format!(
            "nothing at {method} /{path}; the console is at /, the API is described at /openapi.json"
        ))
        .into_response(),
    }
}
