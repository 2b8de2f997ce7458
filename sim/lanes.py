"""Eight integers at once: vectors that kernels keep in the processor's registers.

`Lanes` are eight int64, `Mask` eight yes or no. In kernels they take the operators of integers,
lane by lane, also beside an integer: `begin + need`, `backlog <= drain`, `full & ~lost`. What is
written with `larger`, `smaller` and operators alone compiles for integers too, so a rule needs no
second wording. LLVM makes of it whatever vectors the processor has; integers are exact on all.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

LANES = 8

_WORD = ir.IntType(64)
_INDEX = ir.IntType(32)
_VECTOR = ir.VectorType(_WORD, LANES)
_FLOATS = ir.VectorType(ir.DoubleType(), LANES)
_BITS = ir.VectorType(ir.IntType(1), LANES)
_BYTE = ir.IntType(LANES)
_ALIGN = 8  # bytes; a row of lanes may begin at any word


class LanesType(types.Type):
    """Numba's type of eight int64."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


class MaskType(types.Type):
    """Numba's type of eight bits, one for each lane; lane 0 is the lowest."""

    def __init__(self) -> None:
        super().__init__(name="Mask")


lanes_type: Any = LanesType()
mask_type: Any = MaskType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _BYTE)


def _spread(builder: Any, word: Any) -> Any:
    """A vector with one word in all lanes."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(nothing, word, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(
        one, nothing, ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES)
    )


def _word(context: Any, builder: Any, value: Any, kind: Any) -> Any:
    return context.cast(builder, value, kind, types.int64)


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Where the lanes from item `arguments[1]` of a one-dimensional array on are."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    index = _word(context, builder, arguments[1], signature.args[1])
    return builder.bitcast(builder.gep(array.data, [index]), _VECTOR.as_pointer())


def _function(kind: Callable[..., Any], emit: Callable[..., Any], name: str) -> Any:
    """An intrinsic of vectors: `kind` gives its signature, `emit` its instructions."""

    def typed(typing: Any, *arguments: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return emit(context, builder, signature, values)

        return kind(*arguments), generate

    # Numba reads an intrinsic's parameters off its Python function.
    source = {
        1: lambda typing, a: typed(typing, a),
        2: lambda typing, a, b: typed(typing, a, b),
        3: lambda typing, a, b, c: typed(typing, a, b, c),
    }[kind.__code__.co_argcount]
    source.__name__ = name
    return intrinsic(source)


def _each(name: str, emit: Callable[..., Any]) -> Any:
    """A function of two vectors that gives a vector."""
    return _function(
        lambda a, b: lanes_type(lanes_type, lanes_type),
        lambda context, builder, signature, values: emit(builder, *values),
        name,
    )


def _compared(name: str, sign: str) -> Any:
    """A comparison of two vectors."""
    return _function(
        lambda a, b: mask_type(lanes_type, lanes_type),
        lambda context, builder, signature, values: builder.bitcast(
            builder.icmp_signed(sign, *values), _BYTE
        ),
        name,
    )


def _masks(name: str, emit: Callable[..., Any]) -> Any:
    """A function of two masks."""
    return _function(
        lambda a, b: mask_type(mask_type, mask_type),
        lambda context, builder, signature, values: emit(builder, *values),
        name,
    )


def _chosen(sign: str) -> Callable[..., Any]:
    return lambda builder, a, b: builder.select(builder.icmp_signed(sign, a, b), a, b)


spread = _function(
    lambda value: lanes_type(value),
    lambda context, builder, signature, values: _spread(
        builder, _word(context, builder, values[0], signature.args[0])
    ),
    "spread",
)
_larger = _each("_larger", _chosen(">"))
_smaller = _each("_smaller", _chosen("<"))
_inverse = _function(
    lambda mask: mask_type(mask_type),
    lambda context, builder, signature, values: builder.not_(values[0]),
    "_inverse",
)

_ON_LANES = {
    operator.add: _each("_add", lambda builder, a, b: builder.add(a, b)),
    operator.sub: _each("_sub", lambda builder, a, b: builder.sub(a, b)),
    operator.mul: _each("_mul", lambda builder, a, b: builder.mul(a, b)),
    operator.rshift: _each("_rshift", lambda builder, a, b: builder.ashr(a, b)),
    operator.lt: _compared("_lt", "<"),
    operator.le: _compared("_le", "<="),
    operator.gt: _compared("_gt", ">"),
    operator.ge: _compared("_ge", ">="),
    operator.eq: _compared("_eq", "=="),
}
_ON_MASKS = {
    operator.and_: _masks("_and", lambda builder, a, b: builder.and_(a, b)),
    operator.or_: _masks("_or", lambda builder, a, b: builder.or_(a, b)),
}


def _give_operator(sign: Any, function: Any) -> None:
    """Have an operator of integers work on lanes, and on lanes beside an integer."""

    @overload(sign, strict=False)
    def with_lanes(a: Any, b: Any) -> Any:
        if isinstance(a, LanesType) and isinstance(b, LanesType):
            return lambda a, b: function(a, b)
        if isinstance(a, LanesType) and isinstance(b, types.Integer):
            return lambda a, b: function(a, spread(b))
        return None


def _give_mask_operator(sign: Any, function: Any) -> None:
    @overload(sign, strict=False)
    def with_masks(a: Any, b: Any) -> Any:
        if isinstance(a, MaskType) and isinstance(b, MaskType):
            return lambda a, b: function(a, b)
        return None


for _sign, _of in _ON_LANES.items():
    _give_operator(_sign, _of)
for _sign, _of in _ON_MASKS.items():
    _give_mask_operator(_sign, _of)


@overload(operator.invert, strict=False)
def _invert(mask: Any) -> Any:
    if isinstance(mask, MaskType):
        return lambda mask: _inverse(mask)
    return None


def float_bits(value: Any) -> Any:
    """The bits of an integer as a float64, or of each lane."""
    return np.float64(value).view(np.int64)


def larger(a: Any, b: Any) -> Any:
    """The larger of two integers, or of two vectors in each lane."""
    return max(a, b)


def smaller(a: Any, b: Any) -> Any:
    """The smaller of two integers, or of two vectors in each lane."""
    return min(a, b)


@overload(float_bits, strict=False)
def _overload_float_bits(value: Any) -> Any:
    if isinstance(value, LanesType):
        return lambda value: _float_bits(value)
    return lambda value: np.float64(value).view(np.int64)


@overload(larger, strict=False)
def _overload_larger(a: Any, b: Any) -> Any:
    if isinstance(a, LanesType) and isinstance(b, LanesType):
        return lambda a, b: _larger(a, b)
    if isinstance(a, LanesType):
        return lambda a, b: _larger(a, spread(b))
    return lambda a, b: max(a, b)


@overload(smaller, strict=False)
def _overload_smaller(a: Any, b: Any) -> Any:
    if isinstance(a, LanesType) and isinstance(b, LanesType):
        return lambda a, b: _smaller(a, b)
    if isinstance(a, LanesType):
        return lambda a, b: _smaller(a, spread(b))
    return lambda a, b: min(a, b)


where = _function(
    lambda mask, a, b: lanes_type(mask_type, lanes_type, lanes_type),
    lambda context, builder, signature, values: builder.select(
        builder.bitcast(values[0], _BITS), values[1], values[2]
    ),
    "where",
)
# only(mask, lanes): the lanes of the mask, and 0 in the others.
only = _function(
    lambda mask, a: lanes_type(mask_type, lanes_type),
    lambda context, builder, signature, values: builder.select(
        builder.bitcast(values[0], _BITS), values[1], ir.Constant(_VECTOR, [0] * LANES)
    ),
    "only",
)
bits_of = _function(
    lambda mask: types.int64(mask_type),
    lambda context, builder, signature, values: builder.zext(values[0], _WORD),
    "bits_of",
)
mask_of = _function(
    lambda bits: mask_type(bits),
    lambda context, builder, signature, values: builder.trunc(
        _word(context, builder, values[0], signature.args[0]), _BYTE
    ),
    "mask_of",
)


def _emit_load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return builder.load(_pointer(context, builder, signature, values), align=_ALIGN)


def _emit_store(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    builder.store(values[2], _pointer(context, builder, signature, values), align=_ALIGN)
    return context.get_dummy_value()


def _emit_gather(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    # Eight loads: some processors' gather instruction takes several times as long.
    array = context.make_array(signature.args[0])(context, builder, values[0])
    gathered = ir.Constant(_VECTOR, ir.Undefined)
    for lane in range(LANES):
        place = ir.Constant(_INDEX, lane)
        index = builder.extract_element(values[1], place)
        item = builder.load(builder.gep(array.data, [index]))
        gathered = builder.insert_element(gathered, item, place)
    return gathered


def _emit_float_bits(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return builder.bitcast(builder.sitofp(values[0], _FLOATS), _VECTOR)


# load(array, index): the eight items of a one-dimensional int64 array from `index` on.
load = _function(lambda array, index: lanes_type(array, index), _emit_load, "load")
# store(array, index, lanes)
store = _function(
    lambda array, index, lanes: types.void(array, index, lanes_type), _emit_store, "store"
)
# gather(array, lanes): in each lane the item that it names of a one-dimensional int64 array.
gather = _function(lambda array, index: lanes_type(array, lanes_type), _emit_gather, "gather")
_float_bits = _function(lambda lanes: lanes_type(lanes_type), _emit_float_bits, "_float_bits")
# lowest(bits): the number of the lowest bit that is set; there must be one.
lowest = _function(
    lambda bits: types.int64(types.int64),
    lambda context, builder, signature, values: builder.cttz(
        values[0], ir.Constant(ir.IntType(1), 1)
    ),
    "lowest",
)
