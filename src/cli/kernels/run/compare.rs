//! What a kernel wrote against what was expected.

use rectify::device::Seed;
use rectify::formula::catalogue;
use rectify::formula::{AnyFormula, Role as FormulaRole};
use rectify::kernels::{CustomKernel, Role};
use rectify::report::figures::counted;
use rectify::{Activation, DType, Device, Error, Result, Tensor};
use serde::Serialize;

use super::super::super::failure::Failure;
use super::super::super::output::{print_json, print_line};
use super::Args;
use super::given::{Value, read};

/// What has to come out, known before the kernel writes over anything.
pub struct Expectation {
    /// Which of the arguments is compared.
    place: usize,
    result: String,
    elements: Tensor,
    tolerance: f64,
}

/// What came out.
#[derive(Serialize)]
#[serde(tag = "event", rename = "compared")]
pub struct Outcome {
    result: String,
    elements: usize,
    tolerance: f64,
    /// Elements that differ by more.
    beyond: usize,
    /// Of the element that differs most: its place, and what it is and was to be.
    worst: Option<usize>,
    found: Option<f64>,
    expected: Option<f64>,
}

impl Expectation {
    /// What the arguments ask to compare with, if they do.
    pub fn new(args: &Args, kernel: &CustomKernel, values: &[Value]) -> Result<Option<Self>, Failure> {
        let elements = match (&args.expect, &args.formula) {
            (Some(path), _) => read(path, &Device::cpu())?,
            (None, Some(name)) => computed(name, kernel, values)?,
            (None, None) => return Ok(None),
        };
        let (place, tensor) = compared(args, kernel, values)?;
        let result = kernel.parameters()[place].name.clone();
        if elements.shape() != tensor.shape() {
            let (found, expected) = (tensor.shape(), elements.shape());
            return Err(super::input(format!("{result} has shape {found}, and what is expected has {expected}")));
        }
        let tolerance = args.tolerance.unwrap_or_else(|| usual_tolerance(tensor.dtype()));
        Ok(Some(Self { place, result, elements: elements.cast(DType::F64)?, tolerance }))
    }

    /// Compares it with what the kernel wrote.
    pub fn compare(self, values: &[Value]) -> Result<Outcome> {
        let Some(tensor) = values.get(self.place).and_then(Value::tensor) else {
            return Err(Error::argument("compare", format!("{} is no tensor", self.result)));
        };
        let found: Vec<f64> = tensor.to_device(&Device::cpu())?.cast(DType::F64)?.to_vec()?;
        let expected: Vec<f64> = self.elements.to_vec()?;
        let differs = |(&a, &b): (&f64, &f64)| match a == b || a.is_nan() && b.is_nan() {
            true => 0.0,
            false => Some((a - b).abs() / b.abs().max(1.0)).filter(|share| !share.is_nan()).unwrap_or(f64::INFINITY),
        };
        let differences: Vec<f64> = found.iter().zip(&expected).map(differs).collect();
        let worst = (0..differences.len()).max_by(|&a, &b| differences[a].total_cmp(&differences[b]).then(b.cmp(&a)));
        Ok(Outcome {
            result: self.result,
            elements: found.len(),
            tolerance: self.tolerance,
            beyond: differences.iter().filter(|&&difference| difference > self.tolerance).count(),
            worst,
            found: worst.map(|place| found[place]),
            expected: worst.map(|place| expected[place]),
        })
    }
}

impl Outcome {
    /// Prints it; a failure where elements differ.
    pub fn print(&self, args: &Args, kernel: &CustomKernel) -> Result<(), Failure> {
        let Self { result, elements, tolerance, beyond, worst, found, expected } = self;
        let at = worst.zip(found.zip(*expected));
        let worst = at.map(|(at, (found, expected))| format!("{result}[{at}] is {found:?}, expected {expected:?}"));
        let worst = worst.unwrap_or_default();
        if args.output.json {
            print_json(self)?;
        } else if !args.output.quiet && *beyond == 0 {
            let compared = counted(*elements, "element");
            print_line(&format!("{result}: {compared} as expected, to {tolerance:e}; farthest off, {worst}"))?;
        }
        match beyond {
            0 => Ok(()),
            _ => Err(Failure::Run(anyhow::anyhow!(
                "kernel {}: {worst}; {beyond} of {} differ by more than {tolerance:e}",
                kernel.name(),
                counted(*elements, "element"),
            ))),
        }
    }
}

/// The argument that is compared.
fn compared<'a>(args: &Args, kernel: &CustomKernel, values: &'a [Value]) -> Result<(usize, &'a Tensor), Failure> {
    let written = kernel.parameters().iter().enumerate().filter(|(_, parameter)| parameter.role == Role::Output);
    let mut fitting = written.filter(|(_, parameter)| args.result.as_ref().is_none_or(|name| *name == parameter.name));
    let place = fitting.next().map(|(place, _)| place);
    let tensor = place.and_then(|place| Some((place, values.get(place)?.tensor()?)));
    tensor.ok_or_else(|| match &args.result {
        Some(name) => super::input(format!("'{name}' is no parameter of {} that may be written", kernel.name())),
        None => super::input(format!("{} writes no tensor that could be compared", kernel.name())),
    })
}

/// The result of a formula over the const tensors, on the CPU.
fn computed(name: &str, kernel: &CustomKernel, values: &[Value]) -> Result<Tensor, Failure> {
    let formula = formula(name)?;
    let inputs = kernel.parameters().iter().zip(values).filter(|(parameter, _)| parameter.role == Role::Input);
    let inputs = inputs.filter_map(|(_, value)| value.tensor());
    let inputs = inputs.map(|tensor| tensor.to_device(&Device::cpu())?.cast(DType::F64)).collect::<Result<Vec<_>>>()?;
    Ok(Tensor::apply(&*formula, &inputs.iter().collect::<Vec<_>>(), Seed::default())?)
}

/// An activation with its parameters, or another formula of the catalogue.
fn formula(name: &str) -> Result<Box<dyn AnyFormula>, Failure> {
    if let Ok(activation) = name.parse::<Activation>() {
        return Ok(activation.formula());
    }
    let is_it = |formula: &dyn AnyFormula| {
        let signature = formula.signature();
        signature.name == name && signature.role == FormulaRole::Value && signature.parameters.is_empty()
    };
    let unknown = || super::input(format!("'{name}' is neither an activation nor a formula without parameters"));
    catalogue::all().find(|formula| is_it(&**formula)).ok_or_else(unknown)
}

/// A few roundings of a result.
fn usual_tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-12,
        DType::F32 => 1e-5,
        DType::F16 => 4e-3,
        DType::Bf16 => 3e-2,
        DType::U8 | DType::U32 | DType::I32 | DType::I64 => 0.0,
    }
}
