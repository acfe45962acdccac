//! Where the examples put their pictures, and how they draw what the report has no picture for.

#![allow(dead_code, reason = "each example uses a part of it")]

pub mod cholesky;
pub mod plane;
pub mod points;
pub mod samples;

use std::fs::{self, File};
use std::io::{BufWriter, Error as IoError};
use std::path::PathBuf;

use rectify::report::{Curves, GrayImage};
use rectify::{Error, Result, Tensor};

const FOLDER: &str = "examples-out";
/// Pixels across and down that one pixel of a picture is drawn with.
const ZOOM: usize = 4;

/// Writes functions of the same numbers as `examples-out/NAME.svg`.
///
/// # Errors
/// The file cannot be written; as for every picture.
pub fn curves(name: &str, title: &str, x: &[f64], functions: &[(&str, &[f64])]) -> Result<()> {
    text(&format!("{name}.svg"), &Curves { title, x, functions }.to_string())
}

/// Writes a text as a file in `examples-out`.
pub fn text(name: &str, content: &str) -> Result<()> {
    let path = place(name)?;
    fs::write(&path, content).map_err(|cause| Error::io("write", &path, cause))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Writes pictures of one size as `examples-out/NAME.png`, `columns` of them in a row.
pub fn pictures(name: &str, columns: usize, images: &[GrayImage]) -> Result<()> {
    let Some(first) = images.first() else { return Ok(()) };
    let (width, height) = (first.width as usize, first.height as usize);
    // One pixel of paper between neighbours.
    let (across, down) = (columns * (width + 1), images.len().div_ceil(columns) * (height + 1));
    let mut sheet = vec![255; across * down];
    for (nth, image) in images.iter().enumerate() {
        let corner = nth / columns * (height + 1) * across + nth % columns * (width + 1);
        for (row, pixels) in image.pixels.chunks(width).enumerate() {
            sheet[corner + row * across..][..width].copy_from_slice(pixels);
        }
    }
    let rows = sheet.chunks(across).flat_map(|row| [row; ZOOM]);
    let zoomed: Vec<u8> = rows.flat_map(|row| row.iter().flat_map(|&pixel| [pixel; ZOOM])).collect();
    let path = place(&format!("{name}.png"))?;
    let file = File::create(&path).map_err(|cause| Error::io("write", &path, cause))?;
    let encoder = png::Encoder::new(BufWriter::new(file), (across * ZOOM) as u32, (down * ZOOM) as u32);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&zoomed));
    written.map_err(|cause| Error::io("write", &path, IoError::other(cause)))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// The rows of a tensor of numbers from 0 to 1 as square pictures, 1 black on white.
pub fn images(rows: &Tensor) -> Result<Vec<GrayImage>> {
    let pixels = rows.shape()[1];
    let side = pixels.isqrt();
    let ink: Vec<f32> = rows.to_vec()?;
    let image = |row: &[f32]| {
        let pixels = row.iter().map(|ink| 255 - (ink * 255.0) as u8).collect();
        GrayImage { width: side as u32, height: side as u32, pixels }
    };
    Ok(ink.chunks(pixels).map(image).collect())
}

fn place(name: &str) -> Result<PathBuf> {
    fs::create_dir_all(FOLDER).map_err(|cause| Error::io("create", FOLDER, cause))?;
    Ok(PathBuf::from(FOLDER).join(name))
}
