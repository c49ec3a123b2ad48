//! Requests to change a shadow: any bytes, one after the other, keep its rules.
#![no_main]

use gg_model::shadow::{Before, Shadow, SyncDirection, UpdateRequest, client_token, plan_sync};

const LIMIT: usize = 8192;

libfuzzer_sys::fuzz_target!(|documents: Vec<&[u8]>| {
    let (mut shadow, mut cloud) = (Before::default(), Before::default());
    for (place, document) in documents.into_iter().enumerate() {
        let _token = client_token(document);
        let _theirs = Shadow::read(document);
        let Ok(request) = UpdateRequest::parse(document) else { continue };
        let side = if place % 2 == 0 { &mut shadow } else { &mut cloud };
        let Ok(updated) = side.clone().update(&request, 7, LIMIT) else { continue };
        assert!(updated.shadow.bytes() <= LIMIT);
        assert_eq!(updated.shadow.version, side.version() + 1);
        let _messages = (updated.accepted(7, None), updated.documents(7, None));
        // What the shadow is told as can be sent back, and changes nothing.
        let text = updated.shadow.document(7, None).to_string();
        let again = UpdateRequest::parse(text.as_bytes()).expect("what is written can be read");
        *side = Before::Present(updated.shadow.clone());
        let again = side.clone().update(&again, 8, LIMIT).expect("and carried out").shadow;
        assert_eq!(
            (&again.desired, &again.reported),
            (&updated.shadow.desired, &updated.shadow.reported)
        );
        let _plan = plan_sync(&shadow, &cloud, None, SyncDirection::Both);
    }
});
