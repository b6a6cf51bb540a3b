"""The two inner loops of convolution, written for vector registers.

A convolution with stride 1 is a matrix product whose right-hand matrix need not be built: with the picture padded
and flattened, row k = (c, i, j) of that matrix is the picture itself, shifted by ``offsets[k]``. The loops here
compute a block of such a product in registers. They are emitted as LLVM vector instructions, because loops over
small blocks written in Python are not kept in registers by the compiler.

The sizes of the blocks follow the processor's registers: as many accumulators as fit beside the operands.
"""

from __future__ import annotations

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def _register_file() -> tuple[int, int]:
    """(bytes of a vector register, number of them) of this processor."""
    features = llvmlite.binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 64, 32
    if features.get("avx2") and features.get("fma"):
        return 32, 16
    is_arm = llvmlite.binding.get_process_triple().startswith(("aarch64", "arm64"))
    return 16, 32 if is_arm else 16


_BYTES, _REGISTERS = _register_file()

#: Most numbers that one vector register holds (float32).
MOST_LANES = _BYTES // 4

#: Forward block: filters × vectors of pixels.
FILTERS, VECTORS = (8, 3) if _REGISTERS == 32 else (4, 3)

#: Weight-gradient block: filters × window positions.
GRADIENT_FILTERS, GRADIENT_TAPS = (4, 6) if _REGISTERS == 32 else (4, 3)


@intrinsic
def lanes(typing_context, array):
    """Numbers of ``array``'s dtype that one vector register holds: a constant."""
    count = _BYTES * 8 // array.dtype.bitwidth

    def codegen(context, builder, signature, arguments):
        return context.get_constant(types.int64, count)

    return types.int64(array), codegen


@intrinsic
def correlate_block(typing_context, y, y_start, y_pitch, x, x_start, offsets, count, w, w_start):
    """y[o, t] = Σ_k w[k, o]·x[offsets[k] + t] for FILTERS filters o and VECTORS·lanes pixels t.

    Args:
        y: 1-D; row o of the block begins at ``y_start + o·y_pitch``; overwritten.
        x: 1-D; pixel 0 of the block is at ``x_start``.
        offsets: (count) int64.
        w: 1-D, packed: filter o of window position k is at ``w_start + k·FILTERS + o``.
    """
    signature = types.void(y, types.int64, types.int64, x, types.int64, offsets, types.int64, w, types.int64)
    size = _BYTES * 8 // y.dtype.bitwidth

    def codegen(context, builder, signature, arguments):
        block = _Block(context, builder, signature, size)
        y, x, offsets, w = (block.data(i, arguments) for i in (0, 3, 5, 7))
        _, y_start, y_pitch, _, x_start, _, count, _, w_start = arguments

        def step(k, sums):
            at = builder.add(x_start, builder.load(builder.gep(offsets, [k])))
            pixels = [block.load(x, builder.add(at, block.integer(v * size))) for v in range(VECTORS)]
            first = builder.add(w_start, builder.mul(k, block.integer(FILTERS)))
            for o in range(FILTERS):
                weight = block.splat(builder.load(builder.gep(w, [builder.add(first, block.integer(o))])))
                for v in range(VECTORS):
                    sums[o * VECTORS + v] = block.multiply_add(weight, pixels[v], sums[o * VECTORS + v])
            return sums

        sums = block.loop(count, block.integer(1), block.zeros(FILTERS * VECTORS), step)
        for o in range(FILTERS):
            row = builder.add(y_start, builder.mul(y_pitch, block.integer(o)))
            for v in range(VECTORS):
                block.store(sums[o * VECTORS + v], y, builder.add(row, block.integer(v * size)))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def gradient_block(
    typing_context, dw, dw_start, dw_pitch, dy, dy_start, dy_pitch, dy_step, x, x_step, offsets, first, count, samples
):
    """dw[o, k] += Σ_s,t dy[s, o, t]·x[s, offsets[k] + t] for GRADIENT_FILTERS filters o and GRADIENT_TAPS positions k.

    Args:
        dw: 1-D; element (o, k) of the block is at ``dw_start + o·dw_pitch + k``.
        dy: 1-D; row o of sample s begins at ``dy_start + s·dy_step + o·dy_pitch``.
        x: 1-D; pixel 0 of sample s is at ``s·x_step``.
        offsets: int64; position k of the block is number ``first + k``.
        count: pixels; the rows of dy hold zeros from there to the next multiple of ``lanes``.
    """
    word = types.int64
    signature = types.void(dw, word, word, dy, word, word, word, x, word, offsets, word, word, word)
    size = _BYTES * 8 // dw.dtype.bitwidth

    def codegen(context, builder, signature, arguments):
        block = _Block(context, builder, signature, size)
        dw, dy, x, offsets = (block.data(i, arguments) for i in (0, 3, 7, 9))
        _, dw_start, dw_pitch, _, dy_start, dy_pitch, dy_step, _, x_step, _, first, count, samples = arguments
        shifts = [
            builder.load(builder.gep(offsets, [builder.add(first, block.integer(k))]))
            for k in range(GRADIENT_TAPS)
        ]
        rows = [
            builder.add(dy_start, builder.mul(dy_pitch, block.integer(o))) for o in range(GRADIENT_FILTERS)
        ]

        def of_sample(s, sums):
            x_start, dy_start = builder.mul(s, x_step), builder.mul(s, dy_step)
            starts = [builder.add(x_start, shift) for shift in shifts]
            begins = [builder.add(dy_start, row) for row in rows]

            def step(t, sums):
                gradients = [block.load(dy, builder.add(begin, t)) for begin in begins]
                for k in range(GRADIENT_TAPS):
                    pixels = block.load(x, builder.add(starts[k], t))
                    for o in range(GRADIENT_FILTERS):
                        at = o * GRADIENT_TAPS + k
                        sums[at] = block.multiply_add(gradients[o], pixels, sums[at])
                return sums

            return block.loop(count, block.integer(size), sums, step)

        sums = block.loop(samples, block.integer(1), block.zeros(GRADIENT_FILTERS * GRADIENT_TAPS), of_sample)
        totals = block.horizontal_sums(sums)
        for o in range(GRADIENT_FILTERS):
            row = builder.add(dw_start, builder.mul(dw_pitch, block.integer(o)))
            for k in range(GRADIENT_TAPS):
                place = builder.gep(dw, [builder.add(row, block.integer(k))])
                builder.store(builder.fadd(builder.load(place), totals[o * GRADIENT_TAPS + k]), place)
        return context.get_dummy_value()

    return signature, codegen


class _Block:
    """What both loops need to emit: unaligned vectors of one dtype, multiply-add, and a counted loop with sums."""

    def __init__(self, context, builder, signature, size: int) -> None:
        self.context, self.builder, self.signature, self.size = context, builder, signature, size
        self.dtype = signature.args[0].dtype
        self.real = context.get_value_type(self.dtype)
        self.vector = ir.VectorType(self.real, size)
        self.word = ir.IntType(64)

    def integer(self, value: int):
        return ir.Constant(self.word, value)

    def data(self, number: int, arguments):
        """Pointer to the first element of an array argument."""
        kind = self.signature.args[number]
        return self.context.make_array(kind)(self.context, self.builder, arguments[number]).data

    def _place(self, base, index):
        return self.builder.bitcast(self.builder.gep(base, [index]), self.vector.as_pointer())

    def load(self, base, index):
        return self.builder.load(self._place(base, index), align=self.dtype.bitwidth // 8)

    def store(self, value, base, index) -> None:
        self.builder.store(value, self._place(base, index), align=self.dtype.bitwidth // 8)

    def splat(self, number):
        undefined = ir.Constant(self.vector, ir.Undefined)
        single = self.builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.size), [0] * self.size)
        return self.builder.shuffle_vector(single, undefined, mask)

    def multiply_add(self, a, b, c):
        product = self.builder.fmul(a, b, flags=("contract",))
        return self.builder.fadd(product, c, flags=("contract",))

    def horizontal_sums(self, values: list) -> list:
        """The sum of the elements of each vector, in a fixed order.

        Two vectors at a time: neighbouring elements of both are added into one vector, half of it from each, until
        every element of a vector is one complete sum.
        """
        size, index = self.size, ir.IntType(32)
        even = ir.Constant(ir.VectorType(index, size), list(range(0, 2 * size, 2)))
        odd = ir.Constant(ir.VectorType(index, size), list(range(1, 2 * size, 2)))
        vectors = [(value, [number] * size) for number, value in enumerate(values)]
        for _ in range(size.bit_length() - 1):
            halved = []
            for a, b in zip(vectors[::2], vectors[1::2] + vectors[-1:], strict=False):
                added = self.builder.fadd(
                    self.builder.shuffle_vector(a[0], b[0], even), self.builder.shuffle_vector(a[0], b[0], odd)
                )
                halved.append((added, a[1][::2] + b[1][::2]))
            vectors = halved
        sums: dict[int, object] = {}
        for vector, owners in vectors:
            for lane, number in enumerate(owners):
                if number not in sums:
                    sums[number] = self.builder.extract_element(vector, ir.Constant(index, lane))
        return [sums[number] for number in range(len(values))]

    def zeros(self, count: int) -> list:
        """``count`` vectors of zeros."""
        return [ir.Constant(self.vector, [ir.Constant(self.real, 0.0)] * self.size)] * count

    def loop(self, stop, stride, sums: list, step) -> list:
        """``for i in range(0, stop, stride): sums = step(i, sums)``, with the sums in registers."""
        builder = self.builder
        before = builder.basic_block
        head = builder.append_basic_block("block.head")
        body = builder.append_basic_block("block.body")
        done = builder.append_basic_block("block.done")
        builder.branch(head)
        builder.position_at_end(head)
        number = builder.phi(self.word)
        number.add_incoming(self.integer(0), before)
        totals = []
        for start in sums:
            total = builder.phi(self.vector)
            total.add_incoming(start, before)
            totals.append(total)
        builder.cbranch(builder.icmp_signed("<", number, stop), body, done)
        builder.position_at_end(body)
        results = step(number, list(totals))
        end = builder.basic_block
        number.add_incoming(builder.add(number, stride), end)
        for total, result in zip(totals, results, strict=True):
            total.add_incoming(result, end)
        builder.branch(head)
        builder.position_at_end(done)
        return totals


__all__ = [
    "FILTERS", "GRADIENT_FILTERS", "GRADIENT_TAPS", "MOST_LANES", "VECTORS",
    "correlate_block", "gradient_block", "lanes",
]
