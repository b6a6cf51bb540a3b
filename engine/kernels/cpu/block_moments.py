"""Reductions of a block of memory in vector registers: minimum, maximum, moments, zeros; and the change of a block.

They take the address of a block, so that a kernel can walk over the blocks of many arrays in one parallel loop; the
loops are LLVM vector instructions of a fixed number of elements, so that the order of every sum is fixed. Each
returns what it found in the first ``count - count % STRIDE`` elements: :func:`element` reads the rest.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

#: Elements of a vector, and vectors that are summed side by side.
_LANES, _SIDE_BY_SIDE = 16, 2

#: Elements that one turn of the loops handles.
STRIDE = _LANES * _SIDE_BY_SIDE

_WORD, _INDEX = ir.IntType(64), ir.IntType(32)
_CONTRACT = ("contract",)


@intrinsic
def address(typing_context, array):
    """Where the elements of a C-contiguous array begin."""

    def codegen(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, _WORD)

    return types.int64(array), codegen


@intrinsic
def element(typing_context, place, index, like):
    """Element ``index`` of the block at ``place``, whose dtype is that of the number ``like``."""

    def codegen(context, builder, signature, arguments):
        base = builder.inttoptr(arguments[0], context.get_value_type(like).as_pointer())
        return builder.load(builder.gep(base, [arguments[1]]))

    return like(types.int64, types.int64, like), codegen


@intrinsic
def moments_of_block(typing_context, place, count, like):
    """(min, max, Σ x, Σ x², zeros) of a block whose dtype is that of the number ``like``.

    A NaN shows in both sums, an infinity too; minimum and maximum may pass over NaN. Without a whole stride the
    minimum is infinity and the maximum -infinity.
    """
    signature = types.Tuple((like, like, like, like, types.int64))(types.int64, types.int64, like)

    def codegen(context, builder, signature, arguments):
        block = _Block(context, builder, like)
        start, zero, none = block.pointer(arguments[0]), block.constant(0.0), ir.Constant(_WORD, 0)
        begin = [block.constant(float("inf")), block.constant(float("-inf")), zero, zero, none]

        def step(index, found):
            results = []
            for side in range(_SIDE_BY_SIDE):
                low, high, total, squares, zeros = found[5 * side : 5 * side + 5]
                x = block.load(start, builder.add(index, ir.Constant(_WORD, side * _LANES)))
                # Counting bits in a general register leaves the vector units to the sums.
                is_zero = builder.bitcast(builder.fcmp_ordered("==", x, zero), ir.IntType(_LANES))
                results += [
                    block.lower(x, low), block.higher(x, high), builder.fadd(total, x),
                    block.add_square(squares, x), builder.add(zeros, builder.zext(builder.ctpop(is_zero), _WORD)),
                ]
            return results

        found = block.loop(arguments[1], begin * _SIDE_BY_SIDE, step)
        joins = (block.lower, block.higher, builder.fadd, builder.fadd)
        values = [block.fold(join(found[k], found[k + 5]), join) for k, join in enumerate(joins)]
        values.append(builder.add(found[4], found[9]))
        return context.make_tuple(builder, signature.return_type, values)

    return signature, codegen


@intrinsic
def shifted_moments(typing_context, place, count, shift):
    """(Σ (x - shift), Σ (x - shift)²) of a block; ``shift`` has the block's dtype."""
    signature = types.UniTuple(shift, 2)(types.int64, types.int64, shift)

    def codegen(context, builder, signature, arguments):
        block = _Block(context, builder, shift)
        start, shifted = block.pointer(arguments[0]), block.splat(arguments[2])

        def step(index, sums):
            results = []
            for side in range(_SIDE_BY_SIDE):
                x = block.load(start, builder.add(index, ir.Constant(_WORD, side * _LANES)))
                distance = builder.fsub(x, shifted)
                results += [
                    builder.fadd(sums[2 * side], distance), block.add_square(sums[2 * side + 1], distance)
                ]
            return results

        sums = block.loop(arguments[1], [block.constant(0.0)] * (2 * _SIDE_BY_SIDE), step)
        totals = [block.fold(builder.fadd(sums[k], sums[k + 2]), builder.fadd) for k in range(2)]
        return context.make_tuple(builder, signature.return_type, totals)

    return signature, codegen


@intrinsic
def change_of_block(typing_context, place, before, count, like):
    """Σ (x - b)² over two blocks of one dtype, that of the number ``like``."""

    def codegen(context, builder, signature, arguments):
        block = _Block(context, builder, like)
        start, other = block.pointer(arguments[0]), block.pointer(arguments[1])

        def step(index, sums):
            results = []
            for side in range(_SIDE_BY_SIDE):
                at = builder.add(index, ir.Constant(_WORD, side * _LANES))
                distance = builder.fsub(block.load(start, at), block.load(other, at))
                results.append(block.add_square(sums[side], distance))
            return results

        sums = block.loop(arguments[2], [block.constant(0.0)] * _SIDE_BY_SIDE, step)
        return block.fold(builder.fadd(sums[0], sums[1]), builder.fadd)

    return like(types.int64, types.int64, types.int64, like), codegen


@intrinsic
def rounded(typing_context, value, like):
    """A float64 in the dtype of the number ``like``."""

    def codegen(context, builder, signature, arguments):
        return context.cast(builder, arguments[0], types.float64, like)

    return like(types.float64, like), codegen


class _Block:
    """What the loops emit: unaligned vectors of one dtype, a loop over strides, folds of a vector's elements."""

    def __init__(self, context, builder, real) -> None:
        self.builder, self.bytes = builder, real.bitwidth // 8
        self.scalar = context.get_value_type(real)
        self.vector = ir.VectorType(self.scalar, _LANES)

    def pointer(self, place):
        return self.builder.inttoptr(place, self.scalar.as_pointer())

    def constant(self, value: float):
        return ir.Constant(self.vector, [value] * _LANES)

    def splat(self, number):
        undefined = ir.Constant(self.vector, ir.Undefined)
        single = self.builder.insert_element(undefined, number, ir.Constant(_INDEX, 0))
        return self.builder.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(_INDEX, _LANES), [0] * _LANES))

    def _place(self, base, index):
        return self.builder.bitcast(self.builder.gep(base, [index]), self.vector.as_pointer())

    def load(self, base, index):
        return self.builder.load(self._place(base, index), align=self.bytes)

    def add_square(self, total, x):
        return self.builder.fadd(total, self.builder.fmul(x, x, flags=_CONTRACT), flags=_CONTRACT)

    def lower(self, x, y):
        return self.builder.select(self.builder.fcmp_ordered("<", x, y), x, y)

    def higher(self, x, y):
        return self.builder.select(self.builder.fcmp_ordered(">", x, y), x, y)

    def fold(self, vector, join):
        """One number from a vector: the halves are joined until one element is left."""
        size = _LANES
        while size > 1:
            size //= 2
            kind = ir.VectorType(_INDEX, size)
            halves = [
                self.builder.shuffle_vector(vector, vector, ir.Constant(kind, list(range(first, first + size))))
                for first in (0, size)
            ]
            vector = join(*halves)
        return self.builder.extract_element(vector, ir.Constant(_INDEX, 0))

    def loop(self, count, begin: list, step) -> list:
        """``for i in range(0, count - count % STRIDE, STRIDE): values = step(i, values)``."""
        builder = self.builder
        stop = builder.and_(count, ir.Constant(_WORD, -STRIDE))
        before = builder.basic_block
        head, body, done = (builder.append_basic_block(f"moments.{name}") for name in ("head", "body", "done"))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(_WORD)
        index.add_incoming(ir.Constant(_WORD, 0), before)
        values = [builder.phi(value.type) for value in begin]
        builder.cbranch(builder.icmp_signed("<", index, stop), body, done)
        builder.position_at_end(body)
        results = step(index, list(values))
        index.add_incoming(builder.add(index, ir.Constant(_WORD, STRIDE)), builder.basic_block)
        for value, first, result in zip(values, begin, results, strict=True):
            value.add_incoming(first, before)
            value.add_incoming(result, builder.basic_block)
        builder.branch(head)
        builder.position_at_end(done)
        return values
