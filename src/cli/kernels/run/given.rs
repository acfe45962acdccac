//! What a kernel is given, as typed on the command line.

use std::path::PathBuf;
use std::str::FromStr;

use rectify::data::npy::{self, Values};
use rectify::device::Seed;
use rectify::kernels::{CustomKernel, Number, NumberType, Role};
use rectify::tensor::Argument;
use rectify::{DType, Device, Error, Result, Tensor};

/// An argument as it is typed.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// `f32:20x50`: random elements; zeros to write over for `out:f32:20x50`.
    Tensor { dtype: DType, sizes: Vec<usize>, is_output: bool },
    /// `f32=2.5`.
    Number(Number),
    /// `file:x.npy`.
    File(PathBuf),
}

/// What is made of it.
pub enum Value {
    Tensor(Tensor),
    Number(Number),
}

impl Value {
    pub fn tensor(&self) -> Option<&Tensor> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            Self::Number(_) => None,
        }
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("'{text}' is none of f32:1000, f32:20x50, out:f32:1000, f32=2.5 and file:x.npy");
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Self::File(path.into()));
        }
        if let Some((name, number)) = text.split_once('=') {
            let of = number_type(name).ok_or_else(refuse)?;
            return Number::parse(number, of).map(Self::Number).ok_or(format!("'{number}' is not a number of {of}"));
        }
        let rest = text.strip_prefix("out:");
        let (name, sizes) = rest.unwrap_or(text).split_once(':').ok_or_else(refuse)?;
        let dtype = name.parse().map_err(|_| refuse())?;
        let sizes = sizes.split('x').map(|size| size.parse().map_err(|_| refuse())).collect::<Result<_, _>>()?;
        Ok(Self::Tensor { dtype, sizes, is_output: rest.is_some() })
    }
}

fn number_type(name: &str) -> Option<NumberType> {
    let element = DType::ALL.into_iter().map(NumberType::Element).find(|of| of.name() == name);
    element.or_else(|| Some(NumberType::U64).filter(|of| of.name() == name))
}

/// Makes what was typed, on a device. The same words give the same random numbers.
pub fn values(forms: &[Form], kernel: &CustomKernel, device: &Device) -> Result<Vec<Value>> {
    let value = |(place, form): (usize, &Form)| match form {
        Form::Number(number) => Ok(Value::Number(*number)),
        Form::Tensor { dtype, sizes, is_output: true } => Tensor::zeros(sizes, *dtype, device).map(Value::Tensor),
        Form::Tensor { dtype, sizes, .. } => {
            let (low, high) = if dtype.is_float() { (-1.0, 1.0) } else { (0.0, 100.0) };
            let seed = Seed::new(7, place as u32);
            Tensor::uniform(sizes, low, high, *dtype, seed, device).map(Value::Tensor)
        }
        Form::File(path) => {
            let tensor = read(path, device)?;
            // Files are read into the widest type of their kind.
            let wanted = kernel.parameters().get(place).and_then(|parameter| parameter.dtype());
            let same_kind = wanted.filter(|wanted| wanted.is_float() == tensor.dtype().is_float());
            same_kind.map_or(Ok(tensor.clone()), |dtype| tensor.cast(dtype)).map(Value::Tensor)
        }
    };
    forms.iter().enumerate().map(value).collect()
}

/// The array of a file, as a tensor.
pub fn read(path: &PathBuf, device: &Device) -> Result<Tensor> {
    let array = npy::read(path)?;
    let sizes = array.shape().to_vec();
    let tensor = match array.into_values() {
        Values::Bytes(values) => Tensor::from_slice(&values, &sizes, device),
        Values::Integers(values) => Tensor::from_slice(&values, &sizes, device),
        Values::Floats(values) => Tensor::from_slice(&values, &sizes, device),
        Values::Doubles(values) => Tensor::from_slice(&values, &sizes, device),
    };
    tensor.map_err(|error| match error {
        Error::Argument { rule, .. } => Error::data(path, rule),
        other => other,
    })
}

/// As arguments of a launch: what `out:` was said of is one to write, and what a parameter may write.
pub fn arguments<'a>(forms: &[Form], values: &'a [Value], kernel: &CustomKernel) -> Vec<Argument<'a>> {
    let argument = |(place, (form, value)): (usize, (&Form, &'a Value))| match value {
        Value::Number(number) => Argument::number(*number),
        Value::Tensor(tensor) => {
            let role = kernel.parameters().get(place).map(|parameter| parameter.role);
            let is_output = matches!(form, Form::Tensor { is_output: true, .. }) || role == Some(Role::Output);
            if is_output { Argument::output(tensor) } else { tensor.into() }
        }
    };
    forms.iter().zip(values).enumerate().map(argument).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let tensor = |dtype, sizes: &[usize], is_output| Form::Tensor { dtype, sizes: sizes.into(), is_output };
        for (text, form) in [
            ("f32:1000", tensor(DType::F32, &[1000], false)),
            ("i64:20x50x2", tensor(DType::I64, &[20, 50, 2], false)),
            ("out:bf16:0", tensor(DType::Bf16, &[0], true)),
            ("f32=-2.5", Form::Number((-2.5f32).into())),
            ("u64=3", Form::Number(3u64.into())),
            ("file:a=b:c.npy", Form::File("a=b:c.npy".into())),
        ] {
            assert_eq!(text.parse(), Ok(form), "{text}");
        }
        for (text, said) in [
            ("", "'' is none of f32:1000"),
            ("f32", "is none of"),
            ("f32:", "is none of"),
            ("f32:2x", "is none of"),
            ("u64:3", "is none of"),
            ("out:f32=2", "is none of"),
            ("u8=256", "'256' is not a number of u8"),
            ("i32=1.5", "'1.5' is not a number of i32"),
        ] {
            let error = text.parse::<Form>().unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
