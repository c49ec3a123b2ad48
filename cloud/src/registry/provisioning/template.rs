//! The language of provisioning templates: what becomes of a device that asks (AWS IoT developer guide,
//! "Provisioning templates"). Reading one and asking it is pure.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most bytes of a template (AWS IoT quotas).
pub const LARGEST: usize = 10_240;

/// Most bytes of a parameter's value, and of a text that is made of some.
const LONGEST: usize = 10_240;

/// How deep functions are in one another.
const DEEPEST: usize = 8;

/// Most parameters that a device says.
const MOST_PARAMETERS: usize = 100;

/// What a device has said, and what is known of it besides, by name.
pub type Parameters = BTreeMap<String, String>;

/// The parameter that is the id of the device's certificate.
pub const CERTIFICATE_ID: &str = "AWS::IoT::Certificate::Id";
/// Its ARN.
pub const CERTIFICATE_ARN: &str = "AWS::IoT::Certificate::Arn";
/// Where this is.
pub const REGION: &str = "AWS::Region";
/// Whose.
pub const ACCOUNT: &str = "AWS::AccountId";

/// A template.
#[derive(Clone, Debug)]
pub struct Template {
    parameters: BTreeMap<String, Option<String>>,
    thing: Option<Value>,
    overrides: Overrides,
    status: Option<Value>,
    policies: Vec<Value>,
    configuration: Map<String, Value>,
}

/// What happens to a thing that is there already.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Override {
    /// It stays as it is.
    #[default]
    DoNothing,
    /// The device is refused.
    Fail,
    /// What is said is added.
    Merge,
    /// What is said takes the place of what was.
    Replace,
}

/// The same for each of its properties.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Overrides {
    /// What is noted of it.
    pub attribute_payload: Override,
    /// Its groups.
    pub thing_groups: Override,
    /// Its type.
    pub thing_type_name: Override,
}

/// What a device becomes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// The thing that it is, if it is one.
    pub thing: Option<ThingOutcome>,
    /// Whether its certificate counts.
    pub is_active: bool,
    /// Policies of its certificate: names, or documents.
    pub policies: Vec<PolicyOutcome>,
    /// What it is told.
    pub configuration: BTreeMap<String, String>,
}

/// A thing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ThingOutcome {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Option<String>,
    /// What is noted of it.
    pub attributes: BTreeMap<String, String>,
    /// Its groups.
    pub groups: Vec<String>,
    /// What happens if it is there.
    pub overrides: Overrides,
}

/// A policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PolicyOutcome {
    /// What it says.
    Document(String),
    /// One that is there.
    Name(String),
}

/// What is wrong, for its author or for the device.
pub type Wrong = String;

impl Template {
    /// Read one.
    ///
    /// # Errors
    /// It is none; what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        if text.len() > LARGEST {
            return Err(format!("a template has up to {LARGEST} bytes"));
        }
        let written: Written =
            serde_json::from_str(text).map_err(|error| format!("it cannot be read: {error}"))?;
        let parameters = written.parameters.into_iter().map(|(name, one)| (name, one.default));
        let mut template = Self {
            parameters: parameters.collect(),
            thing: None,
            overrides: Overrides::default(),
            status: None,
            policies: Vec::new(),
            configuration: written.device_configuration,
        };
        let mut has_certificate = false;
        for (name, Resource { kind, properties, override_settings }) in written.resources {
            match kind.as_str() {
                "AWS::IoT::Thing" if template.thing.is_none() => {
                    template.thing = Some(Value::Object(properties));
                    template.overrides = override_settings;
                }
                "AWS::IoT::Certificate" if !has_certificate => {
                    has_certificate = true;
                    template.status = properties.get("Status").cloned();
                }
                "AWS::IoT::Policy" => template.policies.push(Value::Object(properties)),
                "AWS::IoT::Thing" | "AWS::IoT::Certificate" => {
                    return Err(format!("the resource {name} is the second of {kind}"));
                }
                _ => return Err(format!("the resource {name} is of {kind}, which is not served")),
            }
        }
        match has_certificate {
            true => template.checked(),
            false => Err("it has no resource of AWS::IoT::Certificate".to_owned()),
        }
    }

    /// Whether it can be asked at all: with something for each parameter nothing may be wrong with it
    /// but what the parameters are.
    fn checked(self) -> Result<Self, Wrong> {
        let known = [CERTIFICATE_ID, CERTIFICATE_ARN, REGION, ACCOUNT].map(str::to_owned);
        let names = self.parameters.keys().cloned().chain(known);
        let some: Parameters = names.map(|name| (name, "0".to_owned())).collect();
        Scope { parameters: &some, is_trial: true }.outcome(&self)?;
        Ok(self)
    }

    /// What becomes of a device that says this.
    ///
    /// # Errors
    /// A parameter is missing, unknown or too long, or something cannot be made of them.
    pub fn ask(&self, said: &Parameters, known: Parameters) -> Result<Outcome, Wrong> {
        if said.len() > MOST_PARAMETERS || said.values().any(|value| value.len() > LONGEST) {
            return Err("there are too many parameters, or one is too long".to_owned());
        }
        if let Some(name) = said.keys().find(|name| name.starts_with("AWS::")) {
            return Err(format!("the parameter {name} is not for devices to say"));
        }
        let mut parameters = known;
        for (name, default) in &self.parameters {
            if parameters.contains_key(name) {
                continue;
            }
            let value = said.get(name).or(default.as_ref());
            let value = value.ok_or_else(|| format!("the parameter {name} is missing"))?;
            parameters.insert(name.clone(), value.clone());
        }
        Scope { parameters: &parameters, is_trial: false }.outcome(self)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    resources: BTreeMap<String, Resource>,
    #[serde(default)]
    device_configuration: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    default: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: Map<String, Value>,
    #[serde(default)]
    override_settings: Overrides,
}

/// What names stand for.
struct Scope<'p> {
    parameters: &'p Parameters,
    /// Whether what comes of it is only looked at for its form.
    is_trial: bool,
}

impl Scope<'_> {
    fn outcome(&self, template: &Template) -> Result<Outcome, Wrong> {
        let thing = template.thing.as_ref().map(|thing| self.thing(thing, template.overrides));
        let status = match &template.status {
            None => "ACTIVE".to_owned(),
            Some(status) => self.text(status, DEEPEST)?,
        };
        let is_active = match status.to_ascii_uppercase().as_str() {
            "ACTIVE" => true,
            "INACTIVE" => false,
            _ if self.is_trial => false,
            _ => return Err("the status of a certificate is ACTIVE or INACTIVE".to_owned()),
        };
        let configuration = template.configuration.iter();
        let configuration =
            configuration.map(|(name, value)| Ok((name.clone(), self.text(value, DEEPEST)?)));
        Ok(Outcome {
            thing: thing.transpose()?,
            is_active,
            policies: template
                .policies
                .iter()
                .map(|policy| self.policy(policy))
                .collect::<Result<_, Wrong>>()?,
            configuration: configuration.collect::<Result<_, Wrong>>()?,
        })
    }

    fn thing(&self, thing: &Value, overrides: Overrides) -> Result<ThingOutcome, Wrong> {
        let property = |name: &str| thing.get(name).filter(|value| !value.is_null());
        let name = property("ThingName").ok_or("a thing has no ThingName")?;
        let kind = property("ThingTypeName").map(|kind| self.text(kind, DEEPEST)).transpose()?;
        let mut attributes = BTreeMap::new();
        if let Some(payload) = property("AttributePayload") {
            let payload = payload.as_object().ok_or("AttributePayload is no object")?;
            for (name, value) in payload {
                attributes.insert(name.clone(), self.text(value, DEEPEST)?);
            }
        }
        let groups = match property("ThingGroups") {
            None => Vec::new(),
            Some(groups) => {
                let groups = groups.as_array().ok_or("ThingGroups is no list")?;
                groups.iter().map(|group| self.text(group, DEEPEST)).collect::<Result<_, _>>()?
            }
        };
        if property("BillingGroup").is_some() {
            return Err("BillingGroup is not served".to_owned());
        }
        Ok(ThingOutcome { name: self.text(name, DEEPEST)?, kind, attributes, groups, overrides })
    }

    fn policy(&self, policy: &Value) -> Result<PolicyOutcome, Wrong> {
        match (policy.get("PolicyName"), policy.get("PolicyDocument")) {
            (Some(name), None) => Ok(PolicyOutcome::Name(self.text(name, DEEPEST)?)),
            (None, Some(Value::Object(document))) if !is_function(document) => {
                Ok(PolicyOutcome::Document(Value::Object(document.clone()).to_string()))
            }
            (None, Some(document)) => Ok(PolicyOutcome::Document(self.text(document, DEEPEST)?)),
            _ => Err("a policy has either a PolicyName or a PolicyDocument".to_owned()),
        }
    }

    /// A text, or what a function makes.
    fn text(&self, value: &Value, depth: usize) -> Result<String, Wrong> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Object(function) => self.call(function, depth)?,
            _ => return Err("a value is neither a text nor a function".to_owned()),
        };
        match text.len() <= LONGEST {
            true => Ok(text),
            false => Err(format!("a text would have more than {LONGEST} bytes")),
        }
    }

    fn call(&self, function: &Map<String, Value>, depth: usize) -> Result<String, Wrong> {
        let depth = depth.checked_sub(1).ok_or("functions are too deep in one another")?;
        let mut members = function.iter();
        let (Some((name, given)), None) = (members.next(), members.next()) else {
            return Err("a function is an object with one member".to_owned());
        };
        let pair = || match given.as_array().map(Vec::as_slice) {
            Some([first, second]) => Ok((first, second)),
            _ => Err(format!("{name} takes a list of two")),
        };
        match name.as_str() {
            "Ref" => self.of(given.as_str().ok_or("Ref takes a name")?).map(str::to_owned),
            "Fn::Join" => {
                let (between, parts) = pair()?;
                let between = between.as_str().ok_or("Fn::Join takes a text first")?;
                self.joined(&self.list(parts, depth)?, between)
            }
            "Fn::Select" => {
                let (index, list) = pair()?;
                let index: usize = self
                    .text(index, depth)?
                    .parse()
                    .map_err(|_| "Fn::Select takes a number first".to_owned())?;
                match self.list(list, depth)?.into_iter().nth(index) {
                    Some(found) => Ok(found),
                    // How many there are is known with the parameters.
                    None if self.is_trial => Ok(String::new()),
                    None => Err(format!("Fn::Select: there is no element {index}")),
                }
            }
            "Fn::Sub" => match given {
                Value::String(text) => self.substituted(text, &Parameters::new()),
                _ => {
                    let (text, own) = pair()?;
                    let text = text.as_str().ok_or("Fn::Sub takes a text first")?;
                    let own = own.as_object().ok_or("Fn::Sub takes an object second")?;
                    let own = own
                        .iter()
                        .map(|(name, value)| Ok((name.clone(), self.text(value, depth)?)));
                    self.substituted(text, &own.collect::<Result<_, Wrong>>()?)
                }
            },
            _ => Err(format!("the function {name} is not served")),
        }
    }

    /// Texts, or what `Fn::Split` makes.
    fn list(&self, value: &Value, depth: usize) -> Result<Vec<String>, Wrong> {
        let depth = depth.checked_sub(1).ok_or("functions are too deep in one another")?;
        if let Some(elements) = value.as_array() {
            return elements.iter().map(|element| self.text(element, depth)).collect();
        }
        match value.get("Fn::Split").and_then(Value::as_array).map(Vec::as_slice) {
            Some([Value::String(between), text]) if !between.is_empty() => {
                let text = self.text(text, depth)?;
                Ok(text.split(between.as_str()).map(str::to_owned).collect())
            }
            _ => Err("a list is written out, or made with Fn::Split".to_owned()),
        }
    }

    fn joined(&self, parts: &[String], between: &str) -> Result<String, Wrong> {
        let letters: usize = parts.iter().map(|part| part.len() + between.len()).sum();
        match letters <= LONGEST {
            true => Ok(parts.join(between)),
            false => Err(format!("a text would have more than {LONGEST} bytes")),
        }
    }

    /// A text with `${NAME}` replaced; `${!NAME}` stays as `${NAME}`.
    fn substituted(&self, text: &str, own: &Parameters) -> Result<String, Wrong> {
        let (mut made, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or("Fn::Sub: a ${ has no }")?;
            made.push_str(before);
            match (name.strip_prefix('!'), own.get(name)) {
                (Some(name), _) => made.push_str(&format!("${{{name}}}")),
                (None, Some(value)) => made.push_str(value),
                (None, None) => made.push_str(self.of(name)?),
            }
            if made.len() > LONGEST {
                return Err(format!("a text would have more than {LONGEST} bytes"));
            }
            rest = after;
        }
        made.push_str(rest);
        Ok(made)
    }

    fn of(&self, name: &str) -> Result<&str, Wrong> {
        let found = self.parameters.get(name).map(String::as_str);
        found.ok_or_else(|| format!("there is no parameter {name}"))
    }
}

fn is_function(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.keys().all(|name| name == "Ref" || name.starts_with("Fn::"))
}
