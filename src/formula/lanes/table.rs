//! The macro that turns an instruction set's table of intrinsics into an implementation of [`Lanes`](super::Lanes).

/// Marks the one reason that every intrinsic in the tables may be called.
macro_rules! intrinsics {
    ($body:expr) => {{
        #[allow(unused_unsafe)]
        // SAFETY: a register type is nameable only inside `lanes`, and `dispatch_on` hands it to a program only on a
        // machine that has the instructions; memory intrinsics pass on the contract of `load`, `store` and `stream`.
        unsafe {
            $body
        }
    }};
}

/// One register type: each operation of `Lanes` is an expression over the registers named in its row.
macro_rules! lanes {
    (
        $(#[$attribute:meta])*
        $name:ident = [$element:ty; $width:literal] in $register:ty, mask $mask:ty, bits $bits:ty,
        interleaved $interleaved:ty;
        memory {
            load($load_from:ident) = $load:expr;
            store($store_x:ident, $store_to:ident) = $store:expr;
            stream($stream_x:ident, $stream_to:ident) = $stream:expr;
            fence() = $fence:expr;
        }
        splat($splat_x:ident) = $splat:expr;
        operators { $($Trait:ident $operator:ident($op_a:ident, $op_b:ident) = $operation:expr;)* }
        unary { $($unary:ident($un_a:ident) = $unary_body:expr;)* }
        binary { $($binary:ident($bin_a:ident, $bin_b:ident) = $binary_body:expr;)* }
        mul_add($fma_a:ident, $fma_b:ident, $fma_c:ident) = $mul_add:expr;
        compare { $($compare:ident($cmp_a:ident, $cmp_b:ident) = $compare_body:expr;)* }
        mask {
            binary { $($mask_binary:ident($mb_a:ident, $mb_b:ident) = $mask_body:expr;)* }
            not($not_a:ident) = $mask_not:expr;
            any($any_a:ident) = $any:expr;
            select($sel_m:ident, $sel_y:ident, $sel_n:ident) = $select:expr;
        }
        bits {
            of($of_a:ident) = $to_bits:expr;
            into($into_a:ident) = $from_bits:expr;
            splat($bs_x:ident) = $bits_splat:expr;
            binary { $($bits_binary:ident($bb_a:ident, $bb_b:ident) = $bits_body:expr;)* }
            shl($shl_a:ident, $shl_n:ident) = $bits_shl:expr;
            shr($shr_a:ident, $shr_n:ident) = $bits_shr:expr;
            to_int($ti_a:ident) = $to_int:expr;
            from_int($fi_a:ident) = $from_int:expr;
        }
        $(native { $($native:item)* })?
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy)]
        #[repr(transparent)]
        pub struct $name($register);

        impl $crate::formula::lanes::Lanes for $name {
            type Element = $element;
            type Mask = $mask;
            type Bits = $bits;
            type Interleaved = $interleaved;
            const WIDTH: usize = $width;

            #[inline(always)]
            unsafe fn load($load_from: *const $element) -> Self { Self(intrinsics!($load)) }
            #[inline(always)]
            unsafe fn store(self, $store_to: *mut $element) { let $store_x = self.0; intrinsics!($store) }
            #[inline(always)]
            unsafe fn stream(self, $stream_to: *mut $element) { let $stream_x = self.0; intrinsics!($stream) }
            #[inline(always)]
            fn fence() { intrinsics!($fence) }
            #[inline(always)]
            fn splat($splat_x: $element) -> Self { Self(intrinsics!($splat)) }
            $(
                #[inline(always)]
                fn $unary(self) -> Self { let $un_a = self.0; Self(intrinsics!($unary_body)) }
            )*
            $(
                #[inline(always)]
                fn $binary(self, other: Self) -> Self {
                    let ($bin_a, $bin_b) = (self.0, other.0);
                    Self(intrinsics!($binary_body))
                }
            )*
            #[inline(always)]
            fn mul_add(self, factor: Self, addend: Self) -> Self {
                let ($fma_a, $fma_b, $fma_c) = (self.0, factor.0, addend.0);
                Self(intrinsics!($mul_add))
            }
            $(
                #[inline(always)]
                fn $compare(self, other: Self) -> $mask {
                    let ($cmp_a, $cmp_b) = (self.0, other.0);
                    intrinsics!($compare_body)
                }
            )*
            $(
                #[inline(always)]
                fn $mask_binary($mb_a: $mask, $mb_b: $mask) -> $mask { intrinsics!($mask_body) }
            )*
            #[inline(always)]
            fn mask_not($not_a: $mask) -> $mask { intrinsics!($mask_not) }
            #[inline(always)]
            fn any($any_a: $mask) -> bool { intrinsics!($any) }
            #[inline(always)]
            fn select($sel_m: $mask, yes: Self, no: Self) -> Self {
                let ($sel_y, $sel_n) = (yes.0, no.0);
                Self(intrinsics!($select))
            }
            #[inline(always)]
            fn to_bits(self) -> $bits { let $of_a = self.0; intrinsics!($to_bits) }
            #[inline(always)]
            fn from_bits($into_a: $bits) -> Self { Self(intrinsics!($from_bits)) }
            #[inline(always)]
            fn bits_splat($bs_x: i64) -> $bits { intrinsics!($bits_splat) }
            $(
                #[inline(always)]
                fn $bits_binary($bb_a: $bits, $bb_b: $bits) -> $bits { intrinsics!($bits_body) }
            )*
            #[inline(always)]
            fn bits_shl($shl_a: $bits, $shl_n: u32) -> $bits { intrinsics!($bits_shl) }
            #[inline(always)]
            fn bits_shr($shr_a: $bits, $shr_n: u32) -> $bits { intrinsics!($bits_shr) }
            #[inline(always)]
            fn to_int(self) -> $bits { let $ti_a = self.0; intrinsics!($to_int) }
            #[inline(always)]
            fn from_int($fi_a: $bits) -> Self { Self(intrinsics!($from_int)) }
            $($($native)*)?
        }

        $(
            impl std::ops::$Trait for $name {
                type Output = Self;
                #[inline(always)]
                fn $operator(self, other: Self) -> Self {
                    let ($op_a, $op_b) = (self.0, other.0);
                    Self(intrinsics!($operation))
                }
            }
        )*

        impl std::ops::Neg for $name {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                use $crate::formula::lanes::Lanes;
                Self::from_bits(Self::bits_xor(self.to_bits(), Self::splat(-0.0).to_bits()))
            }
        }
    };
}

pub(super) use {intrinsics, lanes};
