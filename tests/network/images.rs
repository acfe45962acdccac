//! Convolution and pooling against plain loops.

use rectify::Result;
use rectify::nn::layer::{AveragePool2d, Conv2d, Layer, MaxPool2d, Pass};

use super::devices::on_devices;
use super::{assert_close, random, random_parameters, run};

on_devices! {
    convolution_is_the_sum_over_each_window,
    pooling_is_the_largest_and_the_mean_of_each_window,
    what_does_not_fit_is_refused,
}

/// Where windows lie along one axis, and what is added around it.
#[derive(Clone, Copy)]
struct Axis {
    size: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl Axis {
    fn count(self, length: usize) -> usize {
        (length + 2 * self.padding - (self.size - 1) * self.dilation - 1) / self.stride + 1
    }

    /// The element of the image under place `k` of window `i`, if it is not one that was added.
    fn place(self, i: usize, k: usize, length: usize) -> Option<usize> {
        (i * self.stride + k * self.dilation).checked_sub(self.padding).filter(|&place| place < length)
    }
}

/// Calls `each` with every window of a batch and the elements in it: none where padding was added.
fn windows(
    [batch, height, width, channels]: [usize; 4],
    [vertical, horizontal]: [Axis; 2],
    mut each: impl FnMut(&[Vec<Option<usize>>]),
) {
    for n in 0..batch {
        for i in 0..vertical.count(height) {
            for j in 0..horizontal.count(width) {
                let mut window = Vec::new();
                for ki in 0..vertical.size {
                    for kj in 0..horizontal.size {
                        let pixel = vertical.place(i, ki, height).zip(horizontal.place(j, kj, width));
                        let first = pixel.map(|(row, column)| ((n * height + row) * width + column) * channels);
                        window.push((0..channels).map(|c| first.map(|first| first + c)).collect());
                    }
                }
                each(&window);
            }
        }
    }
}

fn convolution_is_the_sum_over_each_window() -> Result<()> {
    for (sizes, filters, stride, padding, dilation) in [
        ([2, 5, 6, 3], 4, [1, 1], [0, 0], [1, 1]),
        ([1, 7, 5, 2], 3, [2, 1], [1, 2], [1, 1]),
        ([3, 8, 9, 1], 2, [2, 3], [2, 1], [2, 3]),
        ([2, 3, 3, 2], 1, [1, 1], [1, 1], [1, 1]),
    ] {
        let layer = Conv2d::new(filters, [3, 2]).stride(stride).padding(padding).dilation(dilation);
        let x = random(&sizes, 1)?;
        let parameters = random_parameters(&layer.build(&sizes[1..])?)?;
        let (image, weight, bias): (Vec<f64>, Vec<f64>, Vec<f64>) =
            (x.to_vec()?, parameters[0].to_vec()?, parameters[1].to_vec()?);
        let axis =
            |axis: usize, size| Axis { size, stride: stride[axis], padding: padding[axis], dilation: dilation[axis] };
        let mut expected = Vec::new();
        windows(sizes, [axis(0, 3), axis(1, 2)], |window| {
            for filter in 0..filters {
                let flat = window.iter().flatten().enumerate();
                let terms = flat.filter_map(|(k, place)| Some(image[(*place)?] * weight[k * filters + filter]));
                expected.push(bias[filter] + terms.sum::<f64>());
            }
        });
        assert_close(&format!("{layer:?}"), &run(&layer, &x, &parameters, &Pass::inference())?, &expected)?;
    }
    Ok(())
}

fn pooling_is_the_largest_and_the_mean_of_each_window() -> Result<()> {
    for (sizes, size, stride, padding) in
        [([2, 4, 6, 3], [2, 2], [2, 2], [0, 0]), ([1, 5, 7, 2], [3, 2], [2, 1], [1, 1])]
    {
        let x = random(&sizes, 2)?;
        let image: Vec<f64> = x.to_vec()?;
        let axis = |axis: usize| Axis { size: size[axis], stride: stride[axis], padding: padding[axis], dilation: 1 };
        let (mut largest, mut mean) = (Vec::new(), Vec::new());
        windows(sizes, [axis(0), axis(1)], |window| {
            for channel in 0..sizes[3] {
                let values: Vec<f64> = window.iter().filter_map(|pixel| Some(image[pixel[channel]?])).collect();
                largest.push(values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                mean.push(values.iter().sum::<f64>() / window.len() as f64);
            }
        });
        let max = MaxPool2d::new(size).stride(stride).padding(padding);
        assert_close("largest", &run(&max, &x, &[], &Pass::inference())?, &largest)?;
        let average = AveragePool2d::new(size).stride(stride).padding(padding);
        assert_close("mean", &run(&average, &x, &[], &Pass::inference())?, &mean)?;
    }
    Ok(())
}

fn what_does_not_fit_is_refused() -> Result<()> {
    let cases: [(Box<dyn Layer>, &[usize], &str); 5] = [
        (Box::new(Conv2d::new(2, [3, 3])), &[2, 9, 1], "does not fit images of 2 x 9"),
        (Box::new(Conv2d::new(2, [0, 3])), &[9, 9, 1], "does not fit"),
        (Box::new(Conv2d::new(2, [3, 3]).stride([0, 1])), &[9, 9, 1], "does not fit"),
        (Box::new(Conv2d::new(2, [3, 3]).dilation([1, 0])), &[9, 9, 1], "does not fit"),
        (Box::new(MaxPool2d::new([2, 2])), &[9, 9], "are not images"),
    ];
    for (layer, input, message) in cases {
        let error = layer.build(input).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
    Ok(())
}
