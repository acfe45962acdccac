//! The samples a model got wrong, to look at.

use std::fmt;

use super::figures::{grouped, percent};
use super::html::Text;
use super::png;

/// The most pictures shown.
const MAX_SHOWN: usize = 48;

/// A grey picture.
#[derive(Debug, Clone, Default)]
pub struct GrayImage {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height` bytes, rows from the top, 0 black.
    pub pixels: Vec<u8>,
}

/// A sample that was classified wrong.
#[derive(Debug, Clone, Default)]
pub struct Mistake {
    /// The sample.
    pub image: GrayImage,
    /// The name of its class.
    pub truth: String,
    /// The name of the class it was taken for.
    pub prediction: String,
    /// The probability the model gave its prediction, 0 to 1.
    pub confidence: f64,
}

/// Mistakes as a grid of pictures, the most confident first.
pub(super) struct Gallery<'a>(pub(super) &'a [Mistake]);

impl fmt::Display for Gallery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut mistakes: Vec<_> = self.0.iter().collect();
        mistakes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        if mistakes.is_empty() {
            return f.write_str(r#"<p class="note">Every test sample was classified right.</p>"#);
        }
        f.write_str(r#"<p class="note">Truth → prediction, and the model’s confidence; the most confident first."#)?;
        if mistakes.len() > MAX_SHOWN {
            write!(f, " {MAX_SHOWN} of {} are shown.", grouped(mistakes.len() as u64))?;
        }
        f.write_str(r#"</p><ul class="gallery">"#)?;
        mistakes.into_iter().take(MAX_SHOWN).try_for_each(|mistake| write!(f, "{mistake}"))?;
        f.write_str("</ul>")
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { image, truth, prediction, confidence } = self;
        let (truth, prediction, confidence) = (Text(truth), Text(prediction), percent(*confidence));
        let GrayImage { width, height, pixels } = image;
        // Compressing into memory does not fail; a picture that could not be drawn would only be missing.
        let source = png::data_uri(*width, *height, pixels).map_err(|_| fmt::Error)?;
        write!(f, r#"<li title="{truth} taken for {prediction}, confidence {confidence}">"#)?;
        write!(f, r#"<img src="{source}" width="{width}" height="{height}" alt="{truth} taken for {prediction}">"#)?;
        write!(f, r#"<span><b>{truth}</b> → <b class="wrong">{prediction}</b></span>"#)?;
        write!(f, r#"<span class="confidence">{confidence}</span></li>"#)
    }
}
