//! What fuzzing kept: no input of the corpus is a finding.

#[path = "../../../fuzz/decoders/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/decoders/kafka.rs"]
mod kafka;

#[test]
fn kafka_corpus() {
    corpus::replay(&["crates/kernel-kafka/tests/fixtures"], kafka::decode);
}
