//! Numbers as people read them.

/// A whole number with its thousands apart: `52,310`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 epoch`, `1,380 steps`.
pub fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number as u64))
}

/// A number of bytes in the largest binary unit it fills: `1.50 MiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    // 1023.5 would print as "1024 KiB".
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(value), UNITS[unit])
}

/// A share of 1 as a percentage: `97.46 %`.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.2} %", share * 100.0) } else { "–".into() }
}

/// A duration in words: `0.84 s`, `2 min 05 s`, `3 h 07 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".into();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{} s", three_digits(seconds)),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A loss or another positive figure: four decimals, or powers of ten where those say nothing.
pub fn plain(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    match value.abs() {
        size if size != 0.0 && !(1e-3..1e6).contains(&size) => format!("{value:.2e}"),
        _ => format!("{value:.4}"),
    }
}

/// A rate, in whole units from 100 on.
pub fn rate(per_second: f64) -> String {
    match per_second {
        rate if !rate.is_finite() || rate < 0.0 => "–".into(),
        rate if rate >= 100.0 => grouped(rate.round() as u64),
        rate => three_digits(rate),
    }
}

/// A number in the unit with the prefix that leaves it between 1 and 1000: `12.3 µs`, `4.56 G`.
pub fn si(value: f64, unit: &str) -> String {
    const PREFIXES: [&str; 9] = ["p", "n", "µ", "m", "", "k", "M", "G", "T"];
    if !value.is_finite() {
        return "–".into();
    }
    if value == 0.0 {
        return format!("0 {unit}").trim_end().to_owned();
    }
    // 999.5 would print as "1000".
    let power = ((value.abs() * 1.0005).log10() / 3.0).floor().clamp(-4.0, 4.0) as i32;
    format!("{} {}{unit}", three_digits(value / 1e3f64.powi(power)), PREFIXES[(power + 4) as usize])
        .trim_end()
        .to_owned()
}

fn three_digits(value: f64) -> String {
    match value {
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([0, 999, 1000, 1234567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1, 1380].map(|steps| counted(steps, "step")), ["0 steps", "1 step", "1,380 steps"]);
        assert_eq!([0, 1023, 1024, 1536, 1048575].map(bytes), ["0 B", "1023 B", "1.00 KiB", "1.50 KiB", "1.00 MiB"]);
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
        assert_eq!([0.974_6, 1.0, f64::NAN].map(percent), ["97.46 %", "100.00 %", "–"]);
        assert_eq!(
            [0.0, 9.994, 59.4, 59.6, 3599.6].map(duration),
            ["0.00 s", "9.99 s", "59.4 s", "1 min 00 s", "1 h 00 min"]
        );
        assert_eq!([0.0, 0.12345, 1e-5, f64::INFINITY].map(plain), ["0.0000", "0.1235", "1.00e-5", "–"]);
        let times = [0.0, 1.234e-7, 9.996e-4, 0.5, 1.0, 61.0].map(|seconds| si(seconds, "s"));
        assert_eq!(times, ["0 s", "123 ns", "1.00 ms", "500 ms", "1.00 s", "61.0 s"]);
        assert_eq!([1.5e9, 2.5e13, f64::NAN].map(|rate| si(rate, "")), ["1.50 G", "25.0 T", "–"]);
        assert_eq!([12.34, 99.96, 52_310.4, f64::NAN].map(rate), ["12.3", "100", "52,310", "–"]);
    }
}
