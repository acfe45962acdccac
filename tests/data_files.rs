//! What the readers of files give for files that are as they should be, and what they say of honest mistakes.

use std::fs;
use std::io::Read;
use std::path::Path;

use rectify::data::npy::{self, Array, Values};
use rectify::data::{Dataset, Features, Geometry, Table, Targets, images, npz};

const NUMPY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/numpy.npz");

/// What `tools/record_numpy.py` gave to NumPy, for an element type.
fn recorded(code: &str) -> Values {
    match &code[..1] {
        "?" => Values::Bytes((0..12).map(|i| u8::from(i % 3 == 0)).collect()),
        "f" if code == "f8" => Values::Doubles((0..12).map(|i| f64::from(i) - 5.5).collect()),
        "f" => Values::Floats((0..12u8).map(|i| f32::from(i) - 5.5).collect()),
        "i" => Values::Integers((0..12).map(|i| i * 21 - 126).collect()),
        _ if code == "u1" => Values::Bytes((0..12).map(|i| i * 21).collect()),
        _ => Values::Integers((0..12).map(|i| i * 21).collect()),
    }
}

#[test]
fn arrays_that_numpy_wrote_are_read_in_every_type_order_and_version() {
    let mut archive = npz::Archive::open(NUMPY).unwrap();
    let mut read = 0;
    for code in ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"] {
        for name in ["<", ">"].map(|order| [format!("{order}{code}"), format!("{order}{code} fortran")]).concat() {
            let array = archive.array(&name).unwrap();
            assert_eq!((array.shape(), array.values()), (&[2, 3, 2][..], &recorded(code)), "{name}");
            read += 1;
        }
    }
    for name in ["version 2", "version 3"] {
        assert_eq!(archive.array(name).unwrap(), Array::new(vec![2, 3, 2], recorded("f4")).unwrap());
    }
    assert_eq!(archive.array("scalar").unwrap(), Array::new(vec![], vec![2.5f64]).unwrap());
    assert_eq!(archive.array("empty").unwrap(), Array::new(vec![0, 3], Vec::<f64>::new()).unwrap());
    let refused = [
        ("records", "holds records of several fields"),
        ("text", "has elements of type '<U2'"),
        ("complex", "has elements of type '<c16'"),
        ("beyond", "holds 9223372036854775808, which is above"),
        ("nothing", "holds no array 'nothing'"),
    ];
    for (name, expected) in refused {
        let message = archive.array(name).unwrap_err().to_string();
        assert!(message.starts_with(NUMPY) && message.contains(expected), "{message}");
    }
    assert_eq!(archive.names().len(), read + 8);
}

#[test]
fn files_are_to_the_byte_what_numpy_writes() {
    let mut zip = zip::ZipArchive::new(fs::File::open(NUMPY).unwrap()).unwrap();
    for name in ["<u1", "<i8", "<f4", "<f8", "scalar", "empty"] {
        let mut bytes = Vec::new();
        zip.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
        assert!(npy::to_bytes(&npy::from_bytes(&bytes).unwrap()) == bytes, "{name}");
    }
}

#[test]
fn arrays_read_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let arrays = [
        Array::new(vec![3], vec![0u8, 7, 255]).unwrap(),
        Array::new(vec![1, 2], vec![i64::MIN, i64::MAX]).unwrap(),
        Array::new(vec![2, 0], Vec::<f32>::new()).unwrap(),
        Array::new(vec![], vec![f64::MIN_POSITIVE]).unwrap(),
        Array::new(vec![2, 1, 1, 1, 1, 1], vec![f32::NEG_INFINITY, -0.0]).unwrap(),
    ];
    for array in &arrays {
        npy::write(&path, array).unwrap();
        assert_eq!(&npy::read(&path).unwrap(), array);
        let bytes = fs::read(&path).unwrap();
        let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((header % 64, bytes[header - 1]), (0, b'\n'), "as NumPy aligns it");
    }
    let named = [("a", &arrays[0]), ("b", &arrays[1])];
    npz::write(folder.path().join("a.npz"), &named).unwrap();
    let mut archive = npz::Archive::open(folder.path().join("a.npz")).unwrap();
    named.iter().for_each(|(name, array)| assert_eq!(&archive.array(name).unwrap(), *array));
    assert!(npz::write(folder.path().join("b.npz"), &[("a", &arrays[0]), ("a", &arrays[1])]).is_err());
    assert!(Array::new(vec![2, 2], vec![1u8]).is_err() && Array::new(vec![usize::MAX, 2], vec![1u8]).is_err());
}

fn table(text: &str, how: &Table) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, text).unwrap();
    let message = |error: rectify::Error| error.to_string().replace(&format!("{}: ", path.display()), "");
    how.read(&path).map_err(message)
}

fn floats(set: &Dataset) -> &[f32] {
    match set.features() {
        Features::Floats(numbers) => numbers,
        Features::Bytes(_) => panic!("{set:?} has bytes"),
    }
}

#[test]
fn tables_are_read_with_and_without_header_in_any_separator() {
    let by_name = Table::labelled("kind");
    let set = table("kind,\"a, b\",c\r\n x ,1.5,\"-2e1\"\r\n\"y\"\"\",3,4\r\n", &by_name).unwrap();
    assert_eq!((set.geometry(), floats(&set)), (Geometry::row(2), &[1.5, -20.0, 3.0, 4.0][..]));
    assert_eq!((set.class_names(), set.labels()), (&["x".to_string(), "y\"".into()][..], &[0, 1][..]));
    for separator in [',', ';', '\t', '|'] {
        let text = "1,2,b\n3,4,a\n".replace(',', &separator.to_string());
        let set = table(&text, &Table::labelled("3")).unwrap();
        assert_eq!((floats(&set), set.labels()), (&[1.0, 2.0, 3.0, 4.0][..], &[1, 0][..]));
    }
    let set = table("1:2\n3:4\n", &Table::valued("1").separator(b':')).unwrap();
    let values = Targets::Values { values: vec![1.0, 3.0], names: vec!["1".into()] };
    assert_eq!((set.targets(), floats(&set), set.classes()), (&values, &[2.0, 4.0][..], 0));
    // Named by numbers, which only the caller can know.
    let set = table("10,20\n1,2\n", &Table::labelled("20").header(true)).unwrap();
    assert_eq!((set.samples(), set.class_names()), (1, &["2".to_string()][..]));
    // Ten comes after nine where all are numbers.
    let set = table("a,b\n0,10\n0,9\n0,-1\n", &Table::labelled("b")).unwrap();
    assert_eq!((set.class_names().concat(), set.labels()), ("-1910".to_string(), &[2, 1, 0][..]));
}

#[test]
fn a_table_that_cannot_be_used_names_line_and_column() {
    let broken = |text, how: &Table| table(text, how).unwrap_err();
    let label = Table::labelled("b");
    assert_eq!(broken("a,b\n1,x\n2\n", &label), "line 3: has 1 cells, but the rows before it have 2");
    assert_eq!(broken("a,b\n1,x\nz,y\n", &label), "line 3: column 'a' holds 'z', which is no finite number");
    assert_eq!(broken("a,b\nNaN,x\n", &label), "line 2: column 'a' holds 'NaN', which is no finite number");
    assert_eq!(broken("a,b\n1,\n", &label), "line 2: column 'b' holds no label");
    assert_eq!(
        broken("a,b\n1,inf\n", &Table::valued("b")),
        "line 2: column 'b' holds 'inf', which is no finite number"
    );
    assert_eq!(broken("a,c\n1,2\n", &label), "line 1: there is no column 'b' among the 2 (a, c)");
    assert_eq!(broken("a,c\n1,2\n", &Table::labelled("0")), "line 1: there is no column '0' among the 2 (a, c)");
    assert_eq!(broken("a,b\n", &label), "0 samples of 1x1 hold nothing");
    assert_eq!(broken("b\nx\n", &label), "1 samples of 1x0 hold nothing");
    assert_eq!(broken("", &label), "holds no rows");
    assert!(Table::labelled("b").read("/dev/null").unwrap_err().to_string().contains("is not a regular file"));
}

fn png(path: &Path, color: png::ColorType, [width, height]: [u32; 2], pixels: &[u8]) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height);
    encoder.set_color(color);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
}

#[test]
fn folders_of_classes_give_planes_sorted_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    for class in ["dog", "cat", ".hidden"] {
        fs::create_dir(place(class)).unwrap();
    }
    fs::write(place("cat/.DS_Store"), "mine").unwrap();
    png(&place("dog/1.png"), png::ColorType::Rgb, [2, 1], &[1, 2, 3, 4, 5, 6]);
    png(&place("cat/b.png"), png::ColorType::Rgba, [2, 1], &[7, 8, 9, 255, 10, 11, 12, 255]);
    png(&place("cat/a.png"), png::ColorType::Rgb, [2, 1], &[0; 6]);
    let set = images::load(folder.path()).unwrap();
    assert_eq!((set.geometry(), set.labels()), (Geometry::image(3, 1, 2), &[0, 0, 1][..]));
    assert_eq!(set.class_names(), ["cat", "dog"]);
    assert_eq!(set.image(1), Some(&[7, 10, 8, 11, 9, 12][..]));
    assert_eq!(set.image(2), Some(&[1, 4, 2, 5, 3, 6][..]));

    let refused = |expected: &str| {
        let message = images::load(folder.path()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    };
    png(&place("dog/2.png"), png::ColorType::Grayscale, [2, 1], &[0, 0]);
    refused("dog/2.png: is 1x2, but the images before it are 3x1x2");
    png(&place("dog/2.png"), png::ColorType::Rgba, [2, 1], &[0, 0, 0, 255, 0, 0, 0, 254]);
    refused("dog/2.png: is transparent in places");
    fs::write(place("dog/2.png"), "GIF89a").unwrap();
    refused("dog/2.png: is no PNG image that can be read");
    fs::remove_file(place("dog/2.png")).unwrap();
    fs::create_dir(place("eel")).unwrap();
    refused("eel: the folder of a class holds no image");
    fs::remove_dir(place("eel")).unwrap();
    fs::write(place("notes.txt"), "mine").unwrap();
    refused("notes.txt: is no folder");
}

#[test]
fn grey_images_of_any_depth_are_read_as_bytes() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    let depths = [
        (png::BitDepth::One, vec![0b0100_0000], [0, 255]),
        (png::BitDepth::Four, vec![0x3f], [0x33, 0xff]),
        (png::BitDepth::Eight, vec![7, 200], [7, 200]),
        (png::BitDepth::Sixteen, vec![7, 99, 200, 1], [7, 200]),
    ];
    for (at, (depth, content, _)) in depths.iter().enumerate() {
        let file = fs::File::create(folder.path().join(format!("a/{at}.png"))).unwrap();
        let mut encoder = png::Encoder::new(file, 2, 1);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(*depth);
        encoder.write_header().unwrap().write_image_data(content).unwrap();
    }
    let set = images::load(folder.path()).unwrap();
    assert_eq!(set.geometry(), Geometry::image(1, 1, 2));
    assert_eq!(set.pixels(), depths.map(|(_, _, pixels)| pixels).concat());
}
