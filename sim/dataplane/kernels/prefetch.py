"""Ask for memory before it is needed.

A country's counts are larger than any cache, and a visit to a line touches a few places of each
array. What is asked for at the beginning of the visit is there when it is counted.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_WRITE, _KEEP, _DATA = 1, 3, 1  # arguments of LLVM's `llvm.prefetch`


def _prefetch(typing: Any, row: Any, index: Any) -> Any:
    """Ask for the cache line of item `index` of a one-dimensional array."""
    signature = types.void(row, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row_type, _ = signature.args
        array = context.make_array(row_type)(context, builder, arguments[0])
        pointer = cgutils.get_item_pointer(
            context, builder, row_type, array, [arguments[1]], wraparound=False
        )
        byte = ir.IntType(8).as_pointer()
        word = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, word, word, word]),
            "llvm.prefetch.p0",
        )
        constants = [ir.Constant(word, value) for value in (_WRITE, _KEEP, _DATA)]
        builder.call(function, [builder.bitcast(pointer, byte), *constants])
        return context.get_dummy_value()

    return signature, generate


prefetch: Any = intrinsic(_prefetch)
