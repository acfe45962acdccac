//! What differs between f32 and f64: ranges, constants in parts, and minimax polynomials, lowest power first.
//!
//! The polynomials are the output of `tools/minimax.py`.

use std::f64::consts;

/// The constants of the elementary functions of an element type.
pub trait Elementary: Sized + 'static {
    /// The exponential of this and more is infinite.
    const EXP_OVERFLOW: f64;
    /// The exponential of this and less is zero.
    const EXP_UNDERFLOW: f64;
    /// The exponential of this and less vanishes beside 1.
    const EXP_M1_FLOOR: f64;
    /// The hyperbolic cosine of this and more is infinite.
    const COSH_OVERFLOW: f64;
    /// The hyperbolic tangent of this and more is 1.
    const TANH_ONE: f64;
    /// The leading bits of ln 2, few enough for its products with exponents to be exact.
    const LN2_HIGH: f64;
    /// ln 2 less [`LN2_HIGH`](Self::LN2_HIGH).
    const LN2_LOW: f64;
    /// Where [`ERF_TAIL`](Self::ERF_TAIL) is centred.
    const ERF_CENTRE: f64;
    /// The error function of this and more is 1.
    const ERF_ONE: f64;
    /// Where [`ERFC`](Self::ERFC) is centred.
    const ERFC_CENTRE: f64;
    /// The complementary error function of this and more is zero.
    const ERFC_ZERO: f64;
    /// Up to this the reduction by multiples of pi/2 in three parts is accurate.
    const TRIG_LIMIT: f64;
    /// pi/2 in three parts, each continuing the one before.
    const HALF_PI: [f64; 3];
    /// 1 / ln 2 in two parts.
    const LOG2_E: [f64; 2];
    /// 1 / ln 10 in two parts.
    const LOG10_E: [f64; 2];
    /// log10 2 in two parts, of which products of the first with exponents are exact.
    const LOG10_2: [f64; 2];
    /// 2/3 in two parts.
    const TWO_THIRDS: [f64; 2];
    /// Steps of Halley's iteration that bring the first guess of a cube root to full precision.
    const CBRT_STEPS: usize;
    /// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2.
    const EXP: &'static [f64];
    /// (ln((1 + s) / (1 - s)) / s - 2) / z at z = s^2, for (1 + s) / (1 - s) between the square roots of 1/2 and 2.
    const LOG: &'static [f64];
    /// What [`LOG`](Self::LOG) leaves after 2/3, divided by z.
    const LOG_TAIL: &'static [f64];
    /// (sin r - r) / r^3 in r^2, for |r| <= pi/4.
    const SIN: &'static [f64];
    /// (cos r - 1 + r^2 / 2) / r^4 in r^2, for |r| <= pi/4.
    const COS: &'static [f64];
    /// (atan t - t) / t^3 in t^2, for |t| <= tan(pi/8).
    const ATAN: &'static [f64];
    /// (asin t - t) / t^3 in t^2, for |t| <= 1/2.
    const ASIN: &'static [f64];
    /// (tanh x - x) / x^3 in x^2, for |x| <= 0.55.
    const TANH: &'static [f64];
    /// The cube root on [1, 2], to 13 bits.
    const CBRT: &'static [f64];
    /// erf(x) / x - 1 in x^2, for |x| <= 1.
    const ERF: &'static [f64];
    /// ln erfc(u + [`ERF_CENTRE`](Self::ERF_CENTRE)), from 1 to [`ERF_ONE`](Self::ERF_ONE). Empty where there is a table.
    const ERF_TAIL: &'static [f64];
    /// The error function around sixteen centres, 67/256 apart.
    const ERF_TABLE: Option<&'static [[Self; 16]; 6]>;
    /// (x + k) exp(x^2) erfc(x) in (x - k) / (x + k), where k is [`ERFC_CENTRE`](Self::ERFC_CENTRE).
    const ERFC: &'static [f64];
}

impl Elementary for f32 {
    const EXP_OVERFLOW: f64 = 89.0;
    const EXP_UNDERFLOW: f64 = -105.0;
    const EXP_M1_FLOOR: f64 = -18.0;
    const COSH_OVERFLOW: f64 = 89.42;
    const TANH_ONE: f64 = 9.2;
    const LN2_HIGH: f64 = 0.693145751953125;
    const LN2_LOW: f64 = 1.4286068203094172e-6;
    const ERF_CENTRE: f64 = 1.5;
    const ERF_ONE: f64 = 3.93;
    const ERFC_CENTRE: f64 = 2.0;
    const ERFC_ZERO: f64 = 10.3;
    const TRIG_LIMIT: f64 = 32768.0;
    const HALF_PI: [f64; 3] = [1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15];
    const LOG2_E: [f64; 2] = [1.4426950216293335, 1.925963033500011e-08];
    const LOG10_E: [f64; 2] = [0.4342944920063019, -1.0103049952192578e-08];
    const LOG10_2: [f64; 2] = [0.301025390625, 4.605038981195214e-6];
    const TWO_THIRDS: [f64; 2] = [0.6666666865348816, -1.9868215517249155e-08];
    const CBRT_STEPS: usize = 1;
    const EXP: &'static [f64] = &[0.5, 0.16666543, 0.04166628, 0.008366584, 0.001394646];
    const LOG: &'static [f64] = &[0.6666666, 0.40000337, 0.28537238, 0.2358357];
    const LOG_TAIL: &'static [f64] = &[0.40000153, 0.28547084, 0.23419821];
    const SIN: &'static [f64] = &[-0.16666654, 0.008332131, -0.00019510838];
    const COS: &'static [f64] = &[0.041666646, -0.0013887306, 2.4431205e-05];
    const ATAN: &'static [f64] = &[-0.33333316, 0.19998483, -0.14243738, 0.1059514, -0.060811546];
    const ASIN: &'static [f64] = &[0.16666754, 0.07495233, 0.045478348, 0.024140958, 0.042230602];
    const TANH: &'static [f64] = &[-0.3333332, 0.13332601, -0.053853747, 0.021077264, -0.0062817265];
    const CBRT: &'static [f64] = &[0.5528237, 0.58711356, -0.16296913, 0.023104839];
    const ERF: &'static [f64] =
        &[0.12837917, -0.37612626, 0.112836, -0.026854444, 0.0051895357, -0.0008020845, 7.8891324e-05];
    const ERF_TAIL: &'static [f64] = &[];
    const ERF_TABLE: Option<&'static [[Self; 16]; 6]> = Some(&super::erf_table::TABLE);
    const ERFC: &'static [f64] = &[
        1.0215827,
        -0.6871607,
        0.27947176,
        -0.03644183,
        -0.021505611,
        0.0064762607,
        0.003062286,
        -0.00083332224,
        -0.0005926147,
        4.8334623e-05,
        7.0226066e-05,
    ];
}

impl Elementary for f64 {
    const EXP_OVERFLOW: f64 = 710.0;
    const EXP_UNDERFLOW: f64 = -747.0;
    const EXP_M1_FLOOR: f64 = -40.0;
    const COSH_OVERFLOW: f64 = 710.48;
    const TANH_ONE: f64 = 20.0;
    const LN2_HIGH: f64 = 0.6931471803691238;
    const LN2_LOW: f64 = 1.9082149292705877e-10;
    const ERF_CENTRE: f64 = 1.25;
    const ERF_ONE: f64 = 5.95;
    const ERFC_CENTRE: f64 = 4.0;
    const ERFC_ZERO: f64 = 27.4;
    const TRIG_LIMIT: f64 = 1073741824.0;
    const HALF_PI: [f64; 3] = [consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33];
    const LOG2_E: [f64; 2] = [consts::LOG2_E, 2.0355273740931033e-17];
    const LOG10_E: [f64; 2] = [consts::LOG10_E, 1.098319650216765e-17];
    const LOG10_2: [f64; 2] = [0.30102999566361177, 3.694239077158931e-13];
    const TWO_THIRDS: [f64; 2] = [0.6666666666666666, 3.700743415417188e-17];
    const CBRT_STEPS: usize = 2;
    const EXP: &'static [f64] = &[
        0.5,
        0.16666666666666666,
        0.04166666666666669,
        0.008333333333333338,
        0.0013888888888871926,
        0.0001984126984124552,
        2.4801587350054334e-05,
        2.755731927765703e-06,
        2.7557251941095657e-07,
        2.505204752636886e-08,
        2.0921571140406777e-09,
        1.6093394809575878e-10,
    ];
    const LOG: &'static [f64] = &[
        0.6666666666666735,
        0.3999999999941111,
        0.2857142874325962,
        0.22222198476211436,
        0.18183569731450014,
        0.1531390339625954,
        0.14797506715509984,
    ];
    const LOG_TAIL: &'static [f64] = &[
        0.3999999999999998,
        0.2857142857144522,
        0.22222222217510498,
        0.1818181887350423,
        0.15384556653106313,
        0.13336325814008526,
        0.11674647840007284,
        0.11990436676806719,
    ];
    const SIN: &'static [f64] = &[
        -0.16666666666666627,
        0.008333333333321286,
        -0.00019841269828869905,
        2.7557313355947404e-06,
        -2.505070403024162e-08,
        1.5893583416970286e-10,
    ];
    const COS: &'static [f64] = &[
        0.04166666666666659,
        -0.0013888888888872598,
        2.4801587288491705e-05,
        -2.755731405646965e-07,
        2.0875681865589457e-09,
        -1.1357447961891365e-11,
    ];
    const ATAN: &'static [f64] = &[
        -0.333333333333332,
        0.19999999999953666,
        -0.14285714280204193,
        0.11111110783819858,
        -0.09090897767179859,
        0.07692060363015484,
        -0.06663105466130594,
        0.05847897455027586,
        -0.05039331084545531,
        0.0380649611478203,
        -0.017907350570008324,
    ];
    const ASIN: &'static [f64] = &[
        0.16666666666665375,
        0.07500000000344803,
        0.04464285682197795,
        0.030381959395245947,
        0.02237175194609168,
        0.017359795490371723,
        0.01388435206968005,
        0.012174931735998127,
        0.006503563872345249,
        0.01959422967605874,
        -0.016326531097152885,
        0.0319815878005507,
    ];
    const TANH: &'static [f64] = &[
        -0.333333333333333,
        0.1333333333332681,
        -0.05396825396386546,
        0.02186948838871254,
        -0.008863232646164546,
        0.003592092463453239,
        -0.001455545525418431,
        0.0005884551058465507,
        -0.0002334076426903009,
        8.335257910385605e-05,
        -1.951628097460168e-05,
    ];
    const CBRT: &'static [f64] = &[0.5528237374691046, 0.5871135502331237, -0.16296913358142623, 0.023104838978430846];
    const ERF: &'static [f64] = &[
        0.12837916709551256,
        -0.3761263890318355,
        0.11283791670945253,
        -0.02686617064327622,
        0.005223977607423468,
        -0.0008548325989696755,
        0.00012055295320494224,
        -1.4924744663334284e-05,
        1.644751767785841e-06,
        -1.6209175911654204e-07,
        1.372297626554654e-08,
        -7.801188873440423e-10,
    ];
    const ERF_TAIL: &'static [f64] = &[
        -2.5626536619221256,
        -3.0677239416692395,
        -0.8708101640587789,
        -0.03268700868263606,
        0.007791961611615087,
        -0.0016069509614055893,
        0.0002467839928363762,
        -1.0041691221764292e-05,
        -1.0830854268611482e-05,
        5.166505147991744e-06,
        -1.4458543269668372e-06,
        2.512221002452824e-07,
        -2.29476186199073e-09,
        -1.789382315526165e-08,
        8.028205642336641e-09,
        -2.2206100124327035e-09,
        4.3002542825770505e-10,
        -5.703927949704652e-11,
        4.66564683582476e-12,
        -1.771508829727848e-13,
    ];
    const ERF_TABLE: Option<&'static [[Self; 16]; 6]> = None;
    const ERFC: &'static [f64] = &[
        1.095995661000491,
        -0.976548729080882,
        0.7732087022652373,
        -0.5408538313132351,
        0.3308515878779959,
        -0.17401093723992908,
        0.0763815149098164,
        -0.026370053340509243,
        0.006112055647919194,
        -0.0002809588634341125,
        -0.00045505261670979657,
        0.00017681280880469568,
        -3.6355290265764604e-06,
        -1.8860877374100976e-05,
        4.695638742385011e-06,
        1.4242904259414773e-06,
        -8.48930427561862e-07,
        -7.598872904076648e-08,
        1.2800735365150685e-07,
        1.8059853187858897e-09,
        -1.8590436729871697e-08,
        -8.347137762022184e-10,
        2.10081361181754e-09,
        4.1535926690681425e-10,
    ];
}
