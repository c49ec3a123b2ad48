//! Fetches a page with `wasi:http` and publishes its status and length. The host lets it reach
//! only what its configuration names.

use std::io::Read as _;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, Method, OutgoingRequest, Scheme};

fn main() -> gg_sdk::Result<()> {
    let url: String = gg_sdk::config::get("url")?;
    match fetch(&url) {
        Ok((status, body)) => {
            gg_sdk::info!("fetched {url}", status = status, bytes = body.len());
            let page = serde_json::json!({ "url": url, "status": status, "bytes": body.len() });
            gg_sdk::publish_json("pages/fetched", &page)
        }
        Err(reason) => {
            gg_sdk::error!("could not fetch {url}: {reason}");
            std::process::exit(1);
        }
    }
}

fn fetch(url: &str) -> Result<(u16, Vec<u8>), String> {
    let (scheme, rest) = url.split_once("://").ok_or("the URL has no scheme")?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = if scheme == "http" { Scheme::Http } else { Scheme::Https };

    let request = OutgoingRequest::new(Fields::new());
    request.set_method(&Method::Get).map_err(|()| "the method was refused")?;
    request.set_scheme(Some(&scheme)).map_err(|()| "the scheme was refused")?;
    request.set_authority(Some(authority)).map_err(|()| "the host was refused")?;
    request.set_path_with_query(Some(path)).map_err(|()| "the path was refused")?;

    let answer = outgoing_handler::handle(request, None).map_err(text)?;
    answer.subscribe().block();
    let response =
        answer.get().ok_or("no answer")?.map_err(|()| "the answer was taken")?.map_err(text)?;
    let body = response.consume().map_err(|()| "the body was taken")?;
    let mut stream = body.stream().map_err(|()| "the body was taken")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(text)?;
    Ok((response.status(), bytes))
}

fn text(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
