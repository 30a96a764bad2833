//! The functions of both interfaces.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::capability::View;
use crate::contract::Error;
use crate::contract::host::{CustomFieldsRead, CustomFieldsWrite};
use crate::contract::wire::custom_fields as wire;

use super::backend::{Entity, Filter, Organisation, Update};
use super::change::{Change, GivenChange, Unmade};
use super::condition::{Condition, GivenCondition};
use super::definition::{Definition, Wrong};
use super::fields::{Access, FieldsAccess, Named};
use super::value::{Given, Value};

/// The most filters of a query.
const FILTERS: usize = 20;
/// The most bytes of values that a call sets, as they are stored.
const SET_BYTES: usize = 1 << 20;
/// The most bytes of values that a call returns, as they are stored.
const GET_BYTES: usize = 8 << 20;

/// What is wrong with single fields of a call, one line for each.
#[derive(Default)]
struct Complaints {
    lines: String,
    not_only_sizes: bool,
}

impl Complaints {
    fn add(&mut self, field: &str, wrong: &Wrong) {
        self.not_only_sizes |= matches!(wrong, Wrong::Value(_));
        let separator = if self.lines.is_empty() { "" } else { "\n" };
        // Reasons quote what they show of a value, so none of them has a line's end.
        let _ = write!(self.lines, "{separator}{field}: {}", wrong.reason());
    }

    fn of(field: &str, wrong: &Wrong) -> Error {
        let mut complaints = Self::default();
        complaints.add(field, wrong);
        complaints.into_error()
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn into_error(self) -> Error {
        if self.not_only_sizes {
            Error::InvalidArgument(self.lines)
        } else {
            Error::TooLarge(self.lines)
        }
    }
}

impl Named {
    /// The field, where there must be one.
    fn found(self, entity_type: &str) -> Result<(String, Arc<Definition>), Error> {
        let shown = self.shown;
        match self.definition {
            Some(definition) => Ok((shown, definition)),
            None => Err(Error::NotFound(format!(
                "there is no custom field {shown} on {entity_type}"
            ))),
        }
    }
}

fn no_such_field() -> Wrong {
    Wrong::Value("there is no such field".to_owned())
}

impl View<'_, FieldsAccess> {
    fn organisation(&self) -> Organisation {
        Organisation(self.caller.context().org_id)
    }

    fn entity(&self, entity_type: String, id: i64) -> Entity {
        Entity {
            entity_type,
            id,
            organisation: self.organisation(),
        }
    }

    async fn read(
        &self,
        entity_type: String,
        id: i64,
        names: Vec<String>,
    ) -> Result<Vec<wire::Field>, Error> {
        let access = self.state()?;
        let mut shown = Vec::new();
        let mut fields = Vec::new();
        if names.is_empty() {
            for own in access.own(self.caller, Access::Read, &entity_type)? {
                shown.push(own.name().name.clone());
                fields.push(own);
            }
        } else {
            let named = access.named(self.caller, Access::Read, &entity_type, names);
            for named in named.await? {
                let (name, field) = named.found(&entity_type)?;
                shown.push(name);
                fields.push(field);
            }
        }
        let entity = self.entity(entity_type, id);
        let deadline = self.caller.deadline();
        let values = access.store.values(entity, fields, deadline).await?;
        let bytes: usize = values
            .iter()
            .flatten()
            .map(|value| value.to_text().len())
            .sum();
        if bytes > GET_BYTES {
            return Err(Error::TooLarge(format!(
                "the values have {bytes} bytes; a call returns at most {GET_BYTES}, so ask for fewer fields"
            )));
        }
        Ok(returned(shown, values))
    }

    async fn find(
        &self,
        entity_type: String,
        filters: Vec<wire::Filter>,
    ) -> Result<Vec<i64>, Error> {
        let access = self.state()?;
        if filters.is_empty() || filters.len() > FILTERS {
            // What may not be touched stays the first answer.
            access
                .named(self.caller, Access::Read, &entity_type, Vec::new())
                .await?;
            return Err(Error::InvalidArgument(format!(
                "plugin \"{}\" queried with {} filters; a query has 1 to {FILTERS}",
                self.caller.plugin(),
                filters.len()
            )));
        }
        let (names, conditions): (Vec<_>, Vec<_>) = filters
            .into_iter()
            .map(|filter| (filter.field, GivenCondition::from(filter.condition)))
            .unzip();
        let named = access.named(self.caller, Access::Read, &entity_type, names);
        let mut filters = Vec::new();
        let mut complaints = Complaints::default();
        for (named, condition) in named.await?.into_iter().zip(conditions) {
            let (shown, field) = named.found(&entity_type)?;
            match Condition::parse(&field, condition) {
                Ok(condition) => filters.push(Filter { field, condition }),
                Err(wrong) => complaints.add(&shown, &wrong),
            }
        }
        if !complaints.is_empty() {
            return Err(complaints.into_error());
        }
        let deadline = self.caller.deadline();
        let found = access.store.query(self.organisation(), filters, deadline);
        Ok(found.await?)
    }

    async fn write(
        &self,
        entity_type: String,
        id: i64,
        values: Vec<wire::Field>,
    ) -> Result<(), Error> {
        let access = self.state()?;
        let (names, given): (Vec<_>, Vec<_>) = values
            .into_iter()
            .map(|field| (field.name, field.value.map(Given::from)))
            .unzip();
        let named = access.named(self.caller, Access::Write, &entity_type, names);
        let named = named.await?;
        let mut complaints = Complaints::default();
        let mut fields: Vec<Arc<Definition>> = Vec::new();
        let mut values = Vec::new();
        let mut bytes = 0;
        for (Named { shown, definition }, given) in named.into_iter().zip(given) {
            let Some(field) = definition else {
                complaints.add(&shown, &no_such_field());
                continue;
            };
            if fields.iter().any(|other| other.name() == field.name()) {
                let twice = Wrong::Value("stands there twice".to_owned());
                complaints.add(&shown, &twice);
                continue;
            }
            let value = match given {
                Some(given) => field.accept(given).map(Some),
                None => field.check_removal().map(|()| None),
            };
            match value {
                Ok(value) => {
                    bytes += value.as_ref().map_or(0, |value| value.to_text().len());
                    values.push(value);
                }
                Err(wrong) => complaints.add(&shown, &wrong),
            }
            fields.push(field);
        }
        if !complaints.is_empty() {
            return Err(complaints.into_error());
        }
        if bytes > SET_BYTES {
            return Err(Error::TooLarge(format!(
                "the values have {bytes} bytes; a call sets at most {SET_BYTES}"
            )));
        }
        if fields.is_empty() {
            return Ok(());
        }
        let entity = self.entity(entity_type, id);
        let update: Update = Box::new(move |_| Ok(values));
        let deadline = self.caller.deadline();
        access
            .store
            .update(entity, fields, update, deadline)
            .await?;
        Ok(())
    }

    async fn change(
        &self,
        entity_type: String,
        id: i64,
        changes: Vec<wire::Change>,
    ) -> Result<Vec<wire::Field>, Error> {
        let access = self.state()?;
        let (names, operations): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .map(|change| (change.field, GivenChange::from(change.operation)))
            .unzip();
        let named = access.named(self.caller, Access::Write, &entity_type, names);
        let named = named.await?;
        let mut complaints = Complaints::default();
        let mut shown: Vec<String> = Vec::new();
        let mut fields: Vec<Arc<Definition>> = Vec::new();
        // Each with the index of its field in `fields`.
        let mut steps: Vec<(usize, Change)> = Vec::new();
        for (
            Named {
                shown: name,
                definition,
            },
            operation,
        ) in named.into_iter().zip(operations)
        {
            let Some(field) = definition else {
                complaints.add(&name, &no_such_field());
                continue;
            };
            match Change::parse(&field, operation) {
                Ok(change) => {
                    let index = fields.iter().position(|one| one.name() == field.name());
                    let index = index.unwrap_or_else(|| {
                        shown.push(name);
                        fields.push(field);
                        fields.len() - 1
                    });
                    steps.push((index, change));
                }
                Err(wrong) => complaints.add(&name, &wrong),
            }
        }
        if !complaints.is_empty() {
            return Err(complaints.into_error());
        }
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let entity = self.entity(entity_type, id);
        let (names, definitions) = (shown.clone(), fields.clone());
        let update: Update = Box::new(move |values| make(&names, &definitions, &steps, values));
        let deadline = self.caller.deadline();
        let values = access
            .store
            .update(entity, fields, update, deadline)
            .await?;
        Ok(returned(shown, values))
    }
}

/// Makes changes one after the other.
fn make(
    names: &[String],
    fields: &[Arc<Definition>],
    steps: &[(usize, Change)],
    mut values: Vec<Option<Value>>,
) -> Result<Vec<Option<Value>>, Error> {
    for (index, change) in steps {
        let (Some(name), Some(field), Some(value)) = (
            names.get(*index),
            fields.get(*index),
            values.get_mut(*index),
        ) else {
            continue;
        };
        *value = change
            .make(field, value.take())
            .map_err(|unmade| match unmade {
                Unmade::Wrong(wrong) => Complaints::of(name, &wrong),
                Unmade::Unexpected => {
                    Error::Conflict(format!("{name}: the value is not the expected one"))
                }
            })?;
    }
    Ok(values)
}

fn returned(names: Vec<String>, values: Vec<Option<Value>>) -> Vec<wire::Field> {
    let fields = names.into_iter().zip(values);
    fields
        .map(|(name, value)| wire::Field {
            name,
            value: value.map(wire::FieldValue::from),
        })
        .collect()
}

impl CustomFieldsRead for View<'_, FieldsAccess> {
    async fn get(
        &mut self,
        entity_type: String,
        id: i64,
        fields: Vec<String>,
    ) -> Result<Vec<wire::Field>, Error> {
        self.read(entity_type, id, fields).await
    }

    async fn query(
        &mut self,
        entity_type: String,
        filters: Vec<wire::Filter>,
    ) -> Result<Vec<i64>, Error> {
        self.find(entity_type, filters).await
    }
}

impl CustomFieldsWrite for View<'_, FieldsAccess> {
    async fn set(
        &mut self,
        entity_type: String,
        id: i64,
        values: Vec<wire::Field>,
    ) -> Result<(), Error> {
        self.write(entity_type, id, values).await
    }

    async fn apply(
        &mut self,
        entity_type: String,
        id: i64,
        changes: Vec<wire::Change>,
    ) -> Result<Vec<wire::Field>, Error> {
        self.change(entity_type, id, changes).await
    }
}
