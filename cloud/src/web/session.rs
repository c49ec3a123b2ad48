//! What the credentials of devices are good for: to read objects and secrets, and to ask whose they
//! are. Everything else takes an access key. This is the one place that says so.

use super::hosts::HostBucket;
use http::Method;
use http::request::Parts;

/// Whether a request to a service is one of these.
pub(super) fn may(service: &str, head: &Parts) -> bool {
    match service {
        "s3" => reads_object(head),
        "secretsmanager" => {
            let target = head.headers.get("x-amz-target");
            target.is_some_and(|target| target == "secretsmanager.GetSecretValue")
        }
        "sts" => true,
        _ => false,
    }
}

/// `GetObject`, `HeadObject`, and `GetBucketLocation`, which clients ask before.
fn reads_object(head: &Parts) -> bool {
    let path = head.uri.path();
    let key = match head.extensions.get::<HostBucket>() {
        Some(_) => path.strip_prefix('/').unwrap_or_default(),
        None => path.trim_start_matches('/').split_once('/').unwrap_or_default().1,
    };
    let reads = head.method == Method::GET || head.method == Method::HEAD;
    let located = head.uri.query() == Some("location") && head.method == Method::GET;
    reads && (!key.is_empty() || located)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn head(method: Method, uri: &str, target: &str) -> Parts {
        let request = Request::builder().method(method).uri(uri).header("x-amz-target", target);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn devices_read_objects_and_secrets() {
        for (method, uri, may_do) in [
            (Method::GET, "/bucket/key", true),
            (Method::HEAD, "/bucket/a/b", true),
            (Method::GET, "/bucket?location", true),
            (Method::GET, "/bucket", false),
            (Method::GET, "/bucket/", false),
            (Method::GET, "/bucket?list-type=2", false),
            (Method::GET, "/", false),
            (Method::PUT, "/bucket/key", false),
            (Method::DELETE, "/bucket/key", false),
            (Method::POST, "/bucket/key?uploads", false),
        ] {
            assert_eq!(may("s3", &head(method.clone(), uri, "")), may_do, "{method} {uri}");
        }
        for (method, uri, may_do) in [
            (Method::GET, "/key", true),
            (Method::HEAD, "/a/b", true),
            (Method::GET, "/?location", true),
            (Method::GET, "/", false),
            (Method::GET, "/?list-type=2", false),
            (Method::PUT, "/key", false),
        ] {
            let mut head = head(method.clone(), uri, "");
            head.extensions.insert(HostBucket("bucket".to_owned()));
            assert_eq!(may("s3", &head), may_do, "{method} {uri} of a bucket's host");
        }
        let secret = |target| may("secretsmanager", &head(Method::POST, "/", target));
        assert!(secret("secretsmanager.GetSecretValue"));
        assert!(!secret("secretsmanager.PutSecretValue"));
        for service in ["iot", "greengrass", "iotdata", ""] {
            assert!(!may(service, &head(Method::GET, "/bucket/key", "")), "{service}");
        }
    }
}
