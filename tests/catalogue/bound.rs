//! How exact an activation says it is.

use half::{bf16, f16};
use rectify::formula::catalogue::activation::rrelu;
use rectify::formula::{AnyFormula, Signature};
use rectify::{Activation, DType};

/// How far results may be off, as the documentation of the activations explains it. What is kept in 16 bits may be off by half the
/// distance of neighbours more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    pub units: f64,
    pub of_one: bool,
}

impl Bound {
    /// Those of an activation's value, of its derivative and, where parameters are inputs, of the derivatives in them: its
    /// documentation ends with "Error 2; derivative 3 of 1; in parameters 4."
    pub fn stated(signature: &Signature) -> Option<Vec<Self>> {
        let (_, errors) = signature.about.trim().trim_end_matches('.').split_once(". Error ")?;
        let (value, slopes) = errors.split_once("; derivative ")?;
        [value].into_iter().chain(slopes.split("; in parameters ")).map(Self::read).collect()
    }

    fn read(text: &str) -> Option<Self> {
        let (units, of_one) = text.strip_suffix(" of 1").map_or((text, false), |units| (units, true));
        Some(Self { units: units.parse().ok()?, of_one })
    }

    /// How many units a result is off.
    pub fn error(&self, got: f64, want: f64, dtype: DType) -> f64 {
        let overflows = got.is_infinite() && got == rounded(want, dtype);
        if got == want || got.is_nan() && want.is_nan() || overflows {
            return 0.0;
        }
        let (unit, least) = match dtype {
            DType::F64 => (f64::EPSILON / 2.0, f64::MIN_POSITIVE),
            _ => (f64::from(f32::EPSILON) / 2.0, f64::from(f32::MIN_POSITIVE)),
        };
        // A product of something subnormal is no more exact than that.
        let scale = want.abs().max(if self.of_one { 1.0 } else { 1024.0 * least });
        let error = ((got - want).abs() - rounding(got.abs().max(want.abs()), dtype)).max(0.0) / scale / unit;
        if error.is_nan() { f64::INFINITY } else { error }
    }
}

/// The same formula with its run-time scalars as f32 has them.
pub fn in_single(formula: &dyn AnyFormula) -> Box<dyn AnyFormula> {
    let Signature { name, parameters, .. } = *formula.signature();
    let values: Vec<f64> =
        formula.parameters()[..parameters.len()].iter().map(|&value| f64::from(value as f32)).collect();
    match values[..] {
        [] => formula.boxed(),
        // Which is not one of those that have a name.
        [low, high] if name == "rrelu" => Box::new(rrelu { low, high }),
        _ => {
            let list: Vec<_> = values.iter().map(f64::to_string).collect();
            format!("{name}({})", list.join(", ")).parse::<Activation>().unwrap().formula()
        }
    }
}

/// The nearest number of an element type, by way of f32 for 16 bits: `from_f64` overlooks the last bits.
pub fn rounded(number: f64, dtype: DType) -> f64 {
    match dtype {
        DType::F32 => f64::from(number as f32),
        DType::F16 => f16::from_f32(number as f32).to_f64(),
        DType::Bf16 => bf16::from_f32(number as f32).to_f64(),
        _ => number,
    }
}

/// Half the distance of neighbours in 16 bits, about a number of this size.
fn rounding(size: f64, dtype: DType) -> f64 {
    let (digits, least) = match dtype {
        DType::F16 => (10, -14),
        DType::Bf16 => (7, -126),
        _ => return 0.0,
    };
    2f64.powi((size.log2().floor() as i32).max(least) - digits - 1)
}
