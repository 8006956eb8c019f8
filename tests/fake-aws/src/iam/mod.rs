//! AWS Identity and Access Management: as much as a person needs to look after the own keys and devices.

use crate::api::Action;

pub(crate) fn action(_name: &str) -> Option<Action> {
    None
}
