/// Defines a function in several versions, for AVX-512, AVX2 and any processor, and picks one when called.
///
/// The body is compiled with wider registers, not written with them: no operation is fused or reordered, so all
/// versions return the same bits.
macro_rules! for_each_processor {
    (
        $(#[$meta:meta])*
        $visibility:vis fn $name:ident $(<const $constant:ident: usize>)? ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?
        $body:block
    ) => {
        $(#[$meta])*
        $visibility fn $name $(<const $constant: usize>)? ($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn portable $(<const $constant: usize>)? ($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
                fn avx512 $(<const $constant: usize>)? ($($argument: $type),*) $(-> $result)? {
                    portable $(::<$constant>)? ($($argument),*)
                }
                #[target_feature(enable = "avx2")]
                fn avx2 $(<const $constant: usize>)? ($($argument: $type),*) $(-> $result)? {
                    portable $(::<$constant>)? ($($argument),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    // SAFETY: the processor has just said that it has these instructions.
                    return unsafe { avx512 $(::<$constant>)? ($($argument),*) };
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: as above.
                    return unsafe { avx2 $(::<$constant>)? ($($argument),*) };
                }
            }
            portable $(::<$constant>)? ($($argument),*)
        }
    };
}

pub(crate) use for_each_processor;
