"""Sums over rows whose order is fixed: by the length of the row alone, not by how a compiler vectorises the loop.

Serial and parallel forms of a kernel so give the same bits. The partial sums that run side by side are written out as
LLVM vectors of a fixed number of elements, whatever the registers of the processor hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from engine.kernels.jit import strict_helper

#: Elements of the vectors, of which there are two: one pair for most of a row, one for what is left.
_WIDE, _NARROW = 16, 4

#: Elements that are summed in the row's own dtype; longer sums are float64. A partial sum has at most 32 terms.
_SEGMENT = 32 * 2 * _WIDE


def _lane_sums(width: int) -> Callable[..., Any]:
    """An intrinsic: (Σ (a[i] - p), Σ (a[i] - p)·(b[i] - q)) from start to stop, a multiple of 2·width elements."""

    @intrinsic
    def lane_sums(typing_context, a, b, start, stop, p, q):
        real = a.dtype
        signature = types.UniTuple(real, 2)(a, b, types.int64, types.int64, real, real)
        return signature, _generator(real, width)

    return lane_sums


def _generator(real, width):
    def codegen(context, builder, signature, arguments):
        a, b = (
            context.make_array(kind)(context, builder, value).data
            for kind, value in zip(signature.args[:2], arguments[:2], strict=True)
        )
        _, _, start, stop, p, q = arguments
        scalar = context.get_value_type(real)
        vector, word = ir.VectorType(scalar, width), ir.IntType(64)
        zero = ir.Constant(vector, [0.0] * width)

        def splat(number):
            single = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
            mask = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
            return builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), mask)

        def load(base, index):
            place = builder.bitcast(builder.gep(base, [index]), vector.as_pointer())
            return builder.load(place, align=real.bitwidth // 8)

        p, q = splat(p), splat(q)
        entry = builder.block
        head, body, done = (builder.append_basic_block(name) for name in ("sums.head", "sums.body", "sums.done"))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(word)
        sums = [builder.phi(vector) for _ in range(4)]
        builder.cbranch(builder.icmp_signed("<", index, stop), body, done)
        builder.position_at_end(body)
        added = []
        for half in range(2):
            at = builder.add(index, ir.Constant(word, half * width))
            u, v = builder.fsub(load(a, at), p), builder.fsub(load(b, at), q)
            added += [builder.fadd(sums[2 * half], u), builder.fadd(sums[2 * half + 1], builder.fmul(u, v))]
        following = builder.add(index, ir.Constant(word, 2 * width))
        builder.branch(head)
        index.add_incoming(start, entry)
        index.add_incoming(following, body)
        for phi, value in zip(sums, added, strict=True):
            phi.add_incoming(zero, entry)
            phi.add_incoming(value, body)
        builder.position_at_end(done)
        totals = []
        for k in range(2):
            level = builder.fadd(sums[k], sums[k + 2])
            lanes = [builder.extract_element(level, ir.Constant(ir.IntType(32), j)) for j in range(width)]
            while len(lanes) > 1:
                lanes = [builder.fadd(x, y) for x, y in zip(lanes[::2], lanes[1::2], strict=True)]
            totals += lanes
        return context.make_tuple(builder, signature.return_type, totals)

    return codegen


_wide_sums, _narrow_sums = _lane_sums(_WIDE), _lane_sums(_NARROW)


@strict_helper
def moments(a, b, p, q):
    """Σ (a[i] - p) and Σ (a[i] - p)·(b[i] - q) over two contiguous rows of one dtype, as float64.

    Products and sums of up to 1024 terms are in the rows' dtype. p and q are of that dtype.
    """
    total = 0.0
    product = 0.0
    whole = a.size - a.size % (2 * _WIDE)
    for start in range(0, whole, _SEGMENT):
        first, second = _wide_sums(a, b, start, min(start + _SEGMENT, whole), p, q)
        total += first
        product += second
    nearly = a.size - a.size % (2 * _NARROW)
    first, second = _narrow_sums(a, b, whole, nearly, p, q)
    for i in range(nearly, a.size):
        difference = a[i] - p
        first += difference
        second += difference * (b[i] - q)
    return total + first, product + second


@strict_helper
def row_sum(a):
    """Σ a[i] over a contiguous row, as float64."""
    zero = a.dtype.type(0)
    return moments(a, a, zero, zero)[0]
