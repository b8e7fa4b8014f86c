//! Compiles `proto/` without a protoc, and writes the event catalogue from the `puente.options.v1.event` options.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script is configured by cargo's environment"
)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, error::Error, fs};

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    for area in fs::read_dir(root.join("puente"))? {
        for file in fs::read_dir(area?.path().join("v1"))? {
            files.push(file?.path());
        }
    }
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.binpb"), &encoded)?;
    fs::write(out.join("catalogue.rs"), catalogue(&encoded)?)?;

    let set = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .include_file("all.rs")
        .compile_fds(prost_types_set(&set.encode_to_vec())?)?;
    Ok(())
}

/// The set again, in the type that the code generator takes.
fn prost_types_set(bytes: &[u8]) -> Result<prost_types::FileDescriptorSet, prost::DecodeError> {
    prost_types::FileDescriptorSet::decode(bytes)
}

/// One `impl Event` per event, and the table of all.
fn catalogue(descriptors: &[u8]) -> Result<String, Box<dyn Error>> {
    let pool = DescriptorPool::decode(descriptors)?;
    let option = pool
        .get_extension_by_name("puente.options.v1.event")
        .ok_or("no event option")?;
    let mut impls = String::new();
    let mut table =
        String::from("/// Every event, sorted by its full name.\npub const CATALOGUE: &[EventType] = &[\n");
    let mut messages: Vec<_> = pool.all_messages().collect();
    messages.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    for message in messages {
        let options = message.options();
        let Some(Value::Message(event)) = options
            .has_extension(&option)
            .then(|| options.get_extension(&option).into_owned())
        else {
            continue;
        };
        let text = |event: &DynamicMessage, field: &str| {
            event
                .get_field_by_name(field)
                .and_then(|v| v.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let (entity, verb, owner) = (
            text(&event, "entity"),
            text(&event, "verb"),
            text(&event, "owner"),
        );
        let name = message.full_name();
        let domain = name.split('.').nth(1).ok_or("no domain")?;
        let rust = format!("crate::{}", name.replace('.', "::"));
        let about = comment(&message).unwrap_or_default();
        writeln!(
            table,
            "    EventType {{ name: {name:?}, domain: {domain:?}, entity: {entity:?}, verb: {verb:?}, owner: {owner:?}, about: {about:?} }},"
        )?;
        writeln!(
            impls,
            "impl Event for {rust} {{\n    const TYPE: EventType = EventType {{ name: {name:?}, domain: {domain:?}, entity: {entity:?}, verb: {verb:?}, owner: {owner:?}, about: {about:?} }};\n}}"
        )?;
    }
    table.push_str("];\n");
    Ok(table + &impls)
}

/// The comment that stands before a message in its proto file.
fn comment(message: &prost_reflect::MessageDescriptor) -> Option<String> {
    let file = message.parent_file_descriptor_proto();
    let info = file.source_code_info.as_ref()?;
    let location = info.location.iter().find(|l| l.path == message.path())?;
    Some(location.leading_comments().trim().replace('\n', " "))
}
