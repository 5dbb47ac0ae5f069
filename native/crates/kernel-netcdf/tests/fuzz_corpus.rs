//! What fuzzing kept: no input of the corpora is a finding.

#[path = "../../../fuzz/decoders/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/decoders/glm.rs"]
mod glm;
#[path = "../../../fuzz/decoders/netcdf.rs"]
mod netcdf;

#[test]
fn glm_corpus() {
    corpus::replay(&["crates/kernel-netcdf/tests/fixtures"], glm::decode);
}

#[test]
fn netcdf_corpus() {
    corpus::replay(&["crates/kernel-netcdf/tests/fixtures"], netcdf::decode);
}
