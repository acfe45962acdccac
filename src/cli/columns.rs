//! Columns of tables that are no features.

/// What is to be told of a sample, where samples are rows.
#[derive(clap::Args, Clone, Default)]
pub struct ColumnArgs {
    /// Column of the labels of a table, by name or by number from 1
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Columns of numbers to predict in a table, by name or by number from 1, or in an .npy array of rows
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub target: Vec<String>,
}
