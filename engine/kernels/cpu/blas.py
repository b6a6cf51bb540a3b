"""Matrix products inside kernels: SciPy's BLAS, called without the GIL, one thread a call.

``gemm`` computes row-major C = A B + beta C on sub-matrices given by their first element and row stride, with A
and B optionally transposed. The parallelism is ours: kernels cut the product into blocks whose number does not
depend on the thread count, and each block is one single-threaded BLAS call. So results repeat bit by bit, and
BLAS threads and Numba threads never fight over the cores.
"""

# Numba passes an intrinsic's typing context itself.
# pyright: reportCallIssue=false

from __future__ import annotations

import functools

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

_SYMBOLS = {types.float32: "nablascope_sgemm", types.float64: "nablascope_dgemm"}


@functools.cache
def load() -> None:
    """Make BLAS known to compiled code by name (so that cached kernels find it) and keep it to one thread."""
    for symbol in _SYMBOLS.values():
        address = get_cython_function_address("scipy.linalg.cython_blas", symbol.removeprefix("nablascope_"))
        llvmlite.binding.add_symbol(symbol, address)
    # SciPy brings a BLAS library of its own, apart from NumPy's; only that one is held to one thread.
    from threadpoolctl import ThreadpoolController

    blas = ThreadpoolController().select(user_api="blas")
    scipys = [library for library in blas.lib_controllers if "scipy.libs" in (library.filepath or "")]
    for library in scipys or blas.lib_controllers:
        library.set_num_threads(1)


load()


@intrinsic
def _call_gemm(typing_context, transa, transb, m, n, k, a, lda, b, ldb, beta, c, ldc):
    """Fortran's xGEMM with scalars passed by value; a, b, c are addresses of elements of c's type."""
    element = c.dtype
    signature = types.void(
        types.int64, types.int64, types.int64, types.int64, types.int64, types.CPointer(element), types.int64,
        types.CPointer(element), types.int64, beta, types.CPointer(element), types.int64,
    )

    def codegen(context, builder, _signature, arguments):
        transa, transb, m, n, k, a, lda, b, ldb, beta_value, c, ldc = arguments
        beta_value = context.cast(builder, beta_value, beta, element)
        int32, int8 = ir.IntType(32), ir.IntType(8)
        real = context.get_value_type(element)

        def by_reference(value):
            return cgutils.alloca_once_value(builder, value)

        def integer(value):
            return by_reference(builder.trunc(value, int32))

        def character(value):
            return by_reference(builder.trunc(value, int8))

        one = by_reference(ir.Constant(real, 1.0))
        values = [
            character(transa), character(transb), integer(m), integer(n), integer(k),
            one, a, integer(lda), b, integer(ldb), by_reference(beta_value), c, integer(ldc),
        ]
        function_type = ir.FunctionType(ir.VoidType(), [value.type for value in values])
        function = cgutils.get_or_insert_function(builder.module, function_type, _SYMBOLS[element])
        builder.call(function, values)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _address(typing_context, array, offset):
    """Address of ``array``'s element number ``offset`` in memory (the array is C-contiguous)."""
    signature = types.CPointer(array.dtype)(array, types.int64)

    def codegen(context, builder, signature, arguments):
        structure = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.gep(structure.data, [arguments[1]])

    return signature, codegen


_N, _T = ord("N"), ord("T")


@numba.njit(nogil=True, inline="always")
def gemm(transpose_a, transpose_b, m, n, k, a, a_start, lda, b, b_start, ldb, beta, c, c_start, ldc):
    """C = op(A) op(B) + beta C for row-major matrices inside flat or n-d C-contiguous arrays.

    Args:
        transpose_a, transpose_b: op is the transpose.
        m, n, k: op(A) is (m, k), op(B) is (k, n), C is (m, n).
        a, b, c: arrays of one dtype (float32 or float64); ``*_start`` the number of the first element in
            memory order, ``ld*`` the elements between the beginnings of two rows.
        beta: 0 overwrites C, 1 adds to it.
    """
    # Fortran's matrices are column-major: it sees each of ours transposed, and Cᵀ = op(B)ᵀ op(A)ᵀ.
    _call_gemm(
        _T if transpose_b else _N, _T if transpose_a else _N, n, m, k,
        _address(b, b_start), ldb, _address(a, a_start), lda, beta, _address(c, c_start), ldc,
    )
