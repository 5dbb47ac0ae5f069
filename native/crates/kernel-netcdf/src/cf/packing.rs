use crate::container::{ElementType, Number, Stored, Value, Variable, with_stored};
use crate::error::{NetcdfError, Result};

/// The number that NetCDF writes where nothing was written, for floats without an own `_FillValue`.
const DEFAULT_FILL_FLOAT: f64 = 9.969_209_968_386_869e36;

/// How many missing values a variable may name; each is compared with every element.
const MISSING_MAX: usize = 64;

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
    /// Whether a missing value of the other signedness is meant by its bits: -1 is 65535 in an unsigned variable.
    pub(crate) is_sign_open: bool,
}

impl Packing {
    /// Numbers as they are stored, none of them missing.
    pub(crate) fn plain(element: ElementType) -> Self {
        Self {
            element,
            is_packed: false,
            scale: 1.0,
            offset: 0.0,
            missing: Vec::new(),
            is_sign_open: false,
        }
    }

    /// Reads the packing attributes of a numeric variable.
    ///
    /// `_Unsigned` reinterprets the stored bits, and those of the missing values, before anything is scaled. All values
    /// of `_FillValue` and `missing_value` count, compared with what is stored; text is read as numbers. Without
    /// `_FillValue` the default fill value of floats counts; that of integers does not, as real files hold it as a
    /// value. `valid_range` is not applied.
    ///
    /// Errors: [`NetcdfError::AttributeType`] for text that is no number, and for more than one scale or offset.
    pub(crate) fn of(variable: &Variable<'_>) -> Result<Self> {
        let unsigned = variable.text("_Unsigned");
        let is_unsigned = unsigned.map(|text| text.trim().eq_ignore_ascii_case("true"));
        let element = match is_unsigned {
            Some(is_unsigned) => variable.element.with_signedness(is_unsigned),
            None => variable.element,
        };
        let scale = variable.number("scale_factor")?;
        let offset = variable.number("add_offset")?;
        let mut missing = missing_numbers(variable, "_FillValue")?;
        if missing.is_empty() && matches!(element, ElementType::F32 | ElementType::F64) {
            missing.push(Number::Float(DEFAULT_FILL_FLOAT));
        }
        missing.extend(missing_numbers(variable, "missing_value")?);
        Ok(Self {
            is_packed: scale.is_some() || offset.is_some(),
            scale: scale.map_or(1.0, Number::to_f64),
            offset: offset.map_or(0.0, Number::to_f64),
            missing,
            is_sign_open: is_unsigned.is_some(),
            ..Self::plain(element)
        })
    }

    /// The missing values in the stored type, without those that it cannot hold.
    pub(crate) fn missing_stored<S: Stored>(&self) -> Vec<S> {
        let by_bits = |number: Number| {
            let other = self.element.with_other_signedness();
            with_stored!(other, T => T::of_value(number).map(|value| S::from_number(value.to_number())), else None)
        };
        let stored = |number: &Number| {
            let value = S::of_value(*number);
            value.or_else(|| by_bits(*number).filter(|_| self.is_sign_open))
        };
        self.missing.iter().filter_map(stored).collect()
    }
}

/// The numbers of an attribute of missing values, also those written as text, between spaces or commas.
fn missing_numbers(variable: &Variable<'_>, attribute: &'static str) -> Result<Vec<Number>> {
    let refused = |expected| NetcdfError::AttributeType {
        variable: variable.name.clone(),
        attribute,
        expected,
    };
    let numbers = match variable.attribute(attribute) {
        None => Vec::new(),
        Some(Value::Numbers(numbers)) => numbers.clone(),
        Some(Value::Texts(texts)) => texts
            .iter()
            .flat_map(|text| text.split([' ', ',', ';', '\t', '\n']))
            .filter(|word| !word.is_empty())
            .map(|word| Number::parse(word).ok_or_else(|| refused("numbers")))
            .collect::<Result<_>>()?,
        Some(Value::References(_)) => return Err(refused("numbers")),
    };
    if numbers.len() > MISSING_MAX {
        return Err(refused("at most 64 numbers"));
    }
    Ok(numbers)
}

/// The texts that mean "no value" in a variable of text; numbers mean none.
pub(crate) fn missing_texts<'v>(variable: &'v Variable<'_>) -> Vec<&'v str> {
    let texts = |name: &str| match variable.attribute(name) {
        Some(Value::Texts(texts)) => texts.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    };
    ["_FillValue", "missing_value"]
        .into_iter()
        .flat_map(texts)
        .take(MISSING_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::container::Storage;
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
            ("_Unsigned", texts(&["true"])),
            ("_FillValue", Value::Numbers(vec![Number::Signed(-1)])),
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
        let attributes = vec![("scale_factor", texts(&["2"]))];
        let error = Packing::of(&variable(ElementType::I16, attributes)).unwrap_err();
        assert_eq!(error.code(), "attribute-type");
    }

    fn missing<S: Stored>(element: ElementType, values: Vec<Value<'static>>) -> Vec<S> {
        let names = ["missing_value", "_FillValue"];
        let attributes = names.into_iter().zip(values).collect();
        Packing::of(&variable(element, attributes))
            .unwrap()
            .missing_stored()
    }

    fn numbers(numbers: &[Number]) -> Value<'static> {
        Value::Numbers(numbers.to_vec())
    }

    fn texts(texts: &[&'static str]) -> Value<'static> {
        Value::Texts(texts.iter().map(|text| Cow::Borrowed(*text)).collect())
    }

    #[test]
    fn every_missing_value_counts_in_any_type() {
        use Number::{Float, Signed, Unsigned};
        let several = numbers(&[Float(-99.0), Signed(-98), Unsigned(7)]);
        let found = missing::<i16>(ElementType::I16, vec![several, numbers(&[Signed(1)])]);
        assert_eq!(found, [1, -99, -98, 7]);
        let found = missing::<f32>(ElementType::F32, vec![numbers(&[Signed(-99)])]);
        assert_eq!(found, [9.96921e36, -99.0]);
        let text = texts(&["-99, -98", "1e3"]);
        assert_eq!(
            missing::<i16>(ElementType::I16, vec![text]),
            [-99, -98, 1_000]
        );
    }

    #[test]
    fn what_the_stored_type_cannot_hold_is_no_missing_value() {
        use Number::{Float, Signed};
        let beyond = [
            Float(f64::NAN),
            Float(0.5),
            Float(1e10),
            Signed(65_535),
            Signed(70_000),
        ];
        assert_eq!(missing::<i16>(ElementType::I16, vec![numbers(&beyond)]), []);
        let beyond = numbers(&[Float(1e300)]);
        assert_eq!(missing::<f32>(ElementType::F32, vec![beyond]), [9.96921e36]);
    }

    #[test]
    fn text_that_is_no_number_is_an_error() {
        let attributes = vec![("missing_value", texts(&["none"]))];
        let error = Packing::of(&variable(ElementType::I16, attributes)).unwrap_err();
        assert_eq!(error.code(), "attribute-type");
    }

    #[test]
    fn two_scales_are_an_error() {
        let two = numbers(&[Number::Signed(1), Number::Signed(2)]);
        let error = Packing::of(&variable(ElementType::I16, vec![("scale_factor", two)]));
        assert_eq!(error.unwrap_err().code(), "attribute-type");
    }
}
