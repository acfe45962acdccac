#![allow(missing_docs)]
use rectify::*;
fn main() -> Result<()> {
    println!("{:#?}", device::probe_cuda());
    let device = Device::open(DeviceChoice::Cuda(0))?;
    let a = Tensor::from_slice(&[1.0f32, 2.0, 3.0, -4.0, 5.0, 6.0], &[2, 3], &device)?;
    let b = a.abs()?.add(&a)?;
    println!("{:?}", b.to_vec::<f32>()?);
    let c = a.matmul(&a.transpose(0, 1)?)?;
    println!("{:?}", c.to_vec::<f32>()?);
    println!("{:?}", a.sum(&[1])?.to_vec::<f32>()?);
    println!("{:?}", a.sum(&[0])?.to_vec::<f32>()?);
    println!("{:?}", a.sum(&[])?.to_vec::<f32>()?);
    Ok(())
}
