//! What a person reads when tensors do not fit: the operation, the shapes or types, the rule with its numbers.

use rectify::device::Seed;
use rectify::formula::catalogue::arithmetic;
use rectify::memory::Host as HostMemory;
use rectify::{DType, Device, Error, Result, Tensor, formula, scope};

use super::{device, is_cuda, on_devices, settled};

on_devices! {
    messages_name_the_operation_the_shapes_and_the_rule,
    messages_say_in_which_layer,
}

formula! { fn both(a, b) -> 2 = [a + b, a - b] }
formula! { fn drawn(; low, high; chance: uniform) = low + (high - low) * chance }

fn zeros(sizes: &[usize]) -> Tensor {
    Tensor::zeros(sizes, DType::F32, &device()).unwrap()
}

fn typed(sizes: &[usize], dtype: DType) -> Tensor {
    Tensor::zeros(sizes, dtype, &device()).unwrap()
}

fn labels(labels: &[i64]) -> Tensor {
    Tensor::from_slice(labels, &[labels.len()], &device()).unwrap()
}

fn elsewhere() -> Tensor {
    Tensor::zeros(&[2], DType::F32, &Device::cpu_from(HostMemory)).unwrap()
}

type Attempt = fn() -> Result<Tensor>;

/// Attempts, and what must come back.
const MESSAGES: &[(Attempt, &str)] = &[
    (
        || zeros(&[64, 784]).matmul(&zeros(&[128, 10])),
        "matmul: shapes [64, 784] and [128, 10] cannot be multiplied: inner sizes 784 and 128 differ",
    ),
    (
        || zeros(&[3]).matmul(&zeros(&[3, 2])),
        "matmul: shapes [3] and [3, 2] cannot be multiplied: a matrix has at least two axes",
    ),
    (
        || zeros(&[2, 3, 4]).matmul(&zeros(&[5, 4, 3])),
        "matmul: shapes [2] and [5] cannot be broadcast together: sizes 2 and 5 differ and neither is 1",
    ),
    (
        || zeros(&[2, 2]).matmul(&typed(&[2, 2], DType::F64)),
        "matmul: element types f32 and f64 differ: cast one of them",
    ),
    (
        || typed(&[2, 2], DType::I64).matmul(&typed(&[2, 2], DType::I64)),
        "matmul: element type i64 is not floating point: cast it",
    ),
    (
        || zeros(&[3, 2]).add_matmul(&zeros(&[2, 4]), &zeros(&[4, 2])).map(|()| zeros(&[])),
        "add_matmul: shape [3, 2] must be a contiguous tensor of the product's shape [2, 2]",
    ),
    (
        || zeros(&[2, 3]).add(&zeros(&[2, 4])),
        "add: shapes [2, 3] and [2, 4] cannot be broadcast together: sizes 3 and 4 differ and neither is 1",
    ),
    (
        || Tensor::zip(arithmetic::choose, [&zeros(&[2]), &zeros(&[2, 1]), &zeros(&[3])]),
        "choose: shapes [2, 2] and [3] cannot be broadcast together: sizes 2 and 3 differ and neither is 1",
    ),
    (|| zeros(&[2]).mul(&typed(&[2], DType::Bf16)), "mul: element types f32 and bf16 differ: cast one of them"),
    (
        || zeros(&[2]).sub(&elsewhere()),
        "sub: tensors are on different devices (two cpu devices, each with its own memory): move one with to_device",
    ),
    (|| typed(&[2], DType::I32).exp(), "exp: element type i32 is not floating point: cast it"),
    (|| Tensor::zip(arithmetic::add, [&zeros(&[2])]), "add: takes 2 inputs, 1 were given"),
    (|| Tensor::zip(both, [&zeros(&[2]), &zeros(&[2])]), "both: gives 2 outputs: use update to write them"),
    (|| Tensor::zip(drawn { low: 0.0, high: 1.0 }, []), "drawn: has no inputs to take the shape from"),
    (
        || Tensor::update(&both, &[&zeros(&[2]), &zeros(&[2])], &[&zeros(&[2])], Seed::default()).map(|()| zeros(&[])),
        "both: gives 2 outputs, 1 were given",
    ),
    (
        || {
            let (x, repeated) = (zeros(&[3]), zeros(&[1]).broadcast_to(&[3])?);
            Tensor::update(&arithmetic::neg, &[&x], &[&repeated], Seed::default()).map(|()| x)
        },
        "neg: shape [3] is broadcast, or windows that share elements, and cannot be written",
    ),
    (
        || {
            let (x, y, z) = (zeros(&[3]), zeros(&[3]), zeros(&[4]));
            Tensor::update(&both, &[&x, &x], &[&y, &z], Seed::default()).map(|()| x)
        },
        "both: shapes [3] and [4] of two outputs differ",
    ),
    (|| zeros(&[6]).reshape(&[4, 2]), "reshape: shapes [6] and [4, 2] cannot be reshaped: 6 elements are not 8"),
    (|| zeros(&[2, 3]).transpose(0, 2), "transpose: shape [2, 3] has no axis 2: it has 2 axes"),
    (|| zeros(&[]).transpose(0, 0), "transpose: shape [] has no axis 0: it has 0 axes"),
    (|| zeros(&[2, 3]).slice(1, 2..4), "slice: shape [2, 3] has no elements 2..4 along axis 1: its size is 3"),
    (
        #[expect(clippy::reversed_empty_ranges)]
        || zeros(&[2, 3]).slice(1, 2..1),
        "slice: shape [2, 3] has no elements 2..1 along axis 1: its size is 3",
    ),
    (
        || zeros(&[2, 3]).squeeze(1),
        "squeeze: shape [2, 3] has size 3 along axis 1, only an axis of size 1 can be removed",
    ),
    (|| zeros(&[2]).unsqueeze(2), "unsqueeze: shape [2] cannot take a new axis at 2: it has 1 axes"),
    (
        || zeros(&[2, 3]).broadcast_to(&[2, 4]),
        "broadcast_to: shapes [2, 3] and [2, 4] cannot be broadcast: size 3 is neither 1 nor 4",
    ),
    (
        || zeros(&[2, 3]).broadcast_to(&[3]),
        "broadcast_to: shapes [2, 3] and [3] cannot be broadcast: the target has fewer axes",
    ),
    (|| Tensor::zeros(&[1; 9], DType::F32, &device()), "shape: 9 axes asked for, at most 8 are possible"),
    (|| zeros(&[2, 3]).sum(&[2]), "sum: shape [2, 3] has no axis 2: it has 2 axes"),
    (|| zeros(&[2, 3]).max(&[1, 1]), "max: shape [2, 3] is reduced twice along axis 1"),
    (|| typed(&[2], DType::U8).mean(&[]), "mean: element type u8 is not floating point: cast it"),
    (|| zeros(&[2, 1]).variance(&[1], 1), "variance: shape [2, 1] has 1 elements along [1], more than 1 are needed"),
    (|| zeros(&[2, 0]).argmax(1), "argmax: shape [2, 0] has no elements along axis 1"),
    (|| zeros(&[]).softmax(), "softmax: shape [] has no axes"),
    (|| typed(&[2], DType::U8).log_softmax(), "log_softmax: element type u8 is not floating point: cast it"),
    (|| zeros(&[]).rms_norm(&zeros(&[]), 1e-5), "rms_norm: shape [] has no axes"),
    (
        || zeros(&[2, 3]).layer_norm(&zeros(&[3]), &zeros(&[2]), 1e-5),
        "layer_norm: shapes [2, 3] and [2] do not fit: an input [.., features] needs a gain and a shift [features]",
    ),
    (
        || zeros(&[2, 3]).rms_norm(&typed(&[3], DType::F64), 1e-5),
        "rms_norm: element types f32 and f64 differ: cast one of them",
    ),
    (
        || typed(&[3], DType::I32).rms_norm(&zeros(&[3]), 1e-5),
        "rms_norm: element type i32 is not floating point: cast it",
    ),
    (
        || zeros(&[2, 3]).layer_norm(&zeros(&[3]), &zeros(&[3]), -1e-5),
        "layer_norm: epsilon -0.00001 is not a number from 0",
    ),
    (
        || zeros(&[2, 10]).cross_entropy(&labels(&[3, 10]), None).map(|losses| losses.0),
        "cross_entropy: label 10 at position 1 is out of range: there are 10 classes",
    ),
    (
        || zeros(&[2, 10]).cross_entropy(&labels(&[-1, 0]), None).map(|losses| losses.0),
        "cross_entropy: label -1 at position 0 is out of range: there are 10 classes",
    ),
    (
        || zeros(&[2, 10]).cross_entropy(&labels(&[1, 2, 3]), None).map(|losses| losses.0),
        "cross_entropy: shapes [2, 10] and [3] do not fit: logits are [rows, classes] and labels [rows]",
    ),
    (
        || zeros(&[2, 10]).cross_entropy(&zeros(&[2]), None).map(|losses| losses.0),
        "cross_entropy: element type f32 is not an integer type: labels and indices are integers",
    ),
    (
        || zeros(&[2]).cross_entropy(&labels(&[1, 2]), None).map(|losses| losses.0),
        "cross_entropy: shape [2] has 1 axes, 2 are needed",
    ),
    (|| zeros(&[3, 2]).gather(2, &labels(&[0])), "gather: shape [3, 2] has no axis 2: it has 2 axes"),
    (
        || zeros(&[3, 2]).gather(0, &labels(&[2, 3])),
        "gather: index 3 at position 1 is out of range: there are 3 slices",
    ),
    (
        || zeros(&[3, 2]).gather(0, &zeros(&[1])),
        "gather: element type f32 is not an integer type: labels and indices are integers",
    ),
    (|| zeros(&[3, 2]).gather(0, &typed(&[1, 1], DType::U8)), "gather: shape [1, 1] has 2 axes, 1 are needed"),
    (
        || zeros(&[3, 2]).scatter_add(0, &labels(&[0, 1]), &[4, 2]),
        "scatter_add: shapes [3, 2] and [4, 2] do not fit: slices for these indices have shape [2, 2]",
    ),
    (
        || zeros(&[2, 2]).scatter_add(0, &labels(&[0, 4]), &[4, 2]),
        "scatter_add: index 4 at position 1 is out of range: there are 4 slices",
    ),
    (
        || zeros(&[2]).one_hot(3, DType::F32),
        "one_hot: element type f32 is not an integer type: labels and indices are integers",
    ),
    (|| Tensor::concatenate(&[], 0), "concatenate: no tensors were given"),
    (
        || Tensor::concatenate(&[&zeros(&[2, 3]), &zeros(&[2, 4])], 0),
        "concatenate: shapes [2, 3] and [2, 4] cannot be joined along axis 0: another axis differs",
    ),
    (
        || Tensor::concatenate(&[&zeros(&[2]), &typed(&[2], DType::F16)], 0),
        "concatenate: element types f32 and f16 differ: cast one of them",
    ),
    (
        || Tensor::from_slice(&[1.0f32; 5], &[2, 3], &device()),
        "from_slice: shape [2, 3] needs 6 elements, 5 were given",
    ),
    (
        || Tensor::from_slice(&zeros(&[2]).to_vec::<f64>()?, &[2], &device()),
        "to_vec: element type f32 cannot be read as f64: cast it first",
    ),
    (
        || Tensor::full(&[], zeros(&[2]).item()?, DType::F32, &device()),
        "item: shape [2] does not hold exactly one element",
    ),
    (
        || Tensor::zeros(&[usize::MAX, 2], DType::F32, &device()),
        "shape: the number of elements of [18446744073709551615, 2] overflows",
    ),
    (
        || Tensor::zeros(&[1 << 62], DType::F64, &device()),
        "allocate: shape [4611686018427387904] of f64 overflows the number of bytes",
    ),
];

fn messages_name_the_operation_the_shapes_and_the_rule() {
    assert!(MESSAGES.len() >= 25);
    for (attempt, expected) in MESSAGES {
        let error = settled(attempt()).expect_err(expected);
        let (two, mixed) = ("two cpu devices, each with its own memory", "cuda:0 and cpu");
        let expected = if is_cuda() { expected.replace(two, mixed) } else { (*expected).to_owned() };
        assert_eq!(error.to_string(), expected);
    }
}

fn messages_say_in_which_layer() {
    let _outer = scope::enter("classifier");
    let _inner = scope::enter("hidden1");
    let error = zeros(&[2, 3]).matmul(&zeros(&[4, 5])).unwrap_err();
    assert!(error.to_string().ends_with("inner sizes 3 and 4 differ (in classifier/hidden1)"), "{error}");
    let Error::Shape { operation, shapes, layer, .. } = error else { panic!("{error:?}") };
    assert_eq!((operation, shapes[0].sizes(), shapes[1].sizes()), ("matmul", &[2, 3][..], &[4, 5][..]));
    assert_eq!(layer.as_str(), "classifier/hidden1");
}
