//! `kernels/map.cu` around a formula, compiled for the host and run, against the CPU backend.

use std::fmt::Write;

use half::{bf16, f16};
use rectify::device::Seed;
use rectify::formula::catalogue::{activation, arithmetic, create};
use rectify::formula::philox::Stream;
use rectify::formula::unit::{Operand, THREADS, Walk, map_unit};
use rectify::formula::{AnyFormula, Formula};
use rectify::{DType, Device, Element, Tensor};

use super::compiler::{Compiler, Language};
use super::formulas::{ADAM, dropout, mish, noise};

/// A grid of one thread after another, and what the compiled program includes.
const HEAD: &str = "\
#include <math.h>
#include <stdio.h>
#include <string.h>
struct Index { unsigned x; };
static Index threadIdx, blockIdx, gridDim;
";
/// Blocks in the grid: few, so that each takes several steps.
const BLOCKS: usize = 2;
/// Bytes before and behind every operand that nobody may write to.
const GUARD: usize = 64;
const GUARD_BYTE: u8 = 0xa5;
/// Elements: no multiple of any vector.
const COUNT: usize = 20_011;
const SEED: Seed = Seed::new(0x1234_5678_9abc_def0, 7);

/// A kernel's run, and what the CPU says.
struct Case {
    formula: Box<dyn AnyFormula>,
    inputs: Vec<Tensor>,
    /// The outputs as the CPU leaves them, each perhaps a view.
    expected: Vec<Tensor>,
    /// What is in the outputs' buffers before.
    before: Vec<Vec<u8>>,
    /// The input that an output is written over.
    in_place: Vec<Option<usize>>,
    /// Whether operands begin one element beside the alignment of vectors.
    shifted: bool,
    /// Whether elements are counted in 64 bits, as if there were very many.
    wide: bool,
    /// How far a result may be off.
    ulps: u64,
}

impl Case {
    fn new(formula: impl Formula, inputs: &[&Tensor], expected: Tensor) -> Self {
        let inputs = inputs.iter().map(|&input| input.clone()).collect();
        Self {
            formula: Box::new(formula),
            inputs,
            before: vec![vec![0; expected.buffer().bytes()]],
            expected: vec![expected],
            in_place: vec![None],
            shifted: false,
            wide: false,
            ulps: 0,
        }
    }

    /// A formula applied by the CPU as well.
    fn map(formula: impl Formula, inputs: &[&Tensor]) -> Self {
        let expected = Tensor::apply(&formula, inputs, SEED).unwrap();
        Self::new(formula, inputs, expected)
    }

    /// A formula written by the CPU as well, over a view of elements.
    fn into_view(formula: impl Formula, inputs: &[&Tensor], view: Tensor) -> Self {
        let before = vec![buffer(&view)];
        Tensor::update(&formula, inputs, &[&view], SEED).unwrap();
        Self { before, ..Self::new(formula, inputs, view) }
    }

    /// The identity, from one element type to another.
    fn cast(input: &Tensor, to: DType) -> Self {
        Self::new(activation::linear, &[input], input.cast(to).unwrap())
    }

    fn shifted(self) -> Self {
        Self { shifted: true, ..self }
    }

    fn wide(self) -> Self {
        Self { wide: true, ..self }
    }

    fn within(self, ulps: u64) -> Self {
        Self { ulps, ..self }
    }

    /// The kernel's way through its operands, as if buffers were at address 0.
    fn walk(&self) -> Walk {
        let shape = self.expected[0].shape();
        let layout = |tensor: &Tensor| tensor.layout().broadcast_to("map", shape).unwrap();
        let input_layouts: Vec<_> = self.inputs.iter().map(layout).collect();
        let operand = |(tensor, layout)| {
            let dtype = Tensor::dtype(tensor);
            Operand { dtype, layout, address: self.start(tensor) as u64 }
        };
        let inputs: Vec<_> = self.inputs.iter().zip(&input_layouts).map(operand).collect();
        let outputs: Vec<_> = self.expected.iter().map(|tensor| operand((tensor, tensor.layout()))).collect();
        let mut walk = Walk::new(&inputs, &outputs);
        walk.pattern.wide |= self.wide;
        walk
    }

    /// C++ that reads the buffers, runs the kernel and writes every buffer an output is in.
    fn program(&self, index: usize) -> String {
        let walk = self.walk();
        let unit = map_unit(&*self.formula, &walk.pattern);
        let kernel = format!("{}_{index}", unit.kernel);
        let mut text = isolated(&unit.text.replacen(&unit.kernel, &kernel, 1), index);
        let _ = writeln!(text, "static void run_{index}() {{");
        for (name, begin, bytes) in self.buffers() {
            let size = bytes.len() + 2 * GUARD;
            let _ = writeln!(
                text,
                "    alignas(64) static char {name}[{size}]; memset({name}, {GUARD_BYTE}, {size});
    if (fread({name} + {begin}, {}, 1, stdin) != 1) return;",
                bytes.len()
            );
        }
        let mut arguments = Vec::new();
        for (i, tensor) in self.inputs.iter().enumerate() {
            arguments.push(self.pointer(index, &format!("input{i}"), tensor));
        }
        for (i, tensor) in self.expected.iter().enumerate() {
            arguments.push(self.pointer(index, &self.home(i), tensor));
        }
        let parameters = &self.formula.parameters()[..self.formula.signature().parameters.len()];
        arguments.extend(parameters.iter().map(|value| format!("{value:?}")));
        let words: Vec<_> = walk.words.iter().map(|word| format!("{word}ull")).collect();
        let _ = writeln!(
            text,
            "    static const unsigned long long words[] = {{{}}};
    unit_{index}::Walk walk;
    static_assert(sizeof walk == sizeof words, \"the walk is made of its words\");
    memcpy(&walk, words, sizeof walk);
    gridDim.x = {BLOCKS};
    for (blockIdx.x = 0; blockIdx.x < {BLOCKS}; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < {THREADS}; threadIdx.x++)
            unit_{index}::{kernel}({}, {}ull, {}u, walk);",
            words.join(", "),
            arguments.join(", "),
            SEED.key(),
            SEED.stream(),
        );
        for i in 0..self.expected.len() {
            let _ = writeln!(text, "    fwrite({0}, sizeof {0}, 1, stdout);", self.home(i));
        }
        text.push_str("}\n");
        text
    }

    /// Every buffer by its name in the program, with where it begins and what is in it before.
    fn buffers(&self) -> Vec<(String, usize, Vec<u8>)> {
        let input = |(i, tensor)| (format!("input{i}"), self.begin(tensor), buffer(tensor));
        let fresh = (0..self.expected.len()).filter(|&i| self.in_place[i].is_none());
        let output = |i: usize| (self.home(i), self.begin(&self.expected[i]), self.before[i].clone());
        self.inputs.iter().enumerate().map(input).chain(fresh.map(output)).collect()
    }

    /// The buffer that an output is in.
    fn home(&self, output: usize) -> String {
        self.in_place[output].map_or(format!("output{output}"), |input| format!("input{input}"))
    }

    /// Where what is in a tensor's buffer begins in the program's.
    fn begin(&self, tensor: &Tensor) -> usize {
        GUARD + if self.shifted { tensor.dtype().size() } else { 0 }
    }

    /// Where the first element of a tensor is in the program's buffer.
    fn start(&self, tensor: &Tensor) -> usize {
        self.begin(tensor) + tensor.layout().offset() * tensor.dtype().size()
    }

    fn pointer(&self, index: usize, buffer: &str, tensor: &Tensor) -> String {
        format!("(unit_{index}::{}*)({buffer} + {})", tensor.dtype(), self.start(tensor))
    }

    /// Holds the program's output against what is expected, and takes it off.
    fn check(&self, output: &mut &[u8]) {
        let signature = self.formula.signature();
        for tensor in &self.expected {
            let (dtype, expected) = (tensor.dtype(), buffer(tensor));
            let name = format!("{} {:?} in {tensor:?} of {:?}", signature.name, signature.role, self.inputs);
            let (found, rest) = output.split_at(expected.len() + 2 * GUARD);
            *output = rest;
            let (before, behind) = found.split_at(self.begin(tensor));
            let (results, behind) = behind.split_at(expected.len());
            let untouched = before.iter().chain(behind).all(|&byte| byte == GUARD_BYTE);
            assert!(untouched, "{name}: wrote beyond the output");
            for (place, (result, expected)) in
                results.chunks(dtype.size()).zip(expected.chunks(dtype.size())).enumerate()
            {
                assert!(
                    distance(dtype, result, expected) <= self.ulps,
                    "{name}: {result:x?} at {place}, expected {expected:x?}"
                );
            }
        }
    }
}

/// The unit in a namespace of its own, without its macros from there on.
fn isolated(unit: &str, index: usize) -> String {
    let mut text = format!("namespace unit_{index} {{\n{unit}}}\n");
    for line in unit.lines() {
        if let Some(definition) = line.strip_prefix("#define ") {
            let end = definition.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(definition.len());
            let _ = writeln!(text, "#undef {}", &definition[..end]);
        }
    }
    text
}

macro_rules! with_element {
    ($dtype:expr, $type:ident => $body:expr) => {
        with_element!(@each $dtype, $type => $body,
            F64 f64, F32 f32, F16 f16, Bf16 bf16, U8 u8, U32 u32, I32 i32, I64 i64)
    };
    (@each $dtype:expr, $type:ident => $body:expr, $($dtypes:ident $types:ty),*) => {
        match $dtype {
            $(DType::$dtypes => {
                type $type = $types;
                $body
            })*
        }
    };
}

/// The whole buffer that a tensor is in.
fn buffer(tensor: &Tensor) -> Vec<u8> {
    let mut bytes = vec![0; tensor.buffer().bytes()];
    tensor.device().backend().download(tensor.buffer(), &mut bytes).unwrap();
    bytes
}

/// How many numbers lie between two elements: 0 for the same bits and for two NaN.
fn distance(dtype: DType, a: &[u8], b: &[u8]) -> u64 {
    if a == b {
        return 0;
    }
    let number = |element: &[u8]| with_element!(dtype, T => bytemuck::pod_read_unaligned::<T>(element).to_f64());
    match (number(a).is_nan(), number(b).is_nan()) {
        (true, true) => return 0,
        (false, false) if dtype.is_float() => {}
        _ => return u64::MAX,
    }
    let ordered = |element: &[u8]| {
        let mut bits = [0; 8];
        bits[..element.len()].copy_from_slice(element);
        let (bits, sign) = (u64::from_le_bytes(bits), 1 << (8 * element.len() - 1));
        if bits & sign == 0 { i128::from(bits) } else { -1 - i128::from(bits ^ sign) }
    };
    ordered(a).abs_diff(ordered(b)) as u64
}

fn random(count: usize, dtype: DType) -> Tensor {
    Tensor::normal(&[count], 0.0, 1.5, dtype, Seed::new(1, count as u32), &Device::cpu()).unwrap()
}

fn tensor<E: Element>(elements: &[E]) -> Tensor {
    Tensor::from_slice(elements, &[elements.len()], &Device::cpu()).unwrap()
}

fn elementwise() -> Vec<Case> {
    let [single, other, double] = [random(COUNT, DType::F32), random(COUNT, DType::F32), random(COUNT, DType::F64)];
    let [half, brain] = [random(COUNT, DType::F16), random(COUNT, DType::Bf16)];
    let shift = random(1, DType::F16);
    vec![
        Case::map(activation::relu, &[&single]),
        Case::map(activation::relu, &[&single]).shifted(),
        Case::map(arithmetic::sub, &[&single, &other]),
        Case::map(arithmetic::add, &[&half, &shift]),
        Case::map(arithmetic::mul, &[&shift, &half]).shifted(),
        Case::map(arithmetic::maximum, &[&brain, &brain]),
        Case::map(arithmetic::choose, &[&single.map(activation::relu).unwrap(), &single, &other]),
        Case::map(arithmetic::scale_shift { factor: -1.1, term: 0.3 }, &[&double]),
        Case::map(mish, &[&single]).within(8),
        Case::map(mish, &[&double]).within(8),
        Case::map(mish, &[&half]).within(1),
        Case::map(mish, &[&brain]).within(1),
        Case::map(arithmetic::square, &[&random(3, DType::F32)]),
    ]
}

/// An optimiser's step, whose outputs are written over its inputs.
fn in_place() -> Case {
    let inputs = [1, 2, 3, 4].map(|factor| random(COUNT, DType::F32).scale_shift(f64::from(factor), 0.0).unwrap());
    let inputs = [&inputs[0], &inputs[1], &inputs[2], &inputs[3].square().unwrap()].map(|t| t.copy().unwrap());
    let expected = [0, 2, 3].map(|i: usize| inputs[i].copy().unwrap());
    let gradient = &inputs[1];
    let [weight, mean, square] = &expected;
    Tensor::update(&ADAM, &[weight, gradient, mean, square], &[weight, mean, square], SEED).unwrap();
    let case = Case::new(ADAM, &inputs.each_ref(), weight.clone());
    Case { expected: expected.to_vec(), in_place: vec![Some(0), Some(2), Some(3)], before: vec![Vec::new(); 3], ..case }
}

/// Operands that lie in every way, with and without vectors.
fn layouts() -> Vec<Case> {
    let grid = |rows: usize, columns: usize, dtype| random(rows * columns, dtype).reshape(&[rows, columns]).unwrap();
    let mut cases = Vec::new();
    for (rows, columns) in [(96, 160), (37, 53), (130, 6)] {
        let [a, b] = [grid(rows, columns, DType::F32), grid(columns, rows, DType::F32)];
        let [row, column] = [grid(1, columns, DType::F32), grid(rows, 1, DType::F32)];
        let turned = b.transpose(0, 1).unwrap();
        cases.extend([
            Case::map(arithmetic::add, &[&a, &row]),
            Case::map(arithmetic::add, &[&a, &row]).shifted(),
            Case::map(arithmetic::mul, &[&column, &a]),
            Case::map(arithmetic::sub, &[&row, &column]),
            Case::map(arithmetic::sub, &[&a, &turned]),
            Case::map(activation::relu, &[&turned]).shifted(),
            Case::map(arithmetic::choose, &[&a, &turned, &column]),
            Case::map(arithmetic::choose, &[&a, &turned, &column]).wide(),
            Case::map(dropout { keep: 0.75 }, &[&turned]),
            Case::map(arithmetic::add, &[&a.slice(1, 1..columns).unwrap(), &row.slice(1, 0..columns - 1).unwrap()]),
            Case::map(arithmetic::mul, &[&a.slice(0, 3..4).unwrap(), &column]),
        ]);
        // Parts of a larger tensor: those beside them stay as they are.
        for wide in [columns + 8, 2 * columns + 1] {
            let whole = || grid(rows, wide, DType::F32);
            cases.push(Case::into_view(arithmetic::add, &[&a, &row], whole().slice(1, 4..4 + columns).unwrap()));
            cases.push(Case::into_view(arithmetic::sub, &[&turned, &row], whole().slice(1, 1..1 + columns).unwrap()));
        }
        let sheets = grid(columns, 2 * rows, DType::F32).reshape(&[columns, rows, 2]).unwrap().transpose(0, 1).unwrap();
        let half = sheets.slice(2, 1..2).unwrap().squeeze(2).unwrap();
        cases.push(Case::into_view(arithmetic::add, &[&turned, &column], half));
        let target = grid(columns, rows, DType::F32).transpose(0, 1).unwrap();
        cases.push(Case::into_view(create::constant { value: -2.5 }, &[], target.slice(0, 2..rows - 3).unwrap()));
    }
    for dtype in DType::ALL {
        let number = |count| random(count, DType::F64).scale_shift(5.0, 3.0).unwrap().cast(dtype).unwrap();
        let solid = number(3 * 5 * 7 * 16).reshape(&[3, 5, 7, 16]).unwrap();
        let plane = number(5 * 16).reshape(&[5, 1, 16]).unwrap();
        let turned = number(3 * 5 * 7 * 16).reshape(&[7, 5, 3, 16]).unwrap().transpose(0, 2).unwrap();
        let inverse = number(3 * 5 * 7 * 16).reshape(&[16, 5, 7, 3]).unwrap().transpose(0, 3).unwrap();
        cases.push(Case::map(arithmetic::maximum, &[&solid, &plane]));
        cases.push(Case::map(arithmetic::minimum, &[&turned, &plane]));
        cases.push(Case::map(arithmetic::choose, &[&inverse, &turned, &solid.slice(3, 8..9).unwrap()]));
        let other = if dtype == DType::F32 { DType::F16 } else { DType::F32 };
        cases.push(Case::cast(&turned, other));
        cases.push(Case::cast(&inverse.slice(1, 1..4).unwrap(), other));
    }
    cases
}

/// Uniform numbers have the very bits, and normal ones are as close as the functions they are made with.
fn random_draws() -> Vec<Case> {
    let cpu = Device::cpu();
    let mut cases = Vec::new();
    for dtype in [DType::F32, DType::F64, DType::F16, DType::Bf16] {
        let numbers = Tensor::uniform(&[COUNT], -1.0, 2.5, dtype, SEED, &cpu).unwrap();
        cases.push(Case::new(create::uniform { low: -1.0, high: 2.5 }, &[], numbers));
        let numbers = Tensor::normal(&[COUNT], 0.0, 1.0, dtype, SEED, &cpu).unwrap();
        cases.push(Case::new(create::normal { mean: 0.0, deviation: 1.0 }, &[], numbers).within(4));
        let places: Vec<f64> = (0..COUNT).map(|place| place as f64).collect();
        let places = Tensor::from_slice(&places, &[COUNT], &cpu).unwrap().cast(dtype).unwrap();
        cases.push(Case::new(create::position, &[], places));
        cases.push(Case::map(dropout { keep: 0.75 }, &[&random(COUNT, dtype)]));
    }
    cases.push(Case::map(dropout { keep: 0.75 }, &[&random(COUNT, DType::F64)]).shifted());
    cases.push(Case::map(noise { scale: 0.5 }, &[&random(COUNT, DType::F32)]).within(4));
    cases.push(Case::map(noise { scale: 0.5 }, &[&random(COUNT, DType::F64)]).shifted().within(4));
    cases
}

/// Every element type read and written, at values that round, saturate or are no numbers.
fn conversions() -> Vec<Case> {
    let halves: Vec<_> = (0..=u16::MAX).map(f16::from_bits).collect();
    let brains: Vec<_> = (0..=u16::MAX).map(bf16::from_bits).collect();
    // Each f16 and each middle between two, with the f32 on both sides.
    let around = |x: f32| [x.next_down(), x, x.next_up()];
    let middle = |x: f16| (x.to_f32() + f16::from_bits(x.to_bits().wrapping_add(1)).to_f32()) / 2.0;
    let mut singles: Vec<_> = halves.iter().flat_map(|&x| [x.to_f32(), middle(x)]).flat_map(around).collect();
    let mut stream = Stream::new(5, [0; 3]);
    singles.extend((0..50_000).map(|_| f32::from_bits(stream.next_u32())));
    let doubles: Vec<_> = singles.iter().step_by(7).map(|&x| f64::from(x)).collect();
    let integers = [0, 1, -1, 127, 255, 256, 1 << 24 | 1, i64::from(u32::MAX), 1 << 53, i64::MAX, i64::MIN, -(1 << 31)];
    let edges: Vec<_> = integers.iter().flat_map(|&x| [-0.5, 0.0, 0.5].map(|part| x as f64 + part)).collect();
    let edges = tensor(&[edges, vec![f64::NAN, f64::INFINITY, -f64::INFINITY, 1e300, -1e300]].concat());
    // By f32, which holds these: the crate `half` looks at 20 bits of an f64's fraction only.
    let from_doubles = |expected| Case::new(activation::linear, &[&tensor(&doubles)], expected);
    let singles_again = || doubles.iter().map(|&x| x as f32);
    let singles = tensor(&singles);
    let mut cases = vec![
        Case::cast(&tensor(&halves), DType::F32),
        Case::cast(&tensor(&halves), DType::F64),
        Case::cast(&tensor(&brains), DType::F32),
        Case::cast(&singles, DType::F16),
        Case::cast(&singles, DType::Bf16),
        Case::cast(&singles, DType::U8),
        from_doubles(tensor(&singles_again().collect::<Vec<_>>())),
        from_doubles(tensor(&singles_again().map(f16::from_f32).collect::<Vec<_>>())),
        from_doubles(tensor(&singles_again().map(bf16::from_f32).collect::<Vec<_>>())),
    ];
    for dtype in [DType::U8, DType::U32, DType::I32, DType::I64] {
        cases.push(Case::cast(&edges, dtype));
        cases.push(Case::cast(&tensor(&integers).cast(dtype).unwrap(), DType::F64));
    }
    cases
}

/// From f64 at once: a detour by f32 would round these to a tie first, and then the wrong way.
fn rounded_once() -> Vec<Case> {
    let power = |exponent: i32| 2f64.powi(exponent);
    let above = |step: i32| 1.0 + power(step - 1) + power(-40);
    let below = |step: i32| 1.0 + 3.0 * power(step - 1) - power(-40);
    let inputs = |step: i32| tensor(&[above(step), -above(step), below(step), -below(step), 65520.0 - 1e-9]);
    let up = |step: i32| 1.0 + power(step);
    let halves = [up(-10), -up(-10), up(-10), -up(-10), 65504.0].map(f16::from_f64);
    let brains = [up(-7), -up(-7), up(-7), -up(-7), 65536.0].map(bf16::from_f64);
    vec![
        Case::new(activation::linear, &[&inputs(-10)], tensor(&halves)),
        Case::new(activation::linear, &[&inputs(-7)], tensor(&brains)),
    ]
}

#[test]
fn kernels_give_what_the_cpu_gives() {
    let compiler = Compiler::find();
    if compiler.language == Language::C {
        eprintln!("not run: kernels are C++, and only a C compiler was found");
        return;
    }
    let cases: Vec<_> = [elementwise(), vec![in_place()], layouts(), random_draws(), conversions(), rounded_once()]
        .into_iter()
        .flatten()
        .collect();
    let mut program = HEAD.to_owned();
    let mut calls = String::new();
    let mut input = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        program.push_str(&case.program(index));
        let _ = write!(calls, " run_{index}();");
        case.buffers().iter().for_each(|(.., bytes)| input.extend(bytes));
    }
    let _ = writeln!(program, "int main() {{{calls} }}");
    let output = compiler.run(&program, &input);
    let mut rest = output.as_slice();
    cases.iter().for_each(|case| case.check(&mut rest));
    assert!(rest.is_empty());
}
