//! Tensor operations against plain loops.

use rectify::{DType, Device, Generator, Tensor};

fn device() -> Device {
    Device::cpu()
}

#[test]
fn creation_and_views() {
    let d = device();
    let a = Tensor::arange(24, DType::F32, &d).unwrap().reshape(&[2, 3, 4]).unwrap();
    let t = a.transpose(0, 2).unwrap();
    assert_eq!(t.shape().sizes(), [4, 3, 2]);
    assert!(t.shares_buffer(&a));
    let v = t.to_vec::<f32>().unwrap();
    assert_eq!(&v[..6], [0., 12., 4., 16., 8., 20.]);
    let s = t.slice(0, 1..3).unwrap().sum(&[1]).unwrap();
    assert_eq!(s.to_vec::<f32>().unwrap(), [15., 51., 18., 54.]);
}

#[test]
fn sums_over_any_axes() {
    let d = device();
    let sizes = [3usize, 5, 130, 2];
    let n: usize = sizes.iter().product();
    let host: Vec<f64> = (0..n).map(|i| ((i * 7919) % 1000) as f64 - 300.0).collect();
    let base = Tensor::from_slice(&host, &sizes, &d).unwrap();
    for dtype in [DType::F64, DType::F32] {
        for transposed in [false, true] {
            let t = base.cast(dtype).unwrap();
            let t = if transposed { t.transpose(1, 3).unwrap() } else { t };
            for mask in 0..16usize {
                let axes: Vec<usize> = (0..4).filter(|a| mask >> a & 1 == 1).collect();
                let got = t.sum(&axes).unwrap().cast(DType::F64).unwrap().to_vec::<f64>().unwrap();
                let max = t.max(&axes).unwrap().cast(DType::F64).unwrap().to_vec::<f64>().unwrap();
                let all = if axes.is_empty() { vec![0, 1, 2, 3] } else { axes.clone() };
                let shape = t.shape().to_vec();
                let values = t.cast(DType::F64).unwrap().to_vec::<f64>().unwrap();
                let kept: Vec<usize> = (0..4).filter(|a| !all.contains(a)).collect();
                let count: usize = kept.iter().map(|&a| shape[a]).product();
                let mut want = vec![0.0; count];
                let mut most = vec![f64::NEG_INFINITY; count];
                for (i, value) in values.iter().enumerate() {
                    let mut rest = i;
                    let mut index = [0; 4];
                    for a in (0..4).rev() {
                        index[a] = rest % shape[a];
                        rest /= shape[a];
                    }
                    let at = kept.iter().fold(0, |at, &a| at * shape[a] + index[a]);
                    want[at] += value;
                    most[at] = most[at].max(*value);
                }
                assert_eq!(got, want, "{dtype} {transposed} {axes:?}");
                assert_eq!(max, most, "{dtype} {transposed} {axes:?}");
            }
        }
    }
}

#[test]
fn random_tensors_do_not_depend_on_chunks() {
    let d = device();
    let seed = Generator::new(7).next();
    let all = Tensor::normal(&[5000], 0.0, 1.0, DType::F32, seed, &d).unwrap().to_vec::<f32>().unwrap();
    let some = Tensor::normal(&[1303], 0.0, 1.0, DType::F32, seed, &d).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(all[..1303], some);
    let mean = all.iter().sum::<f32>() / 5000.0;
    let var = all.iter().map(|x| x * x).sum::<f32>() / 5000.0;
    assert!(mean.abs() < 0.06 && (var - 1.0).abs() < 0.08, "{mean} {var}");
}

#[test]
fn broadcasting_and_types() {
    let d = device();
    for dtype in [DType::F64, DType::F32, DType::F16, DType::Bf16] {
        for inner in [3usize, 200, 1500] {
            let a = Tensor::arange(4 * inner, DType::F32, &d).unwrap().scale_shift(0.01, -3.0).unwrap();
            let a = a.reshape(&[4, inner]).unwrap().cast(dtype).unwrap();
            let row =
                Tensor::arange(inner, DType::F32, &d).unwrap().scale_shift(0.125, 0.0).unwrap().cast(dtype).unwrap();
            let column = Tensor::arange(4, DType::F32, &d).unwrap().reshape(&[4, 1]).unwrap().cast(dtype).unwrap();
            let got = a.add(&row).unwrap().mul(&column).unwrap().cast(DType::F64).unwrap().to_vec::<f64>().unwrap();
            let (a, row) = (
                a.cast(DType::F64).unwrap().to_vec::<f64>().unwrap(),
                row.cast(DType::F64).unwrap().to_vec::<f64>().unwrap(),
            );
            let eps = match dtype {
                DType::F64 => 1e-14,
                DType::F32 => 1e-6,
                DType::F16 => 2e-3,
                _ => 2e-2,
            };
            for i in 0..4 * inner {
                let want = (a[i] + row[i % inner]) * (i / inner) as f64;
                assert!((got[i] - want).abs() <= eps * want.abs().max(1.0), "{dtype} {inner} {i} {} {want}", got[i]);
            }
        }
    }
}
