use std::path::PathBuf;

/// Why a file could not be decoded: one variant per cause.
///
/// [`NetcdfError::offset`] and [`NetcdfError::variable`] tell the position where it is known.
#[derive(Debug, thiserror::Error)]
pub enum NetcdfError {
    /// The bytes carry no HDF5 signature.
    #[error(
        "this is not an HDF5 file: {length} bytes without the HDF5 signature; check that the file is NetCDF-4 and was downloaded completely"
    )]
    NotHdf5 { length: usize },
    /// A structure reaches beyond the end of the file.
    #[error(
        "the file is cut off: {needed} bytes are needed at byte {offset}, the file has {length}; fetch it again"
    )]
    Truncated {
        offset: u64,
        needed: u64,
        length: u64,
    },
    /// A stored checksum does not match the bytes it covers.
    #[error(
        "the checksum of the {structure} at byte {offset} does not match; the file is damaged, fetch it again"
    )]
    Checksum {
        structure: &'static str,
        offset: u64,
    },
    /// A structure contradicts the HDF5 specification or another structure.
    #[error("the file is damaged at byte {offset}: {reason}")]
    Corrupt { offset: u64, reason: String },
    /// The file is valid but uses a feature that this reader does not decode.
    #[error("the file uses {feature}, which is not supported")]
    Unsupported { feature: String },
    /// A claim of the file exceeds a bound of [`crate::Limits`]; nothing was allocated for it.
    #[error(
        "{what} is {claimed}, the limit `{limit}` is {allowed}; raise the limit if the file is trusted"
    )]
    Limit {
        what: String,
        claimed: u64,
        limit: &'static str,
        allowed: u64,
    },
    /// The general HDF5 reader refused the file.
    #[error("the file cannot be read as HDF5: {reason}")]
    Reader { reason: String },
    /// Decoding panicked: a defect of the decoder, contained to this file.
    #[error("the decoder failed on this file: {reason}; please report it")]
    Panicked { reason: String },
    /// The file could not be read from disk.
    #[error("cannot read {path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    /// Decoding was cancelled before this file was started.
    #[error("decoding was cancelled")]
    Cancelled,
    /// No table of the GLM product has this name.
    #[error("\"{name}\" is not a GLM table; it is one of flashes, groups, events")]
    UnknownTable { name: String },
    /// A requested column is not in the table.
    #[error("column \"{name}\" is not in the table; it has {available}")]
    UnknownColumn { name: String, available: String },
    /// A variable that the table needs is not in the file.
    #[error("variable \"{variable}\" is not in the file")]
    MissingVariable { variable: String },
    /// Neither a scalar variable nor a global attribute has the name of a requested constant.
    #[error("\"{name}\" is neither a scalar variable nor a global attribute of the file")]
    MissingConstant { name: String },
    /// A global attribute with several values, where a constant has one.
    #[error("the global attribute \"{name}\" has {count} values, a constant has 1")]
    ManyValues { name: String, count: usize },
    /// An attribute that is needed to decode a variable is not there.
    #[error("variable \"{variable}\" has no attribute \"{attribute}\"")]
    MissingAttribute {
        variable: String,
        attribute: &'static str,
    },
    /// An attribute has a value of a kind that does not fit its meaning.
    #[error("attribute \"{attribute}\" of variable \"{variable}\" is not {expected}")]
    AttributeType {
        variable: String,
        attribute: &'static str,
        expected: &'static str,
    },
    /// A variable has units that the column cannot take.
    #[error("variable \"{variable}\" is in \"{units}\", expected {expected}")]
    Units {
        variable: String,
        units: String,
        expected: &'static str,
    },
    /// A variable does not lie along exactly one dimension.
    #[error("variable \"{variable}\" has {rank} dimensions, a column has 1")]
    Rank { variable: String, rank: usize },
    /// A variable has another element type than its use needs.
    #[error("variable \"{variable}\" holds {found}, expected {expected}")]
    ElementType {
        variable: String,
        found: &'static str,
        expected: &'static str,
    },
    /// Variables of one table have different lengths.
    #[error("variable \"{variable}\" has {rows} rows where \"{first}\" has {expected}")]
    RowCount {
        variable: String,
        rows: usize,
        first: String,
        expected: usize,
    },
    /// A value cannot be represented in the type of its column.
    #[error("row {row} of variable \"{variable}\" is {value}, outside of {range}")]
    Value {
        variable: String,
        row: usize,
        value: String,
        range: &'static str,
    },
    /// The file has no dimension of the requested name, or no table at all.
    #[error("the file has no dimension {wanted} with variables along it; it has {available}")]
    MissingDimension { wanted: String, available: String },
    /// Several dimensions could be meant.
    #[error("the file has several tables; set `dimension` to one of {candidates}")]
    AmbiguousDimension { candidates: String },
    /// Something went wrong inside one variable; the source says what.
    #[error("variable \"{variable}\": {source}")]
    InVariable {
        variable: String,
        source: Box<NetcdfError>,
    },
}

impl NetcdfError {
    /// The byte offset in the file at which the problem was found, where it is known.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Truncated { offset, .. }
            | Self::Checksum { offset, .. }
            | Self::Corrupt { offset, .. } => Some(*offset),
            Self::InVariable { source, .. } => source.offset(),
            _ => None,
        }
    }

    /// The variable in which the problem was found, where it is known.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::MissingVariable { variable }
            | Self::MissingAttribute { variable, .. }
            | Self::AttributeType { variable, .. }
            | Self::Units { variable, .. }
            | Self::Rank { variable, .. }
            | Self::ElementType { variable, .. }
            | Self::RowCount { variable, .. }
            | Self::Value { variable, .. }
            | Self::InVariable { variable, .. } => Some(variable),
            _ => None,
        }
    }

    /// A stable kebab-case word for the cause, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotHdf5 { .. } => "not-hdf5",
            Self::Truncated { .. } => "truncated",
            Self::Checksum { .. } => "checksum",
            Self::Corrupt { .. } => "corrupt",
            Self::Unsupported { .. } => "unsupported",
            Self::Limit { .. } => "limit",
            Self::Reader { .. } => "unreadable",
            Self::Panicked { .. } => "decoder-failed",
            Self::Io { .. } => "io",
            Self::Cancelled => "cancelled",
            Self::UnknownTable { .. } => "unknown-table",
            Self::UnknownColumn { .. } => "unknown-column",
            Self::MissingVariable { .. } => "missing-variable",
            Self::MissingConstant { .. } => "missing-constant",
            Self::ManyValues { .. } => "many-values",
            Self::MissingAttribute { .. } => "missing-attribute",
            Self::AttributeType { .. } => "attribute-type",
            Self::Units { .. } => "units",
            Self::Rank { .. } => "rank",
            Self::ElementType { .. } => "element-type",
            Self::RowCount { .. } => "row-count",
            Self::Value { .. } => "value-out-of-range",
            Self::MissingDimension { .. } => "missing-dimension",
            Self::AmbiguousDimension { .. } => "ambiguous-dimension",
            Self::InVariable { source, .. } => source.code(),
        }
    }

    pub(crate) fn corrupt(offset: usize, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            offset: offset as u64,
            reason: reason.into(),
        }
    }

    pub(crate) fn unsupported(feature: impl Into<String>) -> Self {
        Self::Unsupported {
            feature: feature.into(),
        }
    }

    pub(crate) fn in_variable(self, variable: &str) -> Self {
        Self::InVariable {
            variable: variable.to_owned(),
            source: Box::new(self),
        }
    }

    pub(crate) fn is_unsupported(&self) -> bool {
        match self {
            Self::Unsupported { .. } => true,
            Self::InVariable { source, .. } => source.is_unsupported(),
            _ => false,
        }
    }
}

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, NetcdfError>;
