use super::*;

fn output(element: ElementType, data: &[u8]) -> Tensor {
    Tensor { name: "y".to_owned(), shape: vec![1], element, data: data.to_vec() }
}

#[test]
fn elements_of_every_type_come_back() {
    fn both_ways<T: Element + PartialEq + std::fmt::Debug>(element: ElementType, elements: [T; 2]) {
        let tensor = Tensor::new("x", [2, 1], &elements).unwrap();
        assert_eq!((tensor.element, &tensor.shape[..]), (element, &[2, 1][..]));
        assert_eq!(tensor.to_vec::<T>().unwrap(), elements);
    }
    both_ways(ElementType::Fp32, [f32::MIN, f32::INFINITY]);
    both_ways(ElementType::Fp64, [f64::MAX, -0.5]);
    both_ways(ElementType::Fp16, [F16(1), F16(0xfbff)]);
    both_ways(ElementType::Bf16, [Bf16(1), Bf16(0xff7f)]);
    both_ways(ElementType::I8, [i8::MIN, i8::MAX]);
    both_ways(ElementType::I16, [i16::MIN, i16::MAX]);
    both_ways(ElementType::I32, [i32::MIN, i32::MAX]);
    both_ways(ElementType::I64, [i64::MIN, i64::MAX]);
    both_ways(ElementType::U8, [0, u8::MAX]);
    both_ways(ElementType::U16, [0, u16::MAX]);
    both_ways(ElementType::U32, [0, u32::MAX]);
    both_ways(ElementType::U64, [0, u64::MAX]);
    both_ways(ElementType::Boolean, [true, false]);
}

#[test]
fn strings_come_back_and_broken_ones_are_an_error() {
    let strings = ["", "°C", "pump 1"];
    let tensor = Tensor::text("names", [3], &strings).unwrap();
    assert_eq!(&tensor.data[..10], b"\0\0\0\0\x03\0\0\0\xc2\xb0");
    assert_eq!(tensor.to_strings().unwrap(), strings);
    for broken in [&b"\x01\0\0"[..], b"\x02\0\0\0a", b"\xff\xff\xff\xffa", b"\x01\0\0\0\xff"] {
        let error = output(ElementType::Text, broken).to_strings().unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
    }
}

#[test]
fn another_type_or_shape_is_an_error_that_says_so() {
    let error = output(ElementType::Fp32, &[0; 4]).to_vec::<i64>().unwrap_err();
    assert_eq!(error.to_string(), "y holds fp32, not i64");
    let error = output(ElementType::I8, &[0; 4]).to_strings().unwrap_err();
    assert_eq!(error.to_string(), "y holds i8, not text");
    let error = Tensor::new("x", [1, 8], &[0.0_f32; 7]).unwrap_err();
    assert_eq!(error.to_string(), "x has the shape [1, 8] and 7 elements");
    let error = output(ElementType::Fp32, &[0; 8]).only::<f32>().unwrap_err();
    assert_eq!(error.to_string(), "y holds 2 elements, not one");
    assert_eq!(output(ElementType::U16, &[1, 2]).only::<u16>().unwrap(), 0x201);
    assert!(Tensor::new("x", [u32::MAX; 9], &[0.0_f32]).is_err());
    assert!(Tensor::new("x", [], &[1_u8]).is_ok(), "a number alone");
    assert!(Tensor::new::<f64>("x", [0, 8], &[]).is_ok(), "no rows");
}

#[test]
fn outputs_are_found_by_name() {
    let outputs = Outputs(vec![output(ElementType::I8, &[1]), output(ElementType::I8, &[2])]);
    assert_eq!(outputs.get("y").unwrap().data, [1]);
    let error = outputs.get("z").unwrap_err();
    assert_eq!(error.to_string(), "the model gives no z; it gives y, y");
}

#[test]
fn halves_are_the_nearest_and_every_one_comes_back() {
    for bits in 0..=u16::MAX {
        let (half, brain) = (f32::from(F16(bits)), f32::from(Bf16(bits)));
        assert!(half.is_nan() || F16::from(half) == F16(bits), "{bits:#x}");
        assert!(brain.is_nan() || Bf16::from(brain) == Bf16(bits), "{bits:#x}");
    }
    for (number, bits) in [
        (1.0, 0x3c00),
        (-2.0, 0xc000),
        (0.1, 0x2e66),
        (65_504.0, 0x7bff),
        (65_519.9, 0x7bff),
        (65_520.0, 0x7c00),
        (f32::INFINITY, 0x7c00),
        (f32::NAN, 0x7e00),
        (-0.0, 0x8000),
        // Half of the smallest one is as near to 0, which is even; a bit more is not.
        (2.980_232_2e-8, 0),
        (2.980_233e-8, 1),
        (1.0 + 1.0 / 2048.0, 0x3c00),
        (1.0 + 3.0 / 2048.0, 0x3c02),
    ] {
        assert_eq!(F16::from(number), F16(bits), "{number}");
    }
    for (number, bits) in
        [(1.0, 0x3f80), (1.003_906_25, 0x3f80), (1.011_718_75, 0x3f82), (f32::MAX, 0x7f80)]
    {
        assert_eq!(Bf16::from(number), Bf16(bits), "{number}");
    }
    assert!(f32::from(Bf16::from(f32::NAN)).is_nan() && f32::from(F16::from(f32::NAN)).is_nan());
}

#[test]
fn softmax_is_stable() {
    let close = |scores: &[f32], wanted: &[f32]| {
        let shares = softmax(scores);
        let off = shares.iter().zip(wanted).map(|(one, other)| (one - other).abs());
        assert!(off.fold(0.0, f32::max) < 1e-6, "{scores:?}: {shares:?}");
    };
    close(&[1.0, 2.0, 3.0], &[0.090_030_57, 0.244_728_47, 0.665_240_96]);
    close(&[1000.0, 1001.0], &[0.268_941_43, 0.731_058_6]);
    close(&[-1e38, 1e38], &[0.0, 1.0]);
    close(&[f32::INFINITY, 1.0, f32::INFINITY], &[0.5, 0.0, 0.5]);
    close(&[f32::NEG_INFINITY; 2], &[0.5, 0.5]);
    assert!(softmax(&[1.0, f32::NAN]).iter().all(|share| share.is_nan()));
    assert!(softmax(&[]).is_empty());
}

#[test]
fn the_best_come_first_and_what_is_no_number_not_at_all() {
    let scores = [0.2, f32::NAN, 0.5, 0.2, -0.0, 0.0];
    assert_eq!(top_k(&scores, 3), [(2, 0.5), (0, 0.2), (3, 0.2)]);
    assert_eq!(top_k(&scores, 9).iter().map(|best| best.0).collect::<Vec<_>>(), [2, 0, 3, 4, 5]);
    assert_eq!(top_k(&scores, 0), []);
    assert_eq!(argmax(&scores), Some(2));
    assert_eq!(argmax(&[f32::NAN]), None);
    assert_eq!(argmax(&[]), None);
}

#[test]
fn labels_are_lines_and_as_many_as_scores() {
    let names = labels("cat\r\n\nred panda\n");
    assert_eq!(names, ["cat", "", "red panda"]);
    assert_eq!(top_labels(&names, &[0.1, 0.2, 0.7], 2).unwrap(), [("red panda", 0.7), ("", 0.2)]);
    let error = top_labels(&names, &[0.1], 2).unwrap_err();
    assert_eq!(error.to_string(), "3 labels for 1 scores");
}
