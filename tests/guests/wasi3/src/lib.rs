//! Says hello over the stream of WASI 0.3, waits on its clock, and is done.

use wasip3::cli::stdout::write_via_stream;
use wasip3::clocks::monotonic_clock;

struct Hello;

wasip3::cli::command::export!(Hello);

impl wasip3::exports::cli::run::Guest for Hello {
    async fn run() -> Result<(), ()> {
        let before = monotonic_clock::now();
        monotonic_clock::wait_for(1_000_000).await;
        let waited = monotonic_clock::now() - before >= 1_000_000;

        let (mut sender, stream) = wasip3::wit_stream::new();
        let written = write_via_stream(stream);
        let rest =
            sender.write_all(format!("hello from 0.3, waited: {waited}\n").into_bytes()).await;
        drop(sender);
        written.await.map_err(|_| ())?;
        if rest.is_empty() { Ok(()) } else { Err(()) }
    }
}
