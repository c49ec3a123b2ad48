//! Names that clients know this server by. To S3, a bucket may stand before one (S3 user guide,
//! "Virtual hosting of general purpose buckets").

use crate::registry::buckets;

/// The names, in lower case.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Vec<String>);

/// The bucket that stands in a request's host.
#[derive(Clone, Debug)]
pub struct HostBucket(pub String);

impl Hosts {
    /// These, and those that S3 has in a region, where clients find this server by them.
    pub fn new(names: &[String], region: &str) -> Self {
        let own = names.iter().map(|name| name.to_ascii_lowercase());
        let of_aws = ["s3.amazonaws.com".to_owned(), format!("s3.{region}.amazonaws.com")];
        Self(own.chain(of_aws).collect())
    }

    /// The bucket in a host, which may have a port. One of the names themselves has none.
    pub fn bucket(&self, host: &str) -> Option<HostBucket> {
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => host,
        };
        let host = host.to_ascii_lowercase();
        if self.0.contains(&host) {
            return None;
        }
        let before =
            |name: &String| host.strip_suffix(name.as_str())?.strip_suffix('.').map(str::to_owned);
        // Of names that are in one another the longest leaves the least.
        let bucket = self.0.iter().filter_map(before).min_by_key(String::len)?;
        buckets::can_be_called(&bucket).then_some(HostBucket(bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_stands_before_a_name() {
        let names = ["gg.lan", "Site.gg.lan", "localhost", "127.0.0.1"].map(str::to_owned);
        let hosts = Hosts::new(&names, "eu-west-1");
        let bucket = |host: &str| hosts.bucket(host).map(|HostBucket(bucket)| bucket);
        for (host, wanted) in [
            ("bucket.gg.lan:8443", Some("bucket")),
            ("Bucket.GG.lan", Some("bucket")),
            ("my.bucket.gg.lan", Some("my.bucket")),
            ("bucket.site.gg.lan", Some("bucket")),
            ("bucket.localhost:1", Some("bucket")),
            ("bucket.s3.eu-west-1.amazonaws.com", Some("bucket")),
            ("bucket.s3.amazonaws.com:443", Some("bucket")),
            ("gg.lan:8443", None),
            ("site.gg.lan", None),
            ("s3.gg.lan", None),
            ("not_one.gg.lan", None),
            (".gg.lan", None),
            ("othergg.lan", None),
            ("127.0.0.1:8443", None),
            ("[::1]:8443", None),
            ("elsewhere.lan", None),
            ("", None),
        ] {
            assert_eq!(bucket(host).as_deref(), wanted, "{host}");
        }
    }
}
