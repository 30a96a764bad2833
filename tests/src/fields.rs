//! Custom fields: the guest that has them, and a table full of their values.

use std::path::Path;
use std::time::{Duration, Instant};

use goatherd::capability::custom_fields::value::{Given, Value};
use goatherd::capability::custom_fields::{
    CustomFieldStore as _, Declaration, Definition, FieldName, SqliteFields,
};
use goatherd::contract::Json;
use goatherd::contract::registration::FieldType;
use goatherd::store::SqliteStore;
use rusqlite::{Connection, params};

/// The guest `probe-fields` under another name of at most twelve signs, registering in a way that its documentation
/// names: `a` is as ever.
pub fn guest(name: &str, how: char) -> Vec<u8> {
    let mut bytes = crate::guest("probe-fields");
    let marker = b"GOATHERD-FIELDS:";
    let place = crate::guest::find(&bytes, marker) + marker.len();
    bytes[place..place + 12].copy_from_slice(format!("{name:12}").as_bytes());
    bytes[place + 13] = u8::try_from(how).expect("a letter of the Latin alphabet");
    bytes
}

/// Fills a SQLite file with `count` tickets, each with three custom fields of the plugin `probe-fields`, set by calls
/// without an organisation. A million take some twenty seconds.
///
/// Ticket `id`, from 1 on, has the `number` [`number`] (each number below `count` once), the `text` [`text`] and the
/// `point` [`place`]. The tables are those of [`SqliteFields`], which a host then opens as ever:
///
/// ```no_run
/// use goatherd::capability::custom_fields::{CustomFields, SqliteFields};
/// use goatherd::store::SqliteStore;
/// use goatherd_tests::{fields, host_builder};
///
/// let path = std::path::Path::new("fields.db");
/// fields::fill(path, 1_000_000);
/// let store = SqliteFields::open(SqliteStore::open(path).unwrap()).unwrap();
/// let host = host_builder().provider(CustomFields::new(store)).build();
/// // Load goatherd_tests::guest("probe-fields") with the grant custom_fields:read=ticket, and call
/// // "query" with {"type": "ticket", "filters": [["number", "eq", {"integer": 77}]]},
/// // "query" with {"type": "ticket", "filters": [["point", "near", [48.2, 16.4, 25]]]}.
/// ```
pub fn fill(path: &Path, count: i64) {
    let store = SqliteStore::open(path).expect("the database opens");
    let fields = SqliteFields::open(store).expect("the tables are made");
    let definitions = [
        ("number", FieldType::Integer),
        ("text", FieldType::Text),
        ("point", FieldType::Point),
    ]
    .map(|(name, field_type)| {
        let declaration = Declaration {
            name: FieldName {
                plugin: "probe-fields".parse().expect("a plugin's name"),
                entity_type: "ticket".to_owned(),
                name: name.to_owned(),
            },
            field_type,
            required: false,
            config: Json::default(),
            label: name.to_owned(),
            section: "custom".to_owned(),
            order: 0,
            description: String::new(),
            placeholder: String::new(),
        };
        Definition::new(declaration).expect("a field without rules")
    });
    let declarations = definitions.iter().map(|field| field.declaration().clone());
    let declared = fields.declare(
        declarations.collect(),
        Instant::now() + Duration::from_secs(60),
    );
    // There may be a runtime around, in which another cannot wait.
    let declared = std::thread::scope(|scope| {
        let declaring = scope.spawn(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(declared)
        });
        declaring.join().expect("declaring does not panic")
    });
    declared.expect("the fields are declared");
    let mut connection = Connection::open(path).expect("the database opens");
    connection
        .execute_batch("PRAGMA synchronous = off; PRAGMA cache_size = -200000")
        .expect("settings");
    let transaction = connection.transaction().expect("the database is ours");
    let ids: Vec<i64> = definitions
        .iter()
        .map(|field| {
            let sql =
                "SELECT id FROM goatherd_custom_field WHERE plugin = 'probe-fields' AND name = ?";
            let id = transaction.query_row(sql, [&field.name().name], |row| row.get(0));
            id.expect("it was declared")
        })
        .collect();
    // Sorted at once instead of row by row.
    let index = "SELECT sql FROM sqlite_schema WHERE name = 'goatherd_custom_value_by_key'";
    let index: String = transaction
        .query_row(index, [], |row| row.get(0))
        .expect("there is an index");
    transaction
        .execute_batch("DROP INDEX goatherd_custom_value_by_key")
        .expect("there is an index");
    {
        let sql = "INSERT INTO goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (?, ?, '', ?, ?)";
        let mut insert = transaction.prepare(sql).expect("the table is there");
        for id in 1..=count {
            let (latitude, longitude) = place(id);
            let given = [
                Given::Integer(number(id, count)),
                Given::Text(text(id)),
                Given::Point(latitude, longitude),
            ];
            for ((definition, field_id), given) in definitions.iter().zip(&ids).zip(given) {
                let value: Value = definition.accept(given).expect("a value of the field");
                insert
                    .execute(params![id, field_id, value.key(), value.to_text()])
                    .expect("a new value");
            }
        }
    }
    transaction
        .execute_batch(&index)
        .expect("the index is made again");
    transaction.commit().expect("the values are kept");
}

/// The number of ticket `id` among `count`: each below `count` once, in no order.
pub fn number(id: i64, count: i64) -> i64 {
    // Coprime to every count whose only factors are smaller ones.
    id.wrapping_mul(7_368_787) % count
}

/// The text of ticket `id`.
pub fn text(id: i64) -> String {
    format!(
        "Ticket {id:07} about {}",
        ["printers", "Networks", "chairs"][(id % 3) as usize]
    )
}

/// The latitude and longitude of ticket `id`, all over the world.
pub fn place(id: i64) -> (f64, f64) {
    let share = |factor: f64| (id as f64 * factor).fract();
    (
        share(0.618_033_988_749_895) * 170.0 - 85.0,
        share(0.754_877_666_246_693) * 360.0 - 180.0,
    )
}
