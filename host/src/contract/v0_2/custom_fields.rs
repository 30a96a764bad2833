//! `custom-fields-read` and `custom-fields-write`, with the record of the draft.

use super::custom_field_types::{Change, Field, Filter};
use super::generated::plugin::goatherd::plugin::{custom_fields_read, custom_fields_write};
use crate::contract::Error;
use crate::contract::host::{CustomFieldsRead, CustomFieldsWrite};
use crate::contract::wire::custom_fields::Field as PlainField;

fn given(fields: Vec<PlainField>) -> Vec<Field> {
    fields.into_iter().map(Into::into).collect()
}

impl<V: CustomFieldsRead> custom_fields_read::Host for V {
    async fn get(
        &mut self,
        entity_type: String,
        id: i64,
        fields: Vec<String>,
    ) -> Result<Vec<Field>, Error> {
        let fields = CustomFieldsRead::get(self, entity_type, id, fields).await?;
        Ok(given(fields))
    }

    async fn query(
        &mut self,
        entity_type: String,
        filters: Vec<Filter>,
    ) -> Result<Vec<i64>, Error> {
        CustomFieldsRead::query(self, entity_type, filters).await
    }
}

impl<V: CustomFieldsWrite> custom_fields_write::Host for V {
    async fn set(&mut self, entity_type: String, id: i64, values: Vec<Field>) -> Result<(), Error> {
        let values = values.into_iter().map(PlainField::try_from);
        let values = values.collect::<Result<_, _>>()?;
        CustomFieldsWrite::set(self, entity_type, id, values).await
    }

    async fn apply(
        &mut self,
        entity_type: String,
        id: i64,
        changes: Vec<Change>,
    ) -> Result<Vec<Field>, Error> {
        let fields = CustomFieldsWrite::apply(self, entity_type, id, changes).await?;
        Ok(given(fields))
    }
}
