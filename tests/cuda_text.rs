//! The CUDA C++ of formulas: its text, its values when a host compiler compiles it, and the kernel around it.

mod cuda_text {
    mod compiler;
    mod formulas;
    mod interval;
    mod kernel;
    mod text;
    mod values;
}
