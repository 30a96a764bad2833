//! E-mail through a guest's import: what arrives, who can be written to, and how often.
//!
//! What holds for every back-end is written once, as functions over a [`Post`](post::Post), and run against the outbox
//! folder and against a mail server.

/// Makes a test of each of these functions for each back-end.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod in_the_outbox {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::post::Post::outbox()).await;
            })+
        }

        mod by_smtp {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::post::Post::smtp()).await;
            })+
        }
    };
}

mod addresses;
mod content;
mod limits;
mod outbox;
mod post;
mod scope;
mod scripted;
mod secrets;
mod smtp;
mod tls;
