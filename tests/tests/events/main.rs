//! Events: from a guest's `publish` to who listens, in this process, on other nodes, and in browsers.

mod account;
mod bounds;
mod brokers;
mod endpoint;
mod entry;
mod framing;
mod nodes;
mod outages;
mod own_broker;
mod publish;
mod site;
mod slow;
