//! Plugins that mean harm, in every function of the contract and in every way that the guest `hostile` knows.
//!
//! Each ends in a typed error that names the plugin and says what happened, within its time. Afterwards the same host
//! serves another plugin, and after a call also the same one.

use std::fmt::Display;
use std::time::{Duration, Instant};

use goatherd::Plugin;
use goatherd::capability::log::{Level, Source};
use goatherd::runtime::{CallError, Limits, LoadError, Trap};
use goatherd_tests::{Phase, call, host, hostile, limits, load, plugin};
use serde_json::json;

/// What a plugin that loops may use.
const TIMEOUT: Duration = Duration::from_millis(400);
/// What ending it may take beyond that, on a machine that has other things to do.
const SLACK: Duration = Duration::from_secs(4);

const MIB: usize = 1 << 20;

/// Ways to misbehave: the guest's code, and whether the explanation is right.
struct Deed {
    name: &'static str,
    code: u8,
    memory_bytes: usize,
    right: fn(&Trap) -> bool,
    words: &'static str,
}

const DEEDS: &[Deed] = &[
    Deed {
        name: "invalid UTF-8",
        code: b'u',
        memory_bytes: 64 * MIB,
        right: |trap| matches!(trap, Trap::BadData(_)),
        words: "handed over data that breaks the contract",
    },
    Deed {
        name: "100 MB of text within too little memory",
        code: b'h',
        memory_bytes: 64 * MIB,
        right: |trap| matches!(trap, Trap::OutOfMemory { limit_bytes } if *limit_bytes == 64 * MIB),
        words: "more memory than its limit of 64 MiB",
    },
    Deed {
        name: "100 MB of text within enough memory",
        code: b'h',
        memory_bytes: 512 * MIB,
        right: |trap| matches!(trap, Trap::TransferTooLarge { .. }),
        words: "handed over more than its limit of",
    },
    Deed {
        name: "a lot out of little",
        code: b'H',
        memory_bytes: 256 * MIB,
        right: |trap| matches!(trap, Trap::TransferTooLarge { .. }),
        words: "handed over more than its limit of",
    },
    Deed {
        name: "a deep recursion",
        code: b'r',
        memory_bytes: 64 * MIB,
        right: |trap| matches!(trap, Trap::StackOverflow),
        words: "recursed too deeply",
    },
    Deed {
        name: "an endless loop",
        code: b'l',
        memory_bytes: 64 * MIB,
        right: |trap| matches!(trap, Trap::TimedOut),
        words: "did not finish before its deadline",
    },
    Deed {
        name: "a panic",
        code: b'p',
        memory_bytes: 64 * MIB,
        right: |trap| matches!(trap, Trap::Panicked),
        words: "panicked or aborted",
    },
    Deed {
        name: "hoarding memory",
        code: b'o',
        memory_bytes: 64 * MIB,
        right: |trap| matches!(trap, Trap::OutOfMemory { .. }),
        words: "more memory than its limit of 64 MiB",
    },
];

impl Deed {
    fn limits(&self, phase: Phase) -> Limits {
        let mut limits = limits().memory_bytes(self.memory_bytes);
        if self.code == b'l' {
            match phase {
                Phase::Register | Phase::Init => limits.init_timeout = TIMEOUT,
                Phase::Call => limits.call_timeout = TIMEOUT,
                Phase::Shutdown => limits.shutdown_timeout = TIMEOUT,
            }
        }
        limits
    }

    async fn load(&self, phase: Phase) -> Result<Plugin, LoadError> {
        load(
            host(),
            "hostile.wasm",
            hostile(&[(phase, self.code)]),
            &[],
            self.limits(phase),
        )
        .await
    }

    fn check_words(&self, phase: Phase, error: &impl Display) {
        let text = error.to_string();
        let case = self.case(phase);
        for words in [self.words, "hostile"] {
            assert!(text.contains(words), "{case}: {words:?} is not in: {text}");
        }
        assert!(
            text.len() < 2_000,
            "{case}: the message has {} bytes",
            text.len()
        );
    }

    fn check_time(&self, phase: Phase, since: Instant) {
        let took = since.elapsed();
        assert!(
            took < TIMEOUT + SLACK,
            "{}: it took {took:?}",
            self.case(phase)
        );
    }

    fn case(&self, phase: Phase) -> String {
        format!("{} in {phase:?}", self.name)
    }
}

/// Another plugin of the same host, which must still be served.
async fn check_others(case: &str) {
    let other = plugin(host(), "bench", &["cache:read"], limits()).await;
    let answer = other
        .call(
            "echo",
            &goatherd_tests::json(&json!({"still": "here"})),
            Default::default(),
        )
        .await;
    assert!(
        answer.is_ok(),
        "after {case} another plugin is not served: {answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn register_that_means_harm_describes_and_loads_nothing() {
    for deed in DEEDS {
        let case = deed.case(Phase::Register);
        let began = Instant::now();
        let error = deed.load(Phase::Register).await.expect_err(&case);
        deed.check_time(Phase::Register, began);
        let LoadError::Register { trap, .. } = &error else {
            panic!("{case}: {error}")
        };
        assert!((deed.right)(trap), "{case}: {trap:?}");
        if let Trap::TransferTooLarge { limit_bytes } = trap {
            assert_eq!(
                *limit_bytes,
                8 * MIB,
                "{case}: what the contract allows a registration"
            );
        }
        deed.check_words(Phase::Register, &error);
        check_others(&case).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_whose_init_means_harm_is_not_loaded() {
    for deed in DEEDS {
        let case = deed.case(Phase::Init);
        let began = Instant::now();
        let error = deed.load(Phase::Init).await.expect_err(&case);
        deed.check_time(Phase::Init, began);
        let LoadError::Start(CallError::Start { reason, .. }) = &error else {
            panic!("{case}: {error}")
        };
        assert!(reason.starts_with("init failed"), "{case}: {reason}");
        assert_eq!(error.code(), "unavailable", "{case}");
        deed.check_words(Phase::Init, &error);
        check_others(&case).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_that_refuses_is_told_in_its_own_words_and_nothing_is_loaded() {
    let error = load(
        host(),
        "hostile.wasm",
        hostile(&[(Phase::Init, b'e')]),
        &[],
        limits(),
    )
    .await
    .expect_err("it refuses");
    assert!(
        matches!(error, LoadError::Start(CallError::Start { .. })),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("plugin \"hostile\"") && text.contains("init refused: hostile: as told"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_means_harm_ends_alone() {
    for deed in DEEDS {
        let case = deed.case(Phase::Call);
        let plugin = deed
            .load(Phase::Call)
            .await
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        // Twice: the second call gets an instance of its own, and ends like the first.
        for round in 1..=2 {
            let began = Instant::now();
            let error = call(&plugin, "anything", json!({})).await.expect_err(&case);
            deed.check_time(Phase::Call, began);
            let CallError::Trapped { trap, function, .. } = &error else {
                panic!("{case}: {error}")
            };
            assert_eq!(function, "anything", "{case}");
            assert!((deed.right)(trap), "{case}: {trap:?}");
            let code = if deed.code == b'l' {
                "timed-out"
            } else {
                "unavailable"
            };
            assert_eq!(error.code(), code, "{case}");
            deed.check_words(Phase::Call, &error);
            assert_eq!(plugin.instances(), 0, "{case}: its instance is thrown away");
            let metrics = plugin.metrics();
            assert_eq!(
                (metrics.calls, metrics.traps + metrics.timeouts),
                (round, round),
                "{case}"
            );
        }
        let entries = plugin.log().entries();
        let told = entries.iter().any(|entry| {
            entry.source == Source::Host
                && entry.level == Level::Error
                && entry.message.contains(deed.words)
        });
        assert!(told, "{case}: the plugin's log tells it");
        check_others(&case).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_that_means_harm_ends_within_the_shutdown_timeout_and_is_logged() {
    for deed in DEEDS {
        let case = deed.case(Phase::Shutdown);
        let plugin = deed
            .load(Phase::Shutdown)
            .await
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        call(&plugin, "echo", json!({}))
            .await
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        let before = plugin.log().entries().len();
        let began = Instant::now();
        plugin.shutdown().await;
        deed.check_time(Phase::Shutdown, began);
        assert_eq!(
            plugin.instances(),
            0,
            "{case}: no instance outlives the shutdown"
        );
        let entries = plugin.log().entries();
        let said: Vec<_> = entries
            .iter()
            .skip(before)
            .map(|entry| entry.message.as_str())
            .collect();
        assert!(
            said.iter().any(|message| message.contains(deed.words)),
            "{case}: {said:?}"
        );
        let error = call(&plugin, "echo", json!({})).await.expect_err(&case);
        assert!(
            matches!(error, CallError::ShutDown { .. }),
            "{case}: {error}"
        );
        check_others(&case).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_that_answers_with_an_error_is_logged_and_changes_nothing() {
    let plugin = load(
        host(),
        "hostile.wasm",
        hostile(&[(Phase::Shutdown, b'e')]),
        &[],
        limits(),
    )
    .await
    .unwrap();
    plugin.shutdown().await;
    let entries = plugin.log().entries();
    assert!(
        entries
            .iter()
            .any(|entry| entry.message == "shutdown answered: hostile: as told"),
        "{entries:?}"
    );
    plugin.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_own_error_costs_it_no_instance() {
    let plugin = load(
        host(),
        "hostile.wasm",
        hostile(&[(Phase::Call, b'e')]),
        &[],
        limits(),
    )
    .await
    .unwrap();
    for _ in 0..3 {
        let error = call(&plugin, "anything", json!({}))
            .await
            .expect_err("as told");
        let CallError::Plugin { error, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(
            (error.code(), error.message().as_ref()),
            ("hostile", "as told")
        );
    }
    assert_eq!(plugin.instances(), 1);
    assert_eq!(plugin.metrics().errors, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_that_loop_do_not_stop_others_on_the_same_threads() {
    let limits_short = limits().call_timeout(Duration::from_secs(3));
    let looping = load(
        host(),
        "hostile.wasm",
        hostile(&[(Phase::Call, b'l')]),
        &[],
        limits_short,
    )
    .await
    .unwrap();
    let polite = plugin(host(), "bench", &["cache:read"], limits()).await;
    let loops: Vec<_> = (0..2)
        .map(|_| {
            let looping = looping.clone();
            tokio::spawn(async move { call(&looping, "anything", json!({})).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    for _ in 0..20 {
        polite
            .call(
                "echo",
                &goatherd_tests::json(&json!({})),
                Default::default(),
            )
            .await
            .unwrap();
    }
    assert!(
        began.elapsed() < Duration::from_millis(2_500),
        "it waited {:?} for others' loops",
        began.elapsed()
    );
    for looped in loops {
        let error = looped
            .await
            .unwrap()
            .expect_err("a loop ends only by its deadline");
        assert!(
            matches!(
                error,
                CallError::Trapped {
                    trap: Trap::TimedOut,
                    ..
                }
            ),
            "{error}"
        );
    }
}
