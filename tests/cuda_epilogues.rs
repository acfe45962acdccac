//! What cuBLASLt does along with a product: each epilogue against the CPU.

mod devices;
mod layers;

use devices::{device, on_cuda};
use layers::check;
use rectify::nn::Activation;
use rectify::{DType, Result};

/// Units of the input, of both hidden layers and of the output, and the rows: none a multiple of anything, all multiples of
/// everything, and single ones.
const SIZES: [([usize; 4], usize); 4] =
    [([5, 7, 130, 3], 9), ([16, 128, 64, 16], 32), ([3, 1, 1, 1], 1), ([4, 250, 8, 9], 1)];

#[test]
fn every_epilogue_gives_what_the_cpu_gives() -> Result<()> {
    on_cuda(|| {
        for network in SIZES {
            for dtype in [DType::F32, DType::F16, DType::Bf16, DType::F64] {
                for activation in [Activation::Relu, Activation::GeluTanh, Activation::Linear] {
                    check(&device(), network, dtype, true, activation)?;
                }
            }
        }
        check(&device(), SIZES[0], DType::F32, false, Activation::Relu)?;
        check(&device(), SIZES[0], DType::F32, false, Activation::GeluTanh)
    })
}
