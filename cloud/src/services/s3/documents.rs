//! Documents that clients send: lists in XML. What reads them is pure.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

/// Most parts in a list, and most keys.
const MOST_PARTS: usize = 10_000;
const MOST_KEYS: usize = 1000;

/// Numbers and entity tags of `<CompleteMultipartUpload><Part>…`.
///
/// # Errors
/// It is no such list, or too long; what is wrong with it.
pub(super) fn parts(document: &[u8]) -> Result<Vec<(u64, String)>, String> {
    let mut listed = Vec::new();
    let (mut number, mut tag) = (None, None);
    elements(document, |name, text| {
        match name {
            "PartNumber" => number = text.trim().parse().ok(),
            "ETag" => tag = Some(text.trim().trim_matches('"').to_owned()),
            "Part" => {
                let part = number.take().zip(tag.take());
                listed.push(part.ok_or("a part has no number or tag")?);
                if listed.len() > MOST_PARTS {
                    return Err(format!("there are more than {MOST_PARTS}"));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(listed)
}

/// What is to be deleted.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Deletion {
    /// The keys.
    pub(super) keys: Vec<String>,
    /// Whether only what went wrong is to be said.
    pub(super) quiet: bool,
    /// Whether a version of a key is meant, of which there are none.
    pub(super) has_versions: bool,
}

/// The keys of `<Delete><Object><Key>…`.
///
/// # Errors
/// It is no such list, or too long; what is wrong with it.
pub(super) fn deletion(document: &[u8]) -> Result<Deletion, String> {
    let mut deletion = Deletion::default();
    let mut key = None;
    elements(document, |name, text| {
        match name {
            "Key" => key = Some(text.to_owned()),
            "Quiet" => deletion.quiet = text.trim() == "true",
            "VersionId" => deletion.has_versions |= !["", "null"].contains(&text.trim()),
            "Object" => {
                deletion.keys.push(key.take().ok_or("an object has no key")?);
                if deletion.keys.len() > MOST_KEYS {
                    return Err(format!("there are more than {MOST_KEYS}"));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    match deletion.keys.is_empty() {
        true => Err("there is no object in it".to_owned()),
        false => Ok(deletion),
    }
}

/// Each element as it ends, with the text that stands before its end and after the last tag.
fn elements(
    document: &[u8],
    mut each: impl FnMut(&str, &str) -> Result<(), String>,
) -> Result<(), String> {
    let text = str::from_utf8(document).map_err(|_| "it is not UTF-8")?;
    let mut reader = Reader::from_str(text);
    let mut inside = String::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(_) => inside.clear(),
            Event::Text(text) => inside.push_str(&text),
            Event::CData(text) => inside.push_str(&text),
            Event::GeneralRef(name) => inside.push(character(&name)?),
            Event::Empty(start) => {
                each(start.local_name().as_ref(), "")?;
                inside.clear();
            }
            Event::End(end) => {
                each(end.local_name().as_ref(), &inside)?;
                inside.clear();
            }
            // Definitions could make much of little.
            Event::DocType(_) => return Err("it defines what XML has".to_owned()),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// What stands between `&` and `;`.
fn character(name: &BytesRef<'_>) -> Result<char, String> {
    let number = name.resolve_char_ref().map_err(|error| error.to_string())?;
    number.or_else(|| named(name)).ok_or_else(|| "it has a reference that XML has not".to_owned())
}

fn named(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "apos" => '\'',
        "gt" => '>',
        "lt" => '<',
        "quot" => '"',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_parts_are_read() {
        let list = "<CompleteMultipartUpload xmlns=\"x\"><Part><ETag>&quot;aa&quot;</ETag>\
             <PartNumber>1</PartNumber><ChecksumCRC32>x</ChecksumCRC32></Part>\
             <Part><PartNumber>3</PartNumber><ETag>\"bb\"</ETag></Part></CompleteMultipartUpload>";
        let wanted = vec![(1, "aa".to_owned()), (3, "bb".to_owned())];
        assert_eq!(parts(list.as_bytes()).unwrap(), wanted);
        for wrong in [
            "<Part><ETag>a</ETag></Part>",
            "<Part>",
            "<a></b>",
            "<Part><PartNumber>x</PartNumber><ETag>a</ETag></Part>",
            "<Part/>",
            "\u{0}",
        ] {
            let read = parts(wrong.as_bytes());
            assert!(read.is_err() || read.unwrap().is_empty(), "{wrong}");
        }
        assert!(parts(b"\xff").is_err());
        let many = "<Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>".repeat(MOST_PARTS + 1);
        assert!(parts(many.as_bytes()).is_err());
    }

    #[test]
    fn keys_are_read_to_the_letter() {
        let list = "<?xml version=\"1.0\"?>\n<Delete xmlns=\"x\">\n <Object><Key> a&amp;b&#xD;&lt;</Key>\
             </Object><Object><VersionId>null</VersionId><Key>é</Key></Object><Quiet>true</Quiet></Delete>";
        let read = deletion(list.as_bytes()).unwrap();
        assert_eq!(read.keys, [" a&b\r<", "é"]);
        assert!(read.quiet && !read.has_versions);
        let versions = "<Delete><Object><Key>a</Key><VersionId>1</VersionId></Object></Delete>";
        assert!(deletion(versions.as_bytes()).unwrap().has_versions);
        for wrong in [
            "",
            "<Delete/>",
            "<Delete><Object/></Delete>",
            "<Delete><Object><Key>&other;</Key></Object></Delete>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><Delete><Object><Key>a</Key></Object></Delete>",
            "<Delete><Object><Key>&#xFFFFFFFF;</Key></Object></Delete>",
        ] {
            assert!(deletion(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let many = "<Object><Key>a</Key></Object>".repeat(MOST_KEYS + 1);
        assert!(deletion(many.as_bytes()).is_err());
    }
}
