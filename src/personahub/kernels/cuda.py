"""Matrix products on a CUDA device, by PyTorch (extra ``gpu``)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from personahub.errors import UserError
from personahub.kernels.vectors import ALIKE

__all__ = ["CudaProducts", "find_torch"]

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]
_Numbers = npt.NDArray[np.int32]


def find_torch(device: str = "cuda") -> Any:
    """The module ``torch``.

    Args:
        device: has to be there.

    Raises:
        UserError: PyTorch is not installed, or finds no such device.
    """
    try:
        import torch
    except ImportError as error:
        raise UserError(
            f"a GPU cannot be used ({error}): install it with pip install 'personahub[gpu]', or do it without"
            " a GPU: nothing else needs one"
        ) from error
    if device == "cuda" and not torch.cuda.is_available():
        built = torch.version.cuda
        why = f"is built for CUDA {built} and finds no device" if built else "is built without CUDA"
        raise UserError(
            f"a GPU cannot be used: PyTorch {torch.__version__} {why}; do it without a GPU, or on a machine"
            " with one"
        )
    return torch


class CudaProducts:
    """:class:`~personahub.kernels.products.Products` on a device: the same pairs, since each is checked.

    Args:
        device: of PyTorch's; "cpu" runs the same code without one.

    Raises:
        UserError: it is not there.
    """

    rows = 1024, 16_384
    """Where all pairs are near, their places take 270 MB."""
    all_pairs = 1_000_000

    def __init__(self, device: str = "cuda") -> None:
        """Find the device."""
        self._torch = find_torch(device)
        self._device = device

    def put(self, unit: _Floats) -> Any:
        """A copy on the device."""
        with self._memory():
            return self._torch.from_numpy(np.ascontiguousarray(unit)).to(self._device)

    def places_from(self, left: Any, right: Any, least: _Floats) -> tuple[_Ints, _Ints]:
        """See :meth:`~personahub.kernels.products.Products.places_from`."""
        with self._memory():
            low = self.put(least)[:, None]
            rows, columns = self._torch.nonzero(left @ right.T >= low, as_tuple=True)
            return rows.cpu().numpy(), columns.cpu().numpy()

    def nearest(self, left: Any, right: Any, reach: float) -> tuple[_Numbers, _Ints, _Numbers]:
        """See :meth:`~personahub.kernels.products.Products.nearest`."""
        with self._memory():
            scores = left @ right.T
            highest, homes = scores.max(dim=1, keepdim=True)
            below = highest - scores.mean(dim=1, keepdim=True)
            reached = (scores >= highest - reach * below) & (below > ALIKE)
            reached.scatter_(1, homes, value=True)
            columns = self._torch.nonzero(reached, as_tuple=True)[1]
            found = (homes[:, 0], reached.sum(dim=1), columns)
            home, counts, listed = (part.cpu().numpy() for part in found)
            return home.astype(np.int32), counts, listed.astype(np.int32)

    @contextmanager
    def _memory(self) -> Iterator[None]:
        """Float32 stays float32, which is what pairs are proposed by; and memory that lacks is told of."""
        coarser = self._torch.get_float32_matmul_precision()
        self._torch.set_float32_matmul_precision("highest")
        try:
            yield
        except self._torch.OutOfMemoryError as error:
            said = " ".join(str(error).split())[:200]
            raise UserError(
                f"the GPU has too little memory ({said}): end what else uses it, or do it without a GPU"
            ) from error
        finally:
            self._torch.set_float32_matmul_precision(coarser)
