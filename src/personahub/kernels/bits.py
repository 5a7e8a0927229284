"""Instructions that Numba has no function for: numbers read and changed in arrays as the processor can."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["count_bits", "eight_bytes", "fetch_or", "leading_zeros"]


@intrinsic  # type: ignore[untyped-decorator]
def fetch_or(_context: Any, array: Any, index: Any, value: Any) -> Any:
    """``array[index] |= value`` in one step for all threads; the number as it was before."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature, args)
        return builder.atomic_rmw("or", pointer, args[2], "monotonic")

    return types.uint64(array, index, value), generate


@intrinsic  # type: ignore[untyped-decorator]
def eight_bytes(_context: Any, array: Any, index: Any) -> Any:
    """Eight bytes of an array of bytes as one number, the first of them the highest; they must be there."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature, args)
        number = builder.load(builder.bitcast(pointer, ir.IntType(64).as_pointer()), align=1)
        number.align = 1
        return builder.bswap(number)

    return types.uint64(array, index), generate


@intrinsic  # type: ignore[untyped-decorator]
def leading_zeros(_context: Any, value: Any) -> Any:
    """How many of the highest bits of a number of 64 are 0."""

    def generate(_: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def count_bits(_context: Any, value: Any) -> Any:
    """How many bits of a number of 64 are set."""

    def generate(_: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    kind = signature.args[0]
    held = context.make_array(kind)(context, builder, args[0])
    place = context.cast(builder, args[1], signature.args[1], types.intp)
    return cgutils.get_item_pointer(context, builder, kind, held, [place])
