//! Policies as JSON: the Go system's field names, and more of them.
//!
//! A document is read once and wholly: an unknown field is an error, since a misspelt limit that is ignored is worse than a
//! policy that is refused. What is absent has the default policy's value, with two exceptions that give less: without
//! `permissions` nothing is granted, and without `status` nobody has decided. An absent rate is *not* unlimited, as it was in
//! the Go system; 0 is.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::bounds::{Bound, FieldError, Mebibytes, Timeout};
use super::{ComponentId, Origin, PolicyChange, ResourcePolicy, Status};
use crate::contract::PluginName;
use crate::permission::{Access, Counted, Grant, Grants, Rates};
use crate::runtime::InstanceMode;

/// The most of what is counted in a period.
const RATE_MAX: u32 = u32::MAX;
/// The most instances, which is how many live in a whole host.
const INSTANCES_MAX: u32 = 1_000;
/// The most calls that wait.
const QUEUE_MAX: u32 = 100_000;
/// The most grants of one policy.
const GRANTS_MAX: usize = 1_000;

/// A document: its rates, and the fields that are always the same.
struct Written {
    fixed: Fixed,
    rates: Vec<(Counted, i64)>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fixed {
    plugin_name: Option<PluginName>,
    status: Option<String>,
    memory_mb: Option<i64>,
    call_timeout: Option<Timeout>,
    init_timeout: Option<Timeout>,
    shutdown_timeout: Option<Timeout>,
    permissions: Option<Grants>,
    mode: Option<InstanceMode>,
    instances: Option<i64>,
    queue: Option<i64>,
    max_invocations: Option<i64>,
    decided_by: Option<String>,
    component: Option<ComponentId>,
    revision: Option<u64>,
}

/// The fields that are set of a policy as a whole, and not by a change.
struct Head {
    plugin: Option<PluginName>,
    status: Option<Status>,
    origin: Option<Origin>,
    component: Option<ComponentId>,
    revision: Option<u64>,
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let mut fields = Map::deserialize(deserializer)?;
        let named = fields.keys();
        let named: Vec<(String, Counted)> = named
            .filter_map(|field| Some((field.clone(), Counted::of_field(field)?)))
            .collect();
        let mut rates = Vec::with_capacity(named.len());
        for (field, counted) in named {
            let rate = fields.remove(&field).unwrap_or_default();
            let rate = Option::<i64>::deserialize(rate)
                .map_err(|error| D::Error::custom(format_args!("{field}: {error}")))?;
            rates.extend(rate.map(|rate| (counted, rate)));
        }
        let fixed = Fixed::deserialize(Value::Object(fields))
            .map_err(|error| D::Error::custom(with_rates(&error.to_string())))?;
        Ok(Self { fixed, rates })
    }
}

/// Serde lists the fields that are there, but for the rates, which it does not know.
fn with_rates(error: &str) -> String {
    if !error.starts_with("unknown field") {
        return error.to_owned();
    }
    let rates = Counted::OURS.iter();
    let rates: Vec<String> = rates.map(|rate| format!("`{}`", rate.field())).collect();
    format!("{error}, {}", rates.join(", "))
}

impl Written {
    fn parse(self) -> Result<(Head, PolicyChange), FieldError> {
        let mut rates = BTreeMap::new();
        for (counted, rate) in self.rates {
            let bound = Bound::read(rate, RATE_MAX);
            let bound = bound.map_err(|reason| FieldError::new(&counted.field(), reason))?;
            rates.insert(counted, bound);
        }
        self.fixed.parse(rates)
    }
}

impl Fixed {
    fn parse(self, rates: BTreeMap<Counted, Bound>) -> Result<(Head, PolicyChange), FieldError> {
        let bound = |field: &str, number: Option<i64>, most: u32| {
            let read = number.map(|number| Bound::read(number, most)).transpose();
            read.map_err(|reason| FieldError::new(field, reason))
        };
        let memory = self.memory_mb.map(Mebibytes::new).transpose();
        let queue = self.queue.map(|queue| {
            u32::try_from(queue)
                .ok()
                .filter(|queue| *queue <= QUEUE_MAX)
                .ok_or_else(|| {
                    FieldError::new(
                        "queue",
                        format!("{queue} is no usable length; write 0 to {QUEUE_MAX}"),
                    )
                })
        });
        if let Some(grants) = &self.permissions
            && grants.iter().len() > GRANTS_MAX
        {
            let reason = format!(
                "there are {} grants; at most {GRANTS_MAX} are taken",
                grants.iter().len()
            );
            return Err(FieldError::new("permissions", reason));
        }
        let change = PolicyChange {
            grants: self.permissions,
            memory: memory.map_err(|reason| FieldError::new("memory_mb", reason))?,
            call_timeout: self.call_timeout,
            init_timeout: self.init_timeout,
            shutdown_timeout: self.shutdown_timeout,
            mode: self.mode,
            instances: bound("instances", self.instances, INSTANCES_MAX)?,
            queue: queue.transpose()?,
            max_invocations: bound("max_invocations", self.max_invocations, RATE_MAX)?,
            rates,
        };
        let head = Head {
            plugin: self.plugin_name,
            status: self.status.map(|text| text.parse()).transpose()?,
            origin: self.decided_by.map(|text| text.parse()).transpose()?,
            component: self.component,
            revision: self.revision,
        };
        Ok((head, change))
    }
}

impl<'de> Deserialize<'de> for ResourcePolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let (head, change) = Written::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)?;
        let plugin = head
            .plugin
            .ok_or_else(|| D::Error::missing_field("plugin_name"))?;
        let mut policy = Self::default_for(plugin);
        policy.grants = Grants::default();
        policy.apply(&change);
        policy.status = head.status.unwrap_or_default();
        policy.origin = head.origin.unwrap_or(Origin::Operator);
        policy.component = head.component;
        policy.revision = head.revision.unwrap_or_default();
        Ok(policy)
    }
}

impl<'de> Deserialize<'de> for PolicyChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let (head, change) = Written::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)?;
        let fixed = [
            ("plugin_name", head.plugin.is_some()),
            ("status", head.status.is_some()),
            ("decided_by", head.origin.is_some()),
            ("component", head.component.is_some()),
            ("revision", head.revision.is_some()),
        ];
        if let Some((field, _)) = fixed.iter().find(|(_, given)| *given) {
            let reason = "it cannot be changed so; the status is changed by approve, restrict and block, the others by none";
            return Err(D::Error::custom(FieldError::new(field, reason)));
        }
        Ok(change)
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    plugin_name: &'a PluginName,
    status: &'static str,
    memory_mb: u32,
    call_timeout: Timeout,
    init_timeout: Timeout,
    shutdown_timeout: Timeout,
    permissions: Vec<ShownGrant>,
    mode: InstanceMode,
    instances: u32,
    queue: u32,
    max_invocations: u32,
    #[serde(flatten)]
    rates: ShownRates<'a>,
    decided_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<&'a ComponentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
}

/// Rates, each as the field that is read for it.
struct ShownRates<'a>(&'a Rates);

impl Serialize for ShownRates<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rates = self.0.counted().filter_map(|counted| {
            let rate = self.0.get(&counted)?;
            Some((counted.field(), rate.map_or(0, NonZeroU32::get)))
        });
        serializer.collect_map(rates)
    }
}

#[derive(Serialize)]
struct ShownGrant {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scope: Vec<String>,
}

impl From<&Grant> for ShownGrant {
    fn from(grant: &Grant) -> Self {
        Self {
            kind: grant.permission().to_string(),
            access: grant.access().map(Access::name),
            scope: grant.scope(),
        }
    }
}

impl Serialize for ResourcePolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = |bound: Option<NonZeroU32>| bound.map_or(0, NonZeroU32::get);
        let shown = Shown {
            plugin_name: &self.plugin,
            status: self.status.as_str(),
            memory_mb: self.memory.get(),
            call_timeout: self.call_timeout,
            init_timeout: self.init_timeout,
            shutdown_timeout: self.shutdown_timeout,
            permissions: self.grants.iter().map(ShownGrant::from).collect(),
            mode: self.instances.mode,
            instances: number(self.instances.count),
            queue: self.instances.queue,
            max_invocations: number(self.instances.max_invocations),
            rates: ShownRates(&self.rates),
            decided_by: self.origin.as_str(),
            component: self.component.as_ref(),
            revision: Some(self.revision).filter(|revision| *revision > 0),
        };
        shown.serialize(serializer)
    }
}
