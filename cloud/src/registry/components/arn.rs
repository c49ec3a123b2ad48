//! ARNs of components (AWS service authorization reference, "Resource types defined by AWS IoT
//! Greengrass V2").

use crate::registry::{Place, Refusal};
use gg_model::{ComponentName, ComponentVersion};

/// `arn:aws:greengrass:REGION:ACCOUNT:components:NAME`, and `:versions:VERSION` after it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ComponentArn {
    /// The component.
    pub name: ComponentName,
    /// One of its versions.
    pub version: Option<ComponentVersion>,
    /// Whether it is one that AWS provides, in AWS's account.
    pub is_public: bool,
}

impl ComponentArn {
    /// Read one.
    ///
    /// # Errors
    /// It is none, or of another account or region.
    pub fn parse(text: &str, place: &Place) -> Result<Self, Refusal> {
        let wrong = |why: &dyn std::fmt::Display| {
            Refusal::invalid(format!("{text:?} is not a component's ARN: {why}"))
                .about("arn", "arn")
        };
        let prefix = place.arn("greengrass", "components:");
        let own = text.strip_prefix(&prefix);
        let is_public = own.is_none();
        let Some(rest) = own.or_else(|| text.strip_prefix(&public(place))) else {
            // Others may have components; there are none of them here.
            return Err(match text.starts_with("arn:aws:greengrass:") {
                true => Refusal::not_found("component", text),
                false => wrong(&format!("it does not begin with {prefix}")),
            });
        };
        let (name, version) = match rest.split_once(":versions:") {
            Some((name, version)) => (name, Some(version)),
            None => (rest, None),
        };
        let name = name.parse().map_err(|error: gg_model::name::NameError| wrong(&error))?;
        let version = version.map(str::parse).transpose();
        let version = version.map_err(|error: gg_model::version::VersionError| wrong(&error))?;
        Ok(Self { name, version, is_public })
    }

    /// Read one of a version that is of this account.
    ///
    /// # Errors
    /// It is none, is another's, or names no version.
    pub fn parse_version(
        text: &str,
        place: &Place,
    ) -> Result<(ComponentName, ComponentVersion), Refusal> {
        let Self { name, version, is_public } = Self::parse(text, place)?;
        if is_public {
            return Err(Refusal::not_found("component", text));
        }
        let without = || Refusal::invalid(format!("{text:?} names no version")).about("arn", "arn");
        Ok((name, version.ok_or_else(without)?))
    }

    /// As a text, of one that AWS provides.
    pub fn public_text(
        name: &ComponentName,
        version: Option<&ComponentVersion>,
        place: &Place,
    ) -> String {
        let prefix = public(place);
        match version {
            Some(version) => format!("{prefix}{name}:versions:{version}"),
            None => format!("{prefix}{name}"),
        }
    }

    /// As a text.
    pub fn text(name: &ComponentName, version: Option<&ComponentVersion>, place: &Place) -> String {
        place.arn(
            "greengrass",
            &match version {
                Some(version) => format!("components:{name}:versions:{version}"),
                None => format!("components:{name}"),
            },
        )
    }
}

/// What ARNs of AWS's components begin with.
fn public(place: &Place) -> String {
    format!("arn:aws:greengrass:{}:aws:components:", place.region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Kind;

    #[test]
    fn arns_are_read_as_they_are_written() {
        let place = Place::new(None, None).unwrap();
        let text =
            "arn:aws:greengrass:us-east-1:000000000000:components:com.example.A:versions:1.2.3-a+b";
        let (name, version) = ComponentArn::parse_version(text, &place).unwrap();
        assert_eq!(ComponentArn::text(&name, Some(&version), &place), text);
        let bare = text.split(":versions").next().unwrap();
        assert_eq!(ComponentArn::parse(bare, &place).unwrap().version, None);
        assert!(ComponentArn::parse_version(bare, &place).is_err());
    }

    #[test]
    fn other_arns_are_refused() {
        let place = Place::new(None, None).unwrap();
        let kind = |text: &str| ComponentArn::parse(text, &place).unwrap_err().kind;
        let public = "arn:aws:greengrass:us-east-1:aws:components:a:versions:1.0.0";
        let read = ComponentArn::parse(public, &place).unwrap();
        assert!(read.is_public);
        let text = ComponentArn::public_text(&read.name, read.version.as_ref(), &place);
        assert_eq!(text, public);
        let own_only = ComponentArn::parse_version(public, &place).unwrap_err();
        assert_eq!(own_only.kind, Kind::NotFound);
        assert_eq!(kind("arn:aws:greengrass:us-east-2:aws:components:a"), Kind::NotFound);
        assert_eq!(kind("arn:aws:iot:us-east-1:000000000000:thing/t"), Kind::Invalid);
        assert_eq!(kind("arn:aws:greengrass:us-east-1:000000000000:components:"), Kind::Invalid);
        let name = "arn:aws:greengrass:us-east-1:000000000000:components:";
        assert_eq!(kind(&format!("{name}a b")), Kind::Invalid);
        assert_eq!(kind(&format!("{name}a:versions:1")), Kind::Invalid);
    }
}
