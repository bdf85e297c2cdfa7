//! The three brokers of the tests.

/// Addresses of the brokers that `make kafka-up` started.
pub(crate) fn addresses() -> Option<String> {
    let brokers = std::env::var("SANFANG_KAFKA").unwrap_or_default();
    if brokers.is_empty() {
        assert!(
            std::env::var_os("CI").is_none(),
            "no Kafka: SANFANG_KAFKA names no brokers; `make kafka-up` starts them"
        );
        eprintln!(
            "\nSKIPPED: no Kafka (SANFANG_KAFKA names no brokers; `make kafka-up` starts them)\n"
        );
        return None;
    }
    Some(brokers)
}
