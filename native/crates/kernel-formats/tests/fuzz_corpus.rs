//! What fuzzing kept: no input of the corpora is a finding.

#[path = "../../../fuzz/decoders/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/decoders/csv.rs"]
mod csv;
#[path = "../../../fuzz/decoders/flatbuffers.rs"]
mod flatbuffers;
#[path = "../../../fuzz/decoders/json.rs"]
mod json;
#[path = "../../../fuzz/decoders/parquet.rs"]
mod parquet;

#[test]
fn csv_corpus() {
    corpus::replay(&["fuzz/corpus/csv"], csv::decode);
}

#[test]
fn flatbuffers_corpus() {
    corpus::replay(&["fuzz/corpus/flatbuffers"], flatbuffers::decode);
}

#[test]
fn json_corpus() {
    corpus::replay(&["fuzz/corpus/json"], json::decode);
}

#[test]
fn parquet_corpus() {
    corpus::replay(&["fuzz/corpus/parquet"], parquet::decode);
}
