use crate::container::{ElementType, Number, Stored, Variable};
use crate::error::Result;

/// The number that NetCDF writes where nothing was written, for floats without an own `_FillValue`.
const DEFAULT_FILL_FLOAT: f64 = 9.969_209_968_386_869e36;

/// How stored numbers become values: `value = stored × scale + offset`, in float64.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packing {
    /// The element type after `_Unsigned` was applied.
    pub(crate) element: ElementType,
    /// Whether the file states a scale or an offset.
    pub(crate) is_packed: bool,
    pub(crate) scale: f64,
    pub(crate) offset: f64,
    /// Stored numbers that mean "no value".
    pub(crate) missing: Vec<Number>,
}

impl Packing {
    /// Reads the packing attributes of a numeric variable.
    ///
    /// `_Unsigned` reinterprets the stored bits, and those of the fill value, before anything is scaled. Without
    /// `_FillValue` and `missing_value` the default fill value of floats counts; that of integers does not, as real
    /// files hold it as a value. `valid_range` is not applied.
    pub(crate) fn of(variable: &Variable<'_>) -> Result<Self> {
        let element = match variable.text("_Unsigned") {
            Some("true") => variable.element.with_signedness(true),
            Some("false") => variable.element.with_signedness(false),
            _ => variable.element,
        };
        let scale = variable.number("scale_factor")?;
        let offset = variable.number("add_offset")?;
        let mut missing = Vec::new();
        missing.extend(variable.number("_FillValue")?);
        missing.extend(variable.number("missing_value")?);
        if missing.is_empty() && matches!(element, ElementType::F32 | ElementType::F64) {
            missing.push(Number::Float(DEFAULT_FILL_FLOAT));
        }
        Ok(Self {
            element,
            is_packed: scale.is_some() || offset.is_some(),
            scale: scale.map_or(1.0, Number::to_f64),
            offset: offset.map_or(0.0, Number::to_f64),
            missing,
        })
    }

    /// The missing values in the stored type.
    pub(crate) fn missing_stored<S: Stored>(&self) -> Vec<S> {
        self.missing
            .iter()
            .map(|number| S::from_number(*number))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::container::{Storage, Value};
    use crate::hdf5::Layout;

    fn variable(
        element: ElementType,
        attributes: Vec<(&'static str, Value<'static>)>,
    ) -> Variable<'static> {
        let storage = Storage::Native(Layout::empty());
        Variable {
            name: "v".to_owned(),
            address: 0,
            element,
            shape: vec![0],
            attributes,
            storage,
        }
    }

    #[test]
    fn fill_value_is_reinterpreted_with_its_variable() {
        let attributes = vec![
            ("_Unsigned", Value::Text(Cow::Borrowed("true"))),
            ("_FillValue", Value::Number(Number::Signed(-1))),
        ];
        let packing = Packing::of(&variable(ElementType::I16, attributes)).unwrap();
        assert_eq!(packing.element, ElementType::U16);
        assert_eq!(packing.missing_stored::<u16>(), [65_535]);
    }

    #[test]
    fn default_fill_counts_only_where_it_is_no_plausible_value() {
        let packing = |element| Packing::of(&variable(element, Vec::new())).unwrap();
        assert_eq!(
            packing(ElementType::F32).missing_stored::<f32>(),
            [9.96921e36]
        );
        assert_eq!(packing(ElementType::I16).missing, []);
    }

    #[test]
    fn text_where_a_scale_should_be_is_an_error() {
        let attributes = vec![("scale_factor", Value::Text(Cow::Borrowed("2")))];
        let error = Packing::of(&variable(ElementType::I16, attributes)).unwrap_err();
        assert_eq!(error.code(), "attribute-type");
    }
}
