use crate::container::{Value, Variable};
use crate::error::{NetcdfError, Result};

/// The `NAME` attribute of a dimension scale that stands for a dimension without a coordinate variable (NetCDF-4
/// file format, "Dimensions without coordinate variables").
const NO_VARIABLE: &str = "This is a netCDF dimension but not a netCDF variable";

/// The dimensions of a file, with the variables of rank 1 along each.
///
/// A variable names its dimensions by `DIMENSION_LIST`; a dimension scale lies along itself. HDF5 files without
/// dimensions get one per length, `phony_dim_0` and so on, as in the NetCDF library.
pub(super) struct Dimensions<'v, 'a> {
    all: Vec<Dimension<'v, 'a>>,
    variables: &'v [Variable<'a>],
}

struct Dimension<'v, 'a> {
    name: String,
    variables: Vec<&'v Variable<'a>>,
}

impl Dimension<'_, '_> {
    fn length(&self) -> u64 {
        self.variables
            .first()
            .map_or(0, |variable| variable.shape[0])
    }
}

impl<'v, 'a> Dimensions<'v, 'a> {
    pub(super) fn of(variables: &'v [Variable<'a>], bare_dimensions: &[Variable<'a>]) -> Self {
        let scales: Vec<_> = variables.iter().chain(bare_dimensions).collect();
        let mut all: Vec<Dimension<'v, 'a>> = Vec::new();
        let mut lengths = Vec::new();
        for variable in variables
            .iter()
            .filter(|variable| variable.shape.len() == 1)
        {
            let name = named_dimension(variable, &scales)
                .unwrap_or_else(|| phony_name(&mut lengths, variable));
            match all.iter_mut().find(|dimension| dimension.name == name) {
                Some(dimension) => dimension.variables.push(variable),
                None => all.push(Dimension {
                    name,
                    variables: vec![variable],
                }),
            }
        }
        Self { all, variables }
    }

    /// The variables along the dimension of that name, or along the one that is meant when none is named.
    pub(super) fn along(&self, name: Option<&str>) -> Result<Vec<&'v Variable<'a>>> {
        let dimension = match (name, &self.all[..]) {
            (Some(name), all) => all.iter().find(|dimension| dimension.name == name),
            (None, [only]) => Some(only),
            (None, all) => longest_shared(all)?,
        };
        let dimension = dimension.ok_or_else(|| self.missing(name))?;
        Ok(dimension.variables.clone())
    }

    /// The variables of those names; they must share one dimension, `dimension` when it is given.
    pub(super) fn named(
        &self,
        names: &[String],
        dimension: Option<&str>,
    ) -> Result<Vec<&'v Variable<'a>>> {
        let mut found = Vec::with_capacity(names.len());
        let mut along: Vec<&str> = dimension.into_iter().collect();
        for name in names {
            let variable = self
                .variables
                .iter()
                .find(|variable| variable.name == *name);
            let variable = variable.ok_or_else(|| NetcdfError::MissingVariable {
                variable: name.clone(),
            })?;
            variable.row_count()?;
            let is_along = |dimension: &&Dimension<'_, '_>| {
                dimension
                    .variables
                    .iter()
                    .any(|v| std::ptr::eq(*v, variable))
            };
            along.extend(
                self.all
                    .iter()
                    .find(is_along)
                    .map(|dimension| dimension.name.as_str()),
            );
            found.push(variable);
        }
        along.dedup();
        match along.len() {
            0 | 1 => Ok(found),
            _ => Err(NetcdfError::AmbiguousDimension {
                candidates: along.join(", "),
            }),
        }
    }

    fn missing(&self, name: Option<&str>) -> NetcdfError {
        let names: Vec<_> = self
            .all
            .iter()
            .map(|dimension| dimension.name.as_str())
            .collect();
        NetcdfError::MissingDimension {
            wanted: name.map_or_else(|| "at all".to_owned(), |name| format!("\"{name}\"")),
            available: if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            },
        }
    }
}

fn longest_shared<'d, 'v, 'a>(
    all: &'d [Dimension<'v, 'a>],
) -> Result<Option<&'d Dimension<'v, 'a>>> {
    let shared: Vec<_> = all
        .iter()
        .filter(|dimension| dimension.variables.len() >= 2)
        .collect();
    let candidates = if shared.is_empty() {
        all.iter().collect()
    } else {
        shared
    };
    let Some(length) = candidates.iter().map(|dimension| dimension.length()).max() else {
        return Ok(None);
    };
    let longest: Vec<_> = candidates
        .into_iter()
        .filter(|dimension| dimension.length() == length)
        .collect();
    match longest[..] {
        [one] => Ok(Some(one)),
        _ => Err(NetcdfError::AmbiguousDimension {
            candidates: longest
                .iter()
                .map(|dimension| dimension.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// Whether a dataset only stands for a dimension and is no variable.
pub(super) fn is_bare_dimension(variable: &Variable<'_>) -> bool {
    let name = variable.text("NAME");
    name.is_some_and(|name| name.starts_with(NO_VARIABLE))
}

fn named_dimension(variable: &Variable<'_>, all: &[&Variable<'_>]) -> Option<String> {
    if let Some(Value::References(addresses)) = variable.attribute("DIMENSION_LIST") {
        let scale = all
            .iter()
            .find(|scale| Some(&scale.address) == addresses.first());
        return scale.map(|scale| scale.name.clone());
    }
    (variable.text("CLASS") == Some("DIMENSION_SCALE")).then(|| variable.name.clone())
}

fn phony_name(lengths: &mut Vec<u64>, variable: &Variable<'_>) -> String {
    let length = variable.shape[0];
    let index = lengths
        .iter()
        .position(|known| *known == length)
        .unwrap_or_else(|| {
            lengths.push(length);
            lengths.len() - 1
        });
    format!("phony_dim_{index}")
}
