//! What it takes to verify a signature of a file, beside what its digest alone takes, which a device
//! computes anyway. Bundles are as cosign writes them.

#[path = "../../../../benches/common/report.rs"]
#[allow(dead_code, reason = "a part is used here")]
mod report;

use anyhow::{Context as _, Result, ensure};
use gg_trust::{Content, Digest, PrivateKey, Signature};
use report::{Aim, Row};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds, each of ours and of the peer's.
const ROUNDS: usize = 15;

/// The least that a round takes of each, so that the clock's steps do not count.
const LEAST: Duration = Duration::from_millis(40);

/// Bytes of files.
const SIZES: [(&str, usize); 2] = [("100 KB", 100_000), ("10 MB", 10_000_000)];

fn main() -> Result<()> {
    let pem = |text: &str| PrivateKey::from_pem(text, None);
    let keys = [
        ("ECDSA on P-256", PrivateKey::generate()?),
        ("Ed25519", PrivateKey::generate_ed25519()?),
        ("RSA of 2048 bits", pem(include_str!("../tests/data/rsa2048.pem"))?),
        ("RSA of 4096 bits", pem(include_str!("../tests/data/rsa4096.pem"))?),
    ];
    let mut rows = Vec::new();
    for (size, length) in SIZES {
        let content: Vec<u8> = (0..length).map(|place| (place * 31 % 251) as u8).collect();
        for (name, key) in &keys {
            rows.push(measure(&format!("bundle by {name}, {size}"), key, &content)?);
        }
    }
    print(&rows);
    Ok(())
}

/// Read a bundle and verify it over some bytes, beside hashing them.
fn measure(name: &str, key: &PrivateKey, content: &[u8]) -> Result<Row> {
    let bundle = Signature::on_file(content, key)?.to_bundle();
    let verify = |content: &[u8]| -> Result<()> {
        let signature = Signature::read(bundle.as_bytes())?;
        Ok(signature.verify(key.public(), &Content::of(content))?)
    };
    verify(content).context("the signature holds")?;
    ensure!(verify(&content[1..]).is_err(), "a signature holds over other bytes");
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(each(|| verify(black_box(content)))?);
        peer.push(each(|| {
            black_box(Digest::of(black_box(content)));
            Ok(())
        })?);
    }
    let name = format!("{name}: read and verified (against SHA-256 alone)");
    Ok(Row::new(name, "ms", ours, Aim::NONE).beside(peer))
}

/// Milliseconds that something takes.
fn each(work: impl Fn() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    let mut times = 0.0;
    while begin.elapsed() < LEAST {
        work()?;
        times += 1.0;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e3 / times)
}

/// A table, or with `--json` one JSON object a line.
#[expect(clippy::print_stdout, reason = "what a benchmark is for")]
fn print(rows: &[Row]) {
    match std::env::args().any(|argument| argument == "--json") {
        true => rows.iter().for_each(|row| println!("{}", row.to_json())),
        false => print!("{}", report::table(rows)),
    }
}
