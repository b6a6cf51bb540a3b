"""Having memory fetched before it is read.

Processors fetch by themselves what a simple loop is about to read. Where the loop does other things in between, as counting
in tables, they do not look as far ahead: a histogram of 100 MB then takes 64 ms instead of 24.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

#: Bytes that come at once: of most processors; where they are more, some are asked for twice.
_LINE = 64


@intrinsic
def prefetch(typing_context, a, start, stop):
    """Have elements ``start`` to ``stop`` of a 1-D contiguous array fetched into the first cache; goes on at once."""
    step = _LINE * 8 // a.dtype.bitwidth

    def codegen(context, builder, signature, arguments):
        array, start, stop = arguments
        data = context.make_array(signature.args[0])(context, builder, array).data
        byte, number, word = ir.IntType(8).as_pointer(), ir.IntType(32), ir.IntType(64)
        form = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], form)
        before, again, after = builder.block, builder.append_basic_block("fetch"), builder.append_basic_block("fetched")
        builder.cbranch(builder.icmp_signed("<", start, stop), again, after)
        builder.position_at_end(again)
        at = builder.phi(word)
        # To be read, to be kept in all caches, as data.
        builder.call(fetch, [builder.bitcast(builder.gep(data, [at]), byte), number(0), number(3), number(1)])
        following = builder.add(at, word(step))
        at.add_incoming(start, before)
        at.add_incoming(following, again)
        builder.cbranch(builder.icmp_signed("<", following, stop), again, after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return types.void(a, types.int64, types.int64), codegen
