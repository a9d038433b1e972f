//! The active files of a version as an Arrow array. Names and values stay as they stand in the log.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, MapArray, RecordBatch, StringArray, StructArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use delta_kernel::engine::arrow_data::EngineDataArrowExt;
use delta_kernel::scan::StatsOptions;
use delta_kernel::{Engine, SnapshotRef};
use serde_json::{Map, Value};

use crate::deletion_vectors::Descriptor;
use crate::errors::{Error, Result};

pub const PATH: &str = "path";
pub const DELETION_VECTOR: &str = "deletion_vector";

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(PATH, DataType::Utf8, false),
        Field::new("size", DataType::Int64, false),
        Field::new("modification_time", DataType::Int64, false),
        Field::new("partition_values", DataType::Utf8, false),
        Field::new("stats", DataType::Utf8, true),
        Field::new(DELETION_VECTOR, DataType::Utf8, true),
    ]))
}

pub fn active(state: &SnapshotRef, engine: &dyn Engine) -> Result<StructArray> {
    // The kernel reads the structs that such checkpoints hold instead of JSON only if told to.
    let stats = match state.table_properties().checkpoint_write_stats_as_json {
        Some(false) => StatsOptions::all(),
        _ => StatsOptions::json_only(),
    };
    // Row transforms are for who reads rows; to build them, the kernel would parse the partition
    // values.
    let scan = state
        .clone()
        .scan_builder()
        .with_stats(stats)
        .without_row_transforms()
        .build()?;
    let mut batches = Vec::new();
    for metadata in scan.scan_metadata(engine)? {
        let files = metadata?.scan_files.apply_selection_vector()?;
        batches.push(as_in_the_log(&files.try_into_record_batch()?)?);
    }
    Ok(concat_batches(&schema(), &batches)?.into())
}

fn as_in_the_log(files: &RecordBatch) -> Result<RecordBatch> {
    let constants = as_struct(named(files.column_by_name("fileConstantValues"))?)?;
    let partition_values = named(constants.column_by_name("partitionValues"))?;
    let partition_values = partition_values.as_map_opt().ok_or_else(unexpected)?;
    let vectors = as_struct(named(files.column_by_name("deletionVector"))?)?;
    let rows = 0..files.num_rows();
    let partition_values: StringArray = rows
        .clone()
        .map(|row| partition_values_json(partition_values, row).map(Some))
        .collect::<Result<_>>()?;
    let vectors: StringArray = rows
        .map(|row| descriptor_json(vectors, row))
        .collect::<Result<_>>()?;
    let columns: Vec<ArrayRef> = vec![
        named(files.column_by_name("path"))?.clone(),
        named(files.column_by_name("size"))?.clone(),
        named(files.column_by_name("modificationTime"))?.clone(),
        Arc::new(partition_values),
        named(files.column_by_name("stats"))?.clone(),
        Arc::new(vectors),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}

fn partition_values_json(maps: &MapArray, row: usize) -> Result<String> {
    let mut object = Map::new();
    if maps.is_valid(row) {
        let entries = maps.value(row);
        let (names, values) = (
            as_strings(entries.column(0))?,
            as_strings(entries.column(1))?,
        );
        for (name, value) in names.iter().zip(values) {
            let name = name.ok_or_else(unexpected)?;
            object.insert(name.to_string(), value.map_or(Value::Null, Value::from));
        }
    }
    Ok(Value::Object(object).to_string())
}

fn descriptor_json(vectors: &StructArray, row: usize) -> Result<Option<String>> {
    if vectors.is_null(row) {
        return Ok(None);
    }
    let column = |name| named(vectors.column_by_name(name));
    let text = |name| Ok::<_, Error>(as_strings(column(name)?)?.value(row).to_string());
    let offsets = column("offset")?
        .as_primitive_opt::<Int32Type>()
        .ok_or_else(unexpected)?;
    let sizes = column("sizeInBytes")?
        .as_primitive_opt::<Int32Type>()
        .ok_or_else(unexpected)?;
    let cardinalities: &Int64Array = column("cardinality")?
        .as_primitive_opt::<Int64Type>()
        .ok_or_else(unexpected)?;
    let descriptor = Descriptor {
        storage_type: text("storageType")?,
        path_or_inline_dv: text("pathOrInlineDv")?,
        offset: offsets.is_valid(row).then(|| offsets.value(row)),
        size_in_bytes: sizes.value(row),
        cardinality: cardinalities.value(row),
    };
    Ok(Some(serde_json::to_string(&descriptor)?))
}

fn named(column: Option<&ArrayRef>) -> Result<&ArrayRef> {
    column.ok_or_else(unexpected)
}

fn as_struct(array: &ArrayRef) -> Result<&StructArray> {
    array.as_struct_opt().ok_or_else(unexpected)
}

fn as_strings(array: &ArrayRef) -> Result<&StringArray> {
    array.as_string_opt::<i32>().ok_or_else(unexpected)
}

fn unexpected() -> Error {
    Error::failed("the kernel lists files in an unexpected form")
}
