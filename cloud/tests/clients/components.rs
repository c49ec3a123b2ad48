//! Components.

use crate::server::Server;

#[test]
fn boto3_makes_components_of_recipes_and_objects() {
    Server::new().python("components.py").expect_ok();
}

#[test]
fn the_cli_publishes_a_component() {
    let server = Server::new();
    let recipe = r#"{"RecipeFormatVersion":"2020-01-25","ComponentName":"com.example.Cli","ComponentVersion":"1.0.0"}"#;
    let file = server.data().with_extension("recipe.json");
    std::fs::write(&file, recipe).unwrap();
    let argument = format!("fileb://{}", file.display());
    let create = ["greengrassv2", "create-component-version", "--inline-recipe", &argument];
    server.aws(create).expect_ok();
    server.aws(create).expect_failure("already exists");
    let list =
        ["greengrassv2", "list-components", "--query", "components[].arn", "--output", "text"];
    let listed = server.aws(list).expect_ok();
    assert_eq!(listed, "arn:aws:greengrass:us-east-1:000000000000:components:com.example.Cli\n");
}
