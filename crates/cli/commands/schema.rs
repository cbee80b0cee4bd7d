//! `entrega schema`: the JSON Schema of scenario files.

use std::process::ExitCode;

use entrega_sim::scenario;

use crate::args::SchemaArgs;
use crate::failure::Failure;
use crate::output;

/// Prints the schema.
pub(crate) fn schema(args: &SchemaArgs) -> Result<ExitCode, Failure> {
    output::write(args.output.as_deref(), &output::json(&scenario::schema())?)?;
    Ok(ExitCode::SUCCESS)
}
