use super::*;
use std::time::{Duration, UNIX_EPOCH};

fn line(message: &'static str, fields: &[(&str, &str)]) -> Line<'static> {
    let own = |text: &str| text.to_owned();
    Line {
        at: UNIX_EPOCH + Duration::from_millis(1_606_221_448_234),
        level: Level::Info,
        source: Source::Stdout,
        logger: "com.example.HelloWorld".into(),
        message: message.into(),
        fields: fields.iter().map(|(key, value)| (own(key), own(value))).collect(),
    }
}

fn written(line: &Line<'_>, format: LogFormat) -> String {
    let mut out = String::new();
    line.write(format, &mut out);
    out
}

/// Write and read; further lines go back to where they came from.
#[track_caller]
fn there_and_back(line: &Line<'_>, format: LogFormat) -> Line<'static> {
    let out = written(line, format);
    let mut rows = out.strip_suffix('\n').unwrap().split('\n');
    let mut back = Line::parse(rows.next().unwrap()).unwrap_or_else(|| panic!("{out}"));
    for row in rows {
        let more = continued(row).unwrap();
        back.message = format!("{}\n{more}", back.message).into();
    }
    back
}

#[test]
fn text_is_as_greengrass_has_it() {
    let line = line("Hello, world!", &[("serviceName", "com.example.HelloWorld"), ("n", "1")]);
    assert_eq!(
        written(&line, LogFormat::Text),
        "2020-11-24T12:37:28.234Z [INFO] (gg-host) com.example.HelloWorld: stdout. Hello, world!. \
         {serviceName=com.example.HelloWorld, n=1}\n"
    );
}

#[test]
fn json_is_as_greengrass_has_it() {
    let line = line("Hello, world!", &[("b", "2"), ("a", "1")]);
    assert_eq!(
        written(&line, LogFormat::Json),
        "{\"thread\":\"gg-host\",\"level\":\"INFO\",\"eventType\":\"stdout\",\"message\":\"Hello, world!\",\
         \"contexts\":{\"b\":\"2\",\"a\":\"1\"},\"loggerName\":\"com.example.HelloWorld\",\
         \"timestamp\":1606221448234,\"cause\":null}\n"
    );
}

#[test]
fn what_is_written_is_read_back() {
    let messages = [
        "",
        " ",
        "hot",
        "stdout. hot. {a=b}",
        ". {} . {",
        "\nfirst is empty",
        "crashed\n\tat one\n\n2020-11-24T12:37:28.234Z [ERROR] (x) a: forged. {}\n",
        "a\tb",
        "{\"level\":\"INFO\"}",
        "ends with a dot.",
        "äöü \u{1f600} \\ \"quoted\"",
    ];
    let sets: [&[(&str, &str)]; 6] = [
        &[],
        &[("", "")],
        &[("k", ""), ("k", "twice")],
        &[("a=b", "c=d"), ("x", "one, two=three}"), ("y", "\"")],
        &[("a", ". {b=c}"), ("x. {y", ". {="), ("q", "\". {a=\"")],
        &[("lines", "one\ntwo"), ("back", "\\"), ("braces", "{}")],
    ];
    for format in [LogFormat::Json, LogFormat::Text] {
        for source in Source::ALL {
            for (message, fields) in messages.iter().flat_map(|m| sets.map(|set| (m, set))) {
                let line = Line { source, ..line(message, fields) };
                assert_eq!(there_and_back(&line, format), line, "{}", written(&line, format));
            }
        }
    }
}

#[test]
fn what_a_terminal_obeys_is_not_written() {
    let line = line("a\x1b[31m\r\u{202e}\nb\x07", &[("k", "\x1b]0;t\x07\u{9b}")]);
    for format in [LogFormat::Json, LogFormat::Text] {
        let out = written(&line, format);
        assert!(!out.contains(|c| c != '\n' && is_control(c)), "{out:?}");
    }
    assert_eq!(there_and_back(&line, LogFormat::Json), line);
}

#[test]
fn who_speaks_cannot_begin_another_line() {
    let line = Line {
        logger: "a\n2020-11-24T12:37:28.234Z [INFO] (x) b: forged".into(),
        ..line("x", &[])
    };
    for format in [LogFormat::Json, LogFormat::Text] {
        assert_eq!(written(&line, format).lines().count(), 1);
    }
}

#[test]
fn lines_are_never_longer_than_what_is_read() {
    let long = "\u{1}".repeat(1 << 20);
    let line = Line {
        message: long.clone().into(),
        fields: vec![("\u{2}".repeat(MOST), String::new()), ("k".to_owned(), long)].into(),
        ..line("", &[])
    };
    for format in [LogFormat::Json, LogFormat::Text] {
        let out = written(&line, format);
        assert!(out.len() < LONGEST, "{}", out.len());
        assert!(out.len() > MOST);
    }
}

#[test]
fn what_another_nucleus_wrote_is_understood() {
    let java = Line::parse(
        "2021-03-04T05:06:07Z [WARN] (pool-2-thread-12) com.aws.greengrass.deployment.Kernel: \
         merge-config. Cannot merge. {deploymentId=abc, config={a=b}}",
    )
    .unwrap();
    assert_eq!(java.level, Level::Warn);
    assert_eq!(java.logger, "com.aws.greengrass.deployment.Kernel");
    assert_eq!(java.message, "merge-config. Cannot merge. {deploymentId=abc, config={a=b}}");

    let java = Line::parse(
        r#"{"thread":"main","level":"ERROR","eventType":"boot","message":"no","contexts":{"n":1},
        "loggerName":"x","timestamp":1614834367000,"cause":{"message":"why","stackTrace":[]}}"#,
    )
    .unwrap();
    assert_eq!(java.message, "boot. no");
    let fields: Vec<_> = java.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(fields, [("n", "1"), ("cause", "why")]);
}

#[test]
fn hostile_lines_are_no_lines() {
    let deep = format!(r#"{{"level":"INFO","timestamp":1,"contexts":{}"#, "[".repeat(100_000));
    let beginnings = format!("2021-03-04T05:06:07Z [INFO] (a) b: {}", ". {a=\"".repeat(100_000));
    for hostile in [
        "",
        " ",
        "{",
        "{}",
        "\t",
        "2021-03-04T05:06:07Z",
        "2021-03-04T05:06:07Z [INFO] (a) b",
        "2021-03-04T05:06:07Z [LOUD] (a) b: c",
        "9999999-03-04T05:06:07Z [INFO] (a) b: c",
        r#"{"level":"INFO","timestamp":-1}"#,
        r#"{"level":"INFO","timestamp":1e300}"#,
        r#"{"level":"INFO","timestamp":1,"timestamp":2}"#,
        &deep,
    ] {
        assert_eq!(Line::parse(hostile), None, "{}", cut(hostile, 80));
    }
    assert_eq!(Line::parse(&beginnings).unwrap().fields.len(), 0);
    // A time that no calendar has.
    let late = Line::parse(r#"{"level":"INFO","timestamp":18446744073709551615}"#).unwrap();
    assert!(written(&late, LogFormat::Text).starts_with("9999-12-31T23:59:59.999Z"));
}
