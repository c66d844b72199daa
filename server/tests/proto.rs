//! The generated code is what the `.proto` says. `TAILWATER_GENERATE=1` writes it anew.

use std::path::{Path, PathBuf};

use prost::Message as _;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_generated_code_is_of_this_interface() {
    let interface = "tailwater/v1/logs.proto";
    let descriptors = protox::compile([interface], [here("proto")]).expect("it compiles");
    let out = tempfile::tempdir().expect("a folder");
    tonic_prost_build::configure()
        .build_transport(false)
        .out_dir(out.path())
        .compile_fds(descriptors.clone())
        .expect("generated");
    let code = std::fs::read_to_string(out.path().join("tailwater.v1.rs")).expect("the code");
    let code =
        format!("// Generated from proto/{interface} by tests/proto.rs: not to be edited.\n{code}");
    // Comments stay in the file that is published, and need not be in every binary.
    let mut bare = descriptors;
    bare.file.iter_mut().for_each(|file| file.source_code_info = None);
    let bytes = bare.encode_to_vec();
    let (code_path, bytes_path) = (here("src/grpc/generated.rs"), here("src/grpc/descriptors.bin"));
    if std::env::var_os("TAILWATER_GENERATE").is_some() {
        std::fs::write(&code_path, &code).expect("written");
        std::fs::write(&bytes_path, &bytes).expect("written");
    }
    let known = std::fs::read_to_string(&code_path).expect("the generated code");
    assert!(known == code, "the interface changed: run this test with TAILWATER_GENERATE=1");
    assert!(std::fs::read(&bytes_path).expect("the descriptors") == bytes);
}
