//! Region and account: what ARNs name, and signatures.

use crate::state::{Key, Rows, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};
use thiserror::Error;

const PLACE: Table<Place> = Table::new("place");

/// Where this control plane is, as its clients see it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Place {
    /// The region. The Java nucleus takes only those of AWS.
    pub region: String,
    /// The account: 12 digits.
    pub account: String,
}

/// Why a place is none.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// It is written otherwise.
    #[error("{option} is {value:?}; write {example}")]
    Form {
        /// The option that says it.
        option: &'static str,
        /// What it says.
        value: String,
        /// What is right.
        example: &'static str,
    },
    /// ARNs that were given out name another.
    #[error(
        "the data is of account {} in {}, and ARNs in it say so; start with --account {} \
         --region {}, or name another folder with --data",
        .0.account, .0.region, .0.account, .0.region
    )]
    Moved(Place),
    /// The state fails.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Place {
    /// A region, `us-east-1` where none is said, and an account, which is zeros then.
    ///
    /// # Errors
    /// One is not well formed.
    pub fn new(region: Option<String>, account: Option<String>) -> Result<Self, PlaceError> {
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let account = account.unwrap_or_else(|| "000000000000".to_owned());
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || region.len() > 32 || !region.bytes().all(letter) {
            let example = "the name of a region, such as eu-central-1";
            return Err(PlaceError::Form { option: "--region", value: region, example });
        }
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            let example = "12 digits";
            return Err(PlaceError::Form { option: "--account", value: account, example });
        }
        Ok(Self { region, account })
    }

    /// Stay where the state says that this is; it is told the first time.
    ///
    /// # Errors
    /// It says something else than was asked for, which is what is given.
    pub fn settle(
        transaction: &mut dyn Transaction,
        region: Option<String>,
        account: Option<String>,
    ) -> Result<Self, PlaceError> {
        let known = PLACE.get(transaction, &Key::new())?;
        let (known_region, known_account) = match &known {
            Some(place) => (Some(place.region.clone()), Some(place.account.clone())),
            None => (None, None),
        };
        let place = Self::new(region.or(known_region), account.or(known_account))?;
        match known {
            Some(known) if known != place => Err(PlaceError::Moved(known)),
            Some(known) => Ok(known),
            None => {
                PLACE.put(transaction, &Key::new(), &place)?;
                Ok(place)
            }
        }
    }

    /// Where the state says that this is; `None`: it was not told yet.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn known(rows: &dyn Rows) -> Result<Option<Self>, StateError> {
        PLACE.get(rows, &Key::new())
    }

    /// The ARN of something of a service.
    pub fn arn(&self, service: &str, what: &str) -> String {
        let Self { region, account } = self;
        format!("arn:aws:{service}:{region}:{account}:{what}")
    }

    /// The thing of a core device's ARN, by which it has tags.
    pub fn core_device<'a>(&self, arn: &'a str) -> Option<&'a str> {
        arn.strip_prefix(self.arn("greengrass", "coreDevices:").as_str())
    }

    /// What an ARN of a service names, if it is one of here: what follows `thing/`, for example.
    pub fn named<'a>(&self, arn: &'a str, service: &str, kind: &str) -> Option<&'a str> {
        arn.strip_prefix(self.arn(service, kind).as_str())?.strip_prefix('/')
    }
}
