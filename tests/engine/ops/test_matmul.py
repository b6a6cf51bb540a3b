"""Matrix products and Einstein sums: against their definition and against PyTorch."""

import numpy as np
import pytest

import engine
from engine.errors import DtypeError, ShapeError
from engine.ops.matmul import Addmm, Bmm, Dot, Mm, Mv, product
from tests.engine.ops.movement_parity import both_refuse, randoms, same
from tests.oracle import check_function


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("kind", "a", "b"),
    [
        (Mm, (3, 4), (4, 5)), (Mm, (2, 3, 4), (4, 5)), (Mm, (4,), (4, 5)), (Mm, (70, 130), (130, 260)),
        (Mm, (3, 0), (0, 2)),
        (Bmm, (2, 3, 4), (2, 4, 5)), (Bmm, (2, 3, 4, 5), (2, 3, 5, 2)), (Bmm, (3, 40, 60), (3, 60, 90)),
        (Mv, (3, 4), (4,)), (Mv, (2, 3, 4), (4,)), (Dot, (5,), (5,)),
    ],
)
def test_matches_definition(kind, a, b, dtype):
    check_function(kind(), randoms(*a, dtype=dtype), randoms(*b, dtype=dtype, seed=1), rtol=1e-4, atol=1e-4)


def test_transposed_operands_match_definition():
    a, b = randoms(4, 3), randoms(5, 4, seed=1)
    check_function(Mm(), a.T, b.T)
    check_function(Bmm(), randoms(2, 4, 3).swapaxes(1, 2), randoms(2, 5, 4).swapaxes(1, 2))
    check_function(Mm(), a.T[::2], randoms(8, 5)[::2])
    check_function(Addmm(0.5, 2.0), randoms(3, 5), a.T, b.T)
    check_function(Addmm(0, 1), randoms(3, 5), a.T, b.T)


RANKS = [
    ((3,), (3,)), ((3, 4), (4,)), ((4,), (4, 5)), ((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (4,)),
    ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (2, 4, 5)), ((2, 3, 4), (1, 4, 5)), ((0, 3), (3, 2)),
    ((3, 0), (0, 2)), ((2, 3, 4, 5), (2, 3, 5, 4)),
]


@pytest.mark.parametrize(("a", "b"), RANKS)
def test_matmul_ranks(a, b):
    same(lambda lib, x, y: x @ y, randoms(*a), randoms(*b, seed=1), layout=False, rtol=1e-5, atol=1e-5)


def test_special_cases():
    same(lambda lib, a, b: (lib.mm(a, b), lib.matmul(a, b)), randoms(3, 4), randoms(4, 2), layout=False)
    same(lambda lib, a, b: lib.bmm(a, b), randoms(2, 3, 4), randoms(2, 4, 2), layout=False)
    same(lambda lib, a, b: (lib.mv(a, b), lib.dot(b, b), lib.outer(b, b)), randoms(3, 4), randoms(4), layout=False)
    same(lambda lib, c, a, b: (lib.addmm(c, a, b), lib.addmm(c, a, b, beta=0.5, alpha=2)),
         randoms(2), randoms(3, 4), randoms(4, 2), layout=False)
    same(lambda lib, c, a, b: lib.baddbmm(c, a, b), randoms(2, 3, 2), randoms(2, 3, 4), randoms(2, 4, 2), layout=False)
    same(lambda lib, a, b: a @ b, np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2), layout=False)


EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("i,i->", (3,), (3,)),
    ("i,j->ij", (3,), (4,)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)), ("bn,anm,bm->ba", (2, 5), (3, 5, 4), (2, 4)),
    ("...ij,...jk->...ik", (2, 3, 4), (4, 5)), ("...i->...", (2, 3, 4)), ("i,i->i", (3,), (3,)),
    ("ij,j->ij", (2, 3), (3,)),
    ("ijk,l->jl", (2, 3, 4), (5,)), ("abc,cd,de->abe", (2, 3, 4), (4, 5), (5, 2)), ("bij,jk->bik", (1, 3, 4), (4, 5)),
    ("ij,jk->ik", (2, 1), (3, 4)), ("Ab,bA", (2, 3), (3, 2)), ("iij->j", (3, 3, 4)), ("...,...", (2, 3), (3,)),
]


@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: case[0])
def test_einsum(case):
    equation, *shapes = case
    same(lambda lib, *tensors: lib.einsum(equation, *tensors), *[randoms(*s, seed=i) for i, s in enumerate(shapes)],
         layout=False, rtol=1e-5, atol=1e-5)


def test_products_do_not_depend_on_threads():
    import numba

    a, b = randoms(1, 200, 150), randoms(1, 150, 300)
    before = numba.get_num_threads()
    results = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        results.append(product(a, b))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*results)


def test_refusals():
    with pytest.raises(ShapeError, match=r"matmul: shapes \(2, 3\) and \(4, 5\) cannot be multiplied: .*3 and 4"):
        engine.ones(2, 3) @ engine.ones(4, 5)
    with pytest.raises(ShapeError, match="batch dimensions"):
        engine.ones(2, 3, 4) @ engine.ones(3, 4, 5)
    with pytest.raises(DtypeError, match="float32 and torch.float64"):
        engine.ones(2, 3) @ engine.ones(3, 2).double()
    both_refuse(lambda lib, a, b: lib.mm(a, b), randoms(2, 3, 4), randoms(4, 5), match="2 dimensions")
    both_refuse(lambda lib, a, b: lib.bmm(a, b), randoms(2, 3, 4), randoms(3, 4, 5), match="2 and 3 matrices")
    with pytest.raises(ValueError, match="must name letters"):
        engine.einsum("ij->k", engine.ones(2, 3))
    both_refuse(lambda lib, a: lib.einsum("ijk->k", a), randoms(2, 3), match="names 3 dimensions, but the operand")
    both_refuse(lambda lib, a, b: lib.einsum("ij,jk->ik", a, b), randoms(2, 3), randoms(4, 5), match="extent 3")
