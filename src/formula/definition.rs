//! What a formula is, its gradient, and the `formula!` macro that defines one.

use super::any::{Backward, Differentiable};
use super::dual::Dual;
use super::scalar::{Operand, Scalar};

/// The most inputs and draws together a formula may have.
pub const MAX_INPUTS: usize = 12;
/// The most outputs a formula may have.
pub const MAX_OUTPUTS: usize = 4;
/// The most run-time scalars a formula may have.
pub const MAX_PARAMETERS: usize = 8;

/// An elementwise operation: a function of some numbers, some run-time scalars and some random draws, to some numbers.
///
/// Defined by [`formula!`](crate::formula!). The one definition is evaluated with SIMD lanes, with f64 as the reference,
/// with dual numbers for the derivative, and with expressions for CUDA C++.
pub trait Formula: Copy + Send + Sync + 'static {
    /// Which gradients it has: a [`Differentiable`].
    type Backward: Backward<Self>;

    /// The name, the arity and what else is known without a value.
    const SIGNATURE: Signature;

    /// The run-time scalars' values, in the order of the signature; the rest is 0.
    fn parameters(&self) -> [f64; MAX_PARAMETERS];

    /// The outputs for these arguments. The slices have at least the lengths of the signature.
    fn evaluate<S: Scalar>(arguments: Arguments<'_, S>, outputs: &mut [S])
    where
        f64: Operand<S, S>;

    /// The derivative of the one output in the one input, from the output alone; only where the signature says so.
    fn derivative_from_output<S: Scalar>(output: S, parameters: &[S]) -> S
    where
        f64: Operand<S, S>,
    {
        let _ = (output, parameters);
        S::from(f64::NAN)
    }
}

/// What a formula is evaluated on.
#[derive(Clone, Copy)]
pub struct Arguments<'a, S> {
    /// One number per input.
    pub inputs: &'a [S],
    /// One number per run-time scalar.
    pub parameters: &'a [S],
    /// One number per random draw.
    pub draws: &'a [S],
}

/// The facts of a formula that do not depend on values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The name it was defined under.
    pub name: &'static str,
    /// Its documentation, on one line.
    pub about: &'static str,
    /// Whether this is the formula itself or what follows from it.
    pub role: Role,
    /// How many inputs.
    pub inputs: usize,
    /// How many outputs.
    pub outputs: usize,
    /// The names of the run-time scalars.
    pub parameters: &'static [&'static str],
    /// The kinds of the random draws.
    pub draws: &'static [Draw],
    /// Whether the derivative can be told from the output alone.
    pub from_output: bool,
}

impl Signature {
    /// The name, and what follows from it: `tanh_gradient0`.
    pub fn full_name(&self) -> String {
        let name = self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        match self.role {
            Role::Value => name,
            Role::Gradient(input) => format!("{name}_gradient{input}"),
            Role::GradientFromOutput => format!("{name}_gradient_from_output"),
            Role::Guarded => format!("{name}_guarded"),
        }
    }
}

/// What is computed of a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The formula itself.
    Value,
    /// The gradient in one input, from all inputs and the gradients of the outputs.
    Gradient(usize),
    /// The gradient in the one input, from the output and its gradient.
    GradientFromOutput,
    /// An update that can be [skipped](super::Guarded).
    Guarded,
}

/// A number that every element has of its own, drawn afresh in each call but for its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Draw {
    /// Uniform on [0, 1).
    Uniform,
    /// Normal with mean 0 and standard deviation 1.
    Normal,
    /// The element's number, counted from 0 in row-major order: nothing random.
    Position,
}

/// The gradient of `F` in input `INPUT`: from all inputs and the gradients of all outputs to the gradient of that input.
///
/// Random draws are those of the formula, so drawn again under the same seed they need not be kept.
#[derive(Debug, Clone, Copy)]
pub struct Gradient<F, const INPUT: usize>(pub F);

impl<F: Formula, const INPUT: usize> Formula for Gradient<F, INPUT> {
    type Backward = Differentiable<0, false>;

    const SIGNATURE: Signature = Signature {
        role: Role::Gradient(INPUT),
        inputs: F::SIGNATURE.inputs + F::SIGNATURE.outputs,
        outputs: 1,
        from_output: false,
        ..F::SIGNATURE
    };

    fn parameters(&self) -> [f64; MAX_PARAMETERS] {
        self.0.parameters()
    }

    #[inline(always)]
    fn evaluate<S: Scalar>(arguments: Arguments<'_, S>, outputs: &mut [S])
    where
        f64: Operand<S, S>,
    {
        // Loops over fixed counts, without closures: they must unroll into registers of the lanes' instruction set.
        let zero = Dual::constant(S::from(0.0));
        let (values, gradients) = arguments.inputs.split_at(F::SIGNATURE.inputs);
        let mut inputs = [zero; MAX_INPUTS];
        for i in 0..F::SIGNATURE.inputs {
            inputs[i] = Dual::constant(values[i]);
        }
        inputs[INPUT] = Dual::variable(values[INPUT]);
        let mut parameters = [zero; MAX_PARAMETERS];
        for i in 0..F::SIGNATURE.parameters.len() {
            parameters[i] = Dual::constant(arguments.parameters[i]);
        }
        let mut draws = [zero; MAX_INPUTS];
        for i in 0..F::SIGNATURE.draws.len() {
            draws[i] = Dual::constant(arguments.draws[i]);
        }
        let mut results = [zero; MAX_OUTPUTS];
        let dual = Arguments { inputs: &inputs, parameters: &parameters, draws: &draws };
        F::evaluate::<Dual<S>>(dual, &mut results);
        let mut total: Option<S> = None;
        for output in 0..F::SIGNATURE.outputs {
            if let Some(derivative) = results[output].derivative {
                let term = derivative * gradients[output];
                total = Some(match total {
                    Some(sum) => sum + term,
                    None => term,
                });
            }
        }
        outputs[0] = match total {
            Some(total) => total,
            None => S::from(0.0),
        };
    }
}

/// The gradient of `F`, a function of one number, from its output and the gradient of that output.
#[derive(Debug, Clone, Copy)]
pub struct GradientFromOutput<F>(pub F);

impl<F: Formula> Formula for GradientFromOutput<F> {
    type Backward = Differentiable<0, false>;

    const SIGNATURE: Signature =
        Signature { role: Role::GradientFromOutput, inputs: 2, outputs: 1, from_output: false, ..F::SIGNATURE };

    fn parameters(&self) -> [f64; MAX_PARAMETERS] {
        self.0.parameters()
    }

    #[inline(always)]
    fn evaluate<S: Scalar>(arguments: Arguments<'_, S>, outputs: &mut [S])
    where
        f64: Operand<S, S>,
    {
        let &[output, gradient, ..] = arguments.inputs else { return };
        outputs[0] = F::derivative_from_output(output, arguments.parameters) * gradient;
    }
}

/// The formula `F` of one number applied to the sum of two: an activation with its bias, in one pass.
#[derive(Debug, Clone, Copy)]
pub struct Biased<F>(pub F);

impl<F: Formula> Formula for Biased<F> {
    type Backward = Differentiable<2, false>;

    const SIGNATURE: Signature = Signature { inputs: 2, from_output: false, ..F::SIGNATURE };

    fn parameters(&self) -> [f64; MAX_PARAMETERS] {
        self.0.parameters()
    }

    #[inline(always)]
    fn evaluate<S: Scalar>(arguments: Arguments<'_, S>, outputs: &mut [S])
    where
        f64: Operand<S, S>,
    {
        let &[x, bias, ..] = arguments.inputs else { return };
        F::evaluate(Arguments { inputs: &[x + bias], ..arguments }, outputs);
    }
}

/// What a formula's expression may give: one number, or an array of as many as it has outputs.
#[doc(hidden)]
pub trait Results<S> {
    fn write(self, outputs: &mut [S]);
}

impl<S: Scalar> Results<S> for S {
    #[inline(always)]
    fn write(self, outputs: &mut [S]) {
        outputs[0] = self;
    }
}

impl<S: Scalar, const N: usize> Results<S> for [S; N] {
    #[inline(always)]
    fn write(self, outputs: &mut [S]) {
        outputs[..N].copy_from_slice(&self);
    }
}

/// Defines elementwise operations, each by one expression.
///
/// A definition names the inputs, then after a semicolon the run-time scalars, then after another the random draws with
/// their kind (`uniform`, `normal`, or `position` for the element's number). It gives one number, or with `-> N` an array of `N`. A formula of one input may
/// add its derivative in terms of the output; then nothing but the output is kept for the backward pass.
///
/// The result is a type of that name: a unit value without run-time scalars, else a struct with one `f64` field each. Where such a
/// unit value is in scope no local variable can have its name: `let mish = ..` would match against it.
/// Its `call` evaluates it inside another formula. Constants may stand on either side of an operator; arithmetic between
/// two literals belongs into a `const`.
///
/// ```
/// rectify::formula! {
///     /// A self-regularised activation.
///     pub fn mish(x) = x * x.softplus().tanh();
///     /// Identity above 0, a slope below.
///     pub fn leaky(x; slope) = x.gt(0.0).select(x, slope * x);
///     /// Keeps an element with probability `keep`, and its expectation.
///     pub fn dropout(x; keep; chance: uniform) = chance.lt(keep).select(x / keep, 0.0);
///     /// Gradient descent with momentum: the new weight and the new velocity.
///     pub fn momentum_step(weight, gradient, velocity; rate, momentum) -> 2 = {
///         let velocity = momentum * velocity + gradient;
///         [weight - rate * velocity, velocity]
///     };
/// }
/// ```
#[macro_export]
macro_rules! formula {
    ($(
        $(#[$($meta:tt)*])*
        $vis:vis fn $name:ident (
            $($input:ident),* $(,)?
            $(; $($parameter:ident),* $(; $($draw:ident : $kind:ident),+)?)?
        ) $(-> $outputs:literal)? = $body:expr $(, derivative_from_output($y:ident) = $derivative:expr)?
    );+ $(;)?) => {$(
        $crate::formula! { @struct [$(#[$($meta)*])*] $vis $name [$($($parameter)*)?] }

        impl $name {
            /// Evaluates the formula inside another one: inputs, run-time scalars, draws.
            #[allow(clippy::too_many_arguments, dead_code)]
            #[inline(always)]
            $vis fn call<S: $crate::formula::Scalar>(
                $($input: S,)* $($($parameter: S,)* $($($draw: S,)+)?)?
            ) -> $crate::formula!(@returns S $($outputs)?)
            where
                f64: $crate::formula::Operand<S, S>,
            {
                #[allow(unused_imports)]
                use $crate::formula::Mask as _;
                $body
            }
        }

        impl $crate::formula::Formula for $name {
            type Backward = $crate::formula::Differentiable<
                { <[&str]>::len(&[$(stringify!($input)),*]) },
                { $crate::formula!(@given $($derivative)?) },
            >;

            const SIGNATURE: $crate::formula::Signature = $crate::formula::Signature {
                name: stringify!($name),
                about: $crate::formula!(@about $(#[$($meta)*])*),
                role: $crate::formula::Role::Value,
                inputs: <[&str]>::len(&[$(stringify!($input)),*]),
                outputs: $crate::formula!(@outputs $($outputs)?),
                parameters: &[$($(stringify!($parameter)),*)?],
                draws: &[$($($($crate::formula!(@draw $kind)),+)?)?],
                from_output: $crate::formula!(@given $($derivative)?),
            };

            fn parameters(&self) -> [f64; $crate::formula::MAX_PARAMETERS] {
                #[allow(unused_mut)]
                let mut all = [0.0; $crate::formula::MAX_PARAMETERS];
                let _values: &[f64] = &[$($(self.$parameter),*)?];
                all[.._values.len()].copy_from_slice(_values);
                all
            }

            #[inline(always)]
            fn evaluate<S: $crate::formula::Scalar>(
                arguments: $crate::formula::Arguments<'_, S>,
                outputs: &mut [S],
            ) where
                f64: $crate::formula::Operand<S, S>,
            {
                $crate::formula! { @bind arguments.inputs, 0, $($input)* }
                $(
                    $crate::formula! { @bind arguments.parameters, 0, $($parameter)* }
                    $($crate::formula! { @bind arguments.draws, 0, $($draw)+ })?
                )?
                let results = Self::call::<S>($($input,)* $($($parameter,)* $($($draw,)+)?)?);
                $crate::formula::Results::write(results, outputs);
            }

            $crate::formula! { @derivative [$($($parameter)*)?] $($y, $derivative)? }
        }
    )+};

    (@struct [$($meta:tt)*] $vis:vis $name:ident []) => {
        $($meta)*
        #[allow(non_camel_case_types)]
        #[derive(Debug, Clone, Copy, PartialEq)]
        $vis struct $name;
    };
    (@struct [$($meta:tt)*] $vis:vis $name:ident [$($parameter:ident)+]) => {
        $($meta)*
        #[allow(non_camel_case_types)]
        #[derive(Debug, Clone, Copy, PartialEq)]
        $vis struct $name {
            $(#[doc = concat!("The run-time scalar `", stringify!($parameter), "`.")] pub $parameter: f64,)+
        }
    };
    (@derivative [$($parameter:ident)*]) => {};
    (@derivative [$($parameter:ident)*] $y:ident, $derivative:expr) => {
        #[inline(always)]
        fn derivative_from_output<S: $crate::formula::Scalar>($y: S, _parameters: &[S]) -> S
        where
            f64: $crate::formula::Operand<S, S>,
        {
            #[allow(unused_imports)]
            use $crate::formula::Mask as _;
            $crate::formula! { @bind _parameters, 0, $($parameter)* }
            $derivative
        }
    };
    (@about #[doc = $line:literal] $($rest:tt)*) => { concat!($line, $crate::formula!(@about $($rest)*)) };
    (@about #[$($other:tt)*] $($rest:tt)*) => { $crate::formula!(@about $($rest)*) };
    (@about) => { "" };
    (@bind $numbers:expr, $place:expr,) => {};
    (@bind $numbers:expr, $place:expr, $name:ident $($rest:ident)*) => {
        #[allow(unused_variables)]
        let $name = $numbers[$place];
        $crate::formula! { @bind $numbers, $place + 1, $($rest)* }
    };
    (@returns $scalar:ident) => { $scalar };
    (@returns $scalar:ident $outputs:literal) => { [$scalar; $outputs] };
    (@outputs) => { 1 };
    (@outputs $outputs:literal) => { $outputs };
    (@given) => { false };
    (@given $derivative:expr) => { true };
    (@draw uniform) => { $crate::formula::Draw::Uniform };
    (@draw normal) => { $crate::formula::Draw::Normal };
    (@draw position) => { $crate::formula::Draw::Position };
}
