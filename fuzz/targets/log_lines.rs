//! Lines of log files: any is one or none, and what was read and written once is read the same again.
#![no_main]

#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/clock.rs"]
mod clock;
#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/logs/format/mod.rs"]
mod format;
#[path = "../../host/src/logs/level.rs"]
mod level;
#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/logs/text.rs"]
mod text;

use format::{Line, LogFormat, continued};

fn again(line: &Line<'_>, format: LogFormat) -> Line<'static> {
    let mut out = String::new();
    line.write(format, &mut out);
    let mut rows = out.strip_suffix('\n').expect("a line ends").split('\n');
    let mut again = rows.next().and_then(Line::parse).expect("what is written is read");
    for row in rows {
        let more = continued(row).expect("further lines are marked");
        again.message = format!("{}\n{more}", again.message).into();
    }
    again
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    for row in text.split('\n') {
        let Some(line) = Line::parse(row) else { continue };
        for format in [LogFormat::Json, LogFormat::Text] {
            let once = again(&line, format);
            assert_eq!(again(&once, format), once);
        }
    }
});
