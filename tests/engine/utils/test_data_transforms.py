"""Transforms follow torchvision's definitions; random ones draw PyTorch's numbers in its order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import random
from engine.errors import DataError
from engine.utils.data import pictures
from engine.utils.data import transforms as T
from engine.utils.data.tensors import from_array, to_array

torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")
NOISE = np.random.default_rng(5)
GREY = NOISE.integers(0, 256, (9, 7), dtype=np.uint8)
RGB = NOISE.integers(0, 256, (9, 7, 3), dtype=np.uint8)


def seeded(seed):
    random.manual_seed(seed)
    torch.manual_seed(seed)


def test_to_tensor_divides_by_255_bit_for_bit():
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    ours = to_array(T.ToTensor()(Image.fromarray(every)))
    expected = torch.from_numpy(every)[None].to(torch.float32).div(255)
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, expected.numpy())


@pytest.mark.parametrize("array", [GREY, RGB], ids=["grey", "rgb"])
def test_to_tensor_of_pictures_and_arrays(array):
    expected = np.atleast_3d(array).transpose(2, 0, 1) / np.float32(255)
    for picture in (array, Image.fromarray(array)):
        tensor = T.ToTensor()(picture)
        assert tensor.is_contiguous()
        np.testing.assert_array_equal(to_array(tensor), expected)


def test_to_tensor_of_other_modes():
    floats = np.linspace(-1, 3, 12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(to_array(T.ToTensor()(Image.fromarray(floats)))[0], floats)
    np.testing.assert_array_equal(to_array(T.ToTensor()(floats.astype(float)))[0], floats)
    bits = Image.fromarray(GREY).point(lambda v: 255 * (v > 99)).convert("1")
    np.testing.assert_array_equal(to_array(T.ToTensor()(bits))[0], GREY > 99)
    with pytest.raises(TypeError, match="int32"):
        T.ToTensor()(Image.fromarray(np.zeros((2, 2), np.int32)))


@pytest.mark.parametrize("pic", ["path.png", 3, [[1]], None])
def test_to_tensor_refuses(pic):
    with pytest.raises(TypeError, match="PIL Image or ndarray"):
        T.ToTensor()(pic)


def test_to_tensor_refuses_other_dimensions():
    with pytest.raises(ValueError, match="2/3 dimensional"):
        T.ToTensor()(np.zeros(3))


@given(mean=st.floats(-2, 2), std=st.floats(0.01, 3), channels=st.sampled_from([1, 3]))
def test_normalize_is_pytorchs_arithmetic(mean, std, channels):
    array = np.random.default_rng(1).random((channels, 4, 5), dtype=np.float32)
    means, stds = [mean + c for c in range(channels)], [std + c for c in range(channels)]
    ours = T.Normalize(means, stds)(from_array(array))
    m, s = (torch.tensor(v, dtype=torch.float32)[:, None, None] for v in (means, stds))
    np.testing.assert_array_equal(to_array(ours), ((torch.from_numpy(array) - m) / s).numpy())


def test_normalize_passes_gradients_and_works_in_place():
    needs = from_array(np.ones((1, 2, 2), np.float32)).requires_grad_()
    T.Normalize(0.5, 0.25)(needs).sum().backward()
    assert needs.grad.tolist() == [[[4, 4], [4, 4]]]
    plain = from_array(np.ones((1, 1, 2), np.float32))
    assert T.Normalize(0.5, 0.25, inplace=True)(plain) is plain
    assert plain.tolist() == [[[2, 2]]]
    with pytest.raises(RuntimeError, match="leaf"):
        T.Normalize(0.5, 0.25, inplace=True)(needs)


def test_normalize_leaves_its_input_alone():
    array = np.ones((1, 2, 2), np.float32)
    T.Normalize(0.5, 0.5)(from_array(array))
    assert (array == 1).all()


@pytest.mark.parametrize(
    ("mean", "std", "array", "error"),
    [
        ([0.5], [0.0], np.ones((1, 2, 2), np.float32), ValueError),
        ([0.5], [1e-60], np.ones((1, 2, 2), np.float32), ValueError),
        ([0.5], [1.0], np.ones((2, 2), np.float32), ValueError),
        ([0.5], [1.0], np.ones((1, 2, 2), np.uint8), TypeError),
        ([0.5] * 3, [1.0] * 3, np.ones((1, 2, 2), np.float32), RuntimeError),
    ],
)
def test_normalize_refuses(mean, std, array, error):
    with pytest.raises(error):
        T.Normalize(mean, std)(from_array(array))
    with pytest.raises(TypeError, match="Tensor Image"):
        T.Normalize(mean, std)(array)


def test_compose_lambda_and_text():
    steps = T.Compose([T.Lambda(lambda p: p.transpose(Image.Transpose.ROTATE_90)), T.ToTensor()])
    np.testing.assert_array_equal(to_array(steps(Image.fromarray(GREY)))[0], np.rot90(GREY) / np.float32(255))
    assert "ToTensor()" in repr(steps)
    assert repr(T.Normalize((0.5,), (0.5,))) == "Normalize(mean=(0.5,), std=(0.5,))"
    with pytest.raises(TypeError):
        T.Lambda(3)


@pytest.mark.parametrize(
    ("size", "max_size", "expected"),
    [
        (14, None, (14, 18)),
        ((4, 5), None, (5, 4)),
        ([3], None, (3, 3)),
        (14, 16, (12, 16)),
        (7, None, (7, 9)),
    ],
)
def test_resize_sizes(size, max_size, expected):
    picture = Image.fromarray(RGB)
    resized = T.Resize(size, max_size=max_size)(picture)
    assert resized.size == expected
    np.testing.assert_array_equal(resized, picture.resize(expected, Image.Resampling.BILINEAR))


def test_resize_with_nearest_and_on_tensors():
    doubled = T.Resize((18, 14), T.InterpolationMode.NEAREST)(Image.fromarray(GREY))
    np.testing.assert_array_equal(doubled, GREY.repeat(2, 0).repeat(2, 1))
    with pytest.raises(TypeError, match="before ToTensor"):
        T.Resize(4)(from_array(GREY))
    with pytest.raises(ValueError):
        T.Resize((4, 4), max_size=9)
    with pytest.raises(ValueError):
        T.Resize(9, max_size=9)(Image.fromarray(GREY))


@pytest.mark.parametrize("size", [3, (4, 2), 9, (12, 4), (11, 10), 1])
@pytest.mark.parametrize("kind", ["pil", "tensor"])
def test_center_crop(size, kind):
    height, width = (size, size) if isinstance(size, int) else size
    padded = np.pad(GREY, 12)
    h, w = GREY.shape
    top = round((h - height) / 2) if height <= h else -((height - h) // 2)
    left = round((w - width) / 2) if width <= w else -((width - w) // 2)
    expected = padded[12 + top : 12 + top + height, 12 + left : 12 + left + width]
    picture = Image.fromarray(GREY) if kind == "pil" else from_array(GREY[None])
    got = T.CenterCrop(size)(picture)
    got = np.asarray(got) if kind == "pil" else to_array(got)[0]
    np.testing.assert_array_equal(got, expected)


@given(seed=st.integers(0, 2**31), p=st.floats(0, 1), on_tensor=st.booleans())
def test_flips(seed, p, on_tensor):
    picture = from_array(GREY[None]) if on_tensor else Image.fromarray(GREY)
    for transform, mirrored in (
        (T.RandomHorizontalFlip(p), GREY[:, ::-1]),
        (T.RandomVerticalFlip(p), GREY[::-1]),
    ):
        seeded(seed)
        got = transform(picture)
        got = to_array(got)[0] if on_tensor else np.asarray(got)
        np.testing.assert_array_equal(got, mirrored if torch.rand(1) < p else GREY)
        assert float(torch.rand(1)) == float(random.uniform((1,), np.float32, 0.0, 1.0)[0])


@given(
    seed=st.integers(0, 2**31),
    padding=st.sampled_from([None, 2, (1, 3), (0, 1, 2, 3)]),
    mode=st.sampled_from(["constant", "edge", "reflect", "symmetric"]),
    rgb=st.booleans(),
    on_tensor=st.booleans(),
)
def test_random_crop(seed, padding, mode, rgb, on_tensor):
    array = RGB if rgb else GREY
    left, top, right, bottom = pictures.four_sides(padding or 0)
    sides = ((top, bottom), (left, right)) + ((0, 0),) * (array.ndim - 2)
    fill = {"constant_values": 7} if mode == "constant" else {}
    padded = np.pad(array, sides, mode, **fill)
    seeded(seed)
    i = int(torch.randint(0, padded.shape[0] - 5 + 1, size=(1,)))
    j = int(torch.randint(0, padded.shape[1] - 4 + 1, size=(1,)))
    crop = T.RandomCrop((5, 4), padding, fill=7, padding_mode=mode)
    if on_tensor:
        channels = np.atleast_3d(array).transpose(2, 0, 1)
        got = np.squeeze(to_array(crop(from_array(channels))).transpose(1, 2, 0))
    else:
        got = np.asarray(crop(Image.fromarray(array)))
    np.testing.assert_array_equal(got, padded[i : i + 5, j : j + 4])


def test_random_crop_of_the_whole_draws_nothing_and_small_pictures():
    seeded(1)
    picture = Image.fromarray(GREY)
    np.testing.assert_array_equal(T.RandomCrop((9, 7))(picture), GREY)
    assert float(torch.rand(1)) == float(random.uniform((1,), np.float32, 0.0, 1.0)[0])
    with pytest.raises(ValueError, match=r"Required crop size \(10, 10\) is larger"):
        T.RandomCrop(10)(picture)
    assert T.RandomCrop(10, pad_if_needed=True)(picture).size == (10, 10)
    with pytest.raises(ValueError):
        T.RandomCrop(4, padding=-1)(picture)
    with pytest.raises(ValueError):
        T.RandomCrop(4, padding=1, padding_mode="wrap")(picture)


@given(seed=st.integers(0, 2**31), expand=st.booleans())
def test_random_rotation(seed, expand):
    picture = Image.fromarray(RGB)
    seeded(seed)
    angle = float(torch.empty(1).uniform_(-30.0, 60.0))
    expected = picture.rotate(angle, Image.Resampling.NEAREST, expand, fillcolor=(9, 9, 9))
    got = T.RandomRotation((-30, 60), expand=expand, fill=9)(picture)
    np.testing.assert_array_equal(got, expected)


def test_rotation_by_a_quarter_is_counter_clockwise():
    square = GREY[:7]
    got = T.RandomRotation((90, 90))(Image.fromarray(square))
    np.testing.assert_array_equal(got, np.rot90(square))


@given(
    seed=st.integers(0, 2**31),
    shear=st.sampled_from([None, 10.0, (0.0, 5.0), (0.0, 5.0, -9.0, 9.0)]),
)
def test_random_affine_draws_in_torchvisions_order(seed, shear):
    seeded(seed)
    transform = T.RandomAffine(15, (0.3, 0.2), (0.5, 2), shear)
    ours = transform.get_params(transform.degrees, transform.translate, transform.scale, transform.shear, (7, 9))

    def draw(low, high):
        return float(torch.empty(1).uniform_(low, high))

    angle = draw(-15.0, 15.0)
    right = round(draw(-(0.3 * 7), 0.3 * 7))
    down = round(draw(-(0.2 * 9), 0.2 * 9))
    scale, shears = draw(0.5, 2), (0.0, 0.0)
    if shear is not None:
        ranges = (-10.0, 10.0) if shear == 10.0 else shear
        along_x = draw(ranges[0], ranges[1])
        shears = (along_x, draw(ranges[2], ranges[3]) if len(ranges) == 4 else 0.0)
    assert ours == (angle, (right, down), scale, shears)


@given(
    angle=st.floats(-180, 180),
    scale=st.floats(0.3, 3),
    sx=st.floats(-40, 40),
    sy=st.floats(-40, 40),
    tx=st.integers(-5, 5),
    ty=st.integers(-5, 5),
)
def test_affine_matrix_is_the_inverse_of_its_definition(angle, scale, sx, sy, tx, ty):
    cx, cy = 3.5, 4.5
    turn, x, y = np.radians([angle, sx, sy])

    def move(a, b):
        return np.array([[1, 0, a], [0, 1, b], [0, 0, 1.0]])

    rotate = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    along_x = np.array([[1, -np.tan(x), 0], [0, 1, 0], [0, 0, 1]])
    along_y = np.array([[1, 0, 0], [-np.tan(y), 1, 0], [0, 0, 1]])
    grow = np.diag([scale, scale, 1.0])
    forward = move(tx, ty) @ move(cx, cy) @ rotate @ grow @ along_y @ along_x @ move(-cx, -cy)
    inverse = pictures.inverse_affine((cx, cy), angle, (tx, ty), scale, (sx, sy))
    np.testing.assert_allclose(inverse, np.linalg.inv(forward)[:2].ravel(), atol=1e-9)


def test_affine_moves_pixels():
    picture = Image.fromarray(GREY)
    seeded(0)
    np.testing.assert_array_equal(T.RandomAffine(0)(picture), GREY)
    moved = pictures.affine(picture, 0.0, (2, 1), 1.0, (0.0, 0.0), T.InterpolationMode.NEAREST, 5, None)
    expected = np.full_like(GREY, 5)
    expected[1:, 2:] = GREY[:-1, :-2]
    np.testing.assert_array_equal(moved, expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: T.RandomRotation(-1),
        lambda: T.RandomRotation((1, 2, 3)),
        lambda: T.RandomAffine(0, translate=(2, 0)),
        lambda: T.RandomAffine(0, scale=(0, 1)),
        lambda: T.RandomAffine(0, shear=(1, 2, 3)),
        lambda: T.RandomAffine(0, translate=(0.1, 0.1, 0.1)),
        lambda: T.CenterCrop((1, 2, 3)),
        lambda: T.RandomCrop(0),
        lambda: T.Resize((1, 2, 3)),
    ],
)
def test_bad_arguments(make):
    with pytest.raises(ValueError):
        make()


def test_geometry_on_tensors_says_what_to_do():
    for transform in (T.RandomRotation(5), T.RandomAffine(5)):
        with pytest.raises(TypeError, match="before ToTensor"):
            transform(from_array(GREY[None]))
    with pytest.raises(TypeError, match="interpolation"):
        T.RandomRotation(5, interpolation="nearest")(Image.fromarray(GREY))


def test_fill_must_match_the_bands():
    with pytest.raises(ValueError, match="2 values, the picture has 3"):
        T.RandomRotation(5, fill=(1, 2))(Image.fromarray(RGB))


def test_whole_batches_are_transformed_only_where_that_is_the_same():
    assert T.of_whole_batch(None) is None
    assert T.of_whole_batch(T.RandomHorizontalFlip()) is None
    assert T.of_whole_batch(T.Compose([])) is None
    assert T.of_whole_batch(T.Compose([T.ToTensor(), T.Lambda(abs)])) is None

    class Own(T.ToTensor):
        pass

    assert T.of_whole_batch(Own()) is None
    with pytest.raises(DataError):
        T.of_whole_batch(T.ToTensor())(np.zeros((1, 2, 2)))


def test_missing_names_are_named():
    with pytest.raises(AttributeError, match="ColorJitter"):
        T.ColorJitter
