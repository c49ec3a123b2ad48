//! Says what is in a picture: the most likely of the labels of a model.

use gg_handler::inference::{self, Tensor};
use gg_handler::{Failure, Message};
use serde_json::{Value, json};
use std::str;

gg_handler::handler!(handle);

fn handle(message: Message) -> Result<(), Failure> {
    let (width, height, samples) =
        picture(&message.payload).ok_or_else(|| Failure::reject("not a picture in PPM"))?;
    // All that is red, then green, then blue, as networks want it.
    let planes: Vec<f32> =
        (0..3).flat_map(|colour| samples.iter().copied().skip(colour).step_by(3)).collect();
    let image = Tensor::new("image", [1, 3, height, width], &planes)?;
    let outputs = inference::model("pictures").run(&[image])?;
    let shares: Vec<f32> = outputs.get("probabilities")?.to_vec()?;

    let labels: Vec<String> = gg_handler::config::get("labels")?;
    let best = inference::top_labels(&labels, &shares, gg_handler::config::get_or("top", 3)?)?;
    let best = best.iter().map(|(label, share)| json!({ "label": label, "share": share }));
    let camera = message.levels().nth(1).unwrap_or_default();
    gg_handler::publish_json(&format!("cameras/{camera}/labels"), &Value::from_iter(best))?;
    Ok(())
}

/// Width, height, and red, green and blue of each pixel from 0 to 1. PPM as bytes (`P6`) or as
/// text (`P3`), without comments.
fn picture(ppm: &[u8]) -> Option<(u32, u32, Vec<f32>)> {
    fn number<T: str::FromStr>(digits: &[u8]) -> Option<T> {
        str::from_utf8(digits).ok()?.parse().ok()
    }
    let mut parts = ppm.splitn(5, u8::is_ascii_whitespace);
    let mut part = || parts.next();
    let (kind, width, height) = (part()?, number(part()?)?, number(part()?)?);
    let (most, pixels): (f32, _) = (number(part()?)?, part()?);
    let samples: Vec<f32> = match kind {
        b"P6" => pixels.iter().map(|sample| f32::from(*sample) / most).collect(),
        b"P3" => {
            let samples = str::from_utf8(pixels).ok()?.split_ascii_whitespace();
            samples.map(|sample| Some(sample.parse::<f32>().ok()? / most)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    Some((width, height, samples))
}
