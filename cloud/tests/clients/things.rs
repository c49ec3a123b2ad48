//! Things and their groups.

use crate::server::Server;

#[test]
fn things_and_groups_are_kept() {
    let mut server = Server::new();
    server.python("things.py").expect_ok();
    server.cut();
    let names = ["iot", "list-things", "--query", "things[].thingName", "--output", "text"];
    assert_eq!(server.aws(names).expect_ok(), "kept\n");
    server.aws(["iot", "delete-thing", "--thing-name", "kept"]).expect_ok();
}
