//! `entrega schema`: the JSON Schema of scenario files.

use std::process::ExitCode;

use crate::args::SchemaArgs;
use crate::failure::Failure;
use crate::output;

/// Prints the schema.
pub(crate) fn schema(args: &SchemaArgs) -> Result<ExitCode, Failure> {
    output::write(args.output.as_deref(), &output::json(&entrega_scenario::schema())?)?;
    Ok(ExitCode::SUCCESS)
}
