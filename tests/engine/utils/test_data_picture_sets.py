"""Picture sets: shipped data, the search for whole sets, ImageFolder, batches at once."""

import gzip
import subprocess
import sys

import numpy as np
import pytest

from engine.errors import DataError
from engine.utils.data import DataLoader, ImageFolder, datasets, locate, samples_data_folder
from engine.utils.data import transforms as T
from engine.utils.data.tensors import to_array
from tests.engine.utils.test_data_idx import idx_bytes

NAMES = {"train": "train", "test": "t10k"}


def write_set(folder, stem, n=20, classes=10, plain=False):
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.random.default_rng(n)
    images = numbers.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    labels = (np.arange(n) % classes).astype(np.uint8)
    for array, kind in ((images, "images-idx3"), (labels, "labels-idx1")):
        content = idx_bytes(array)
        name = f"{stem}-{kind}-ubyte"
        if plain:
            (folder / name).write_bytes(content)
        else:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return images, labels


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No whole set on this machine."""
    monkeypatch.setattr(datasets, "SYSTEM_FASHION_MNIST", tmp_path / "system")
    monkeypatch.setattr(datasets, "user_data_folder", lambda name: tmp_path / "user" / name)
    return tmp_path


@pytest.mark.parametrize(("train", "each"), [(True, 600), (False, 100)])
def test_shipped_fashion_mnist(nowhere, train, each):
    shipped = datasets.FashionMNIST(nowhere, train, download=True)
    assert to_array(shipped.data).shape == (10 * each, 28, 28)
    assert to_array(shipped.data).dtype == np.uint8
    assert to_array(shipped.targets).dtype == np.int64
    assert np.bincount(to_array(shipped.targets)).tolist() == [each] * 10
    assert "shipped" in shipped.source and "shipped" in repr(shipped)
    assert shipped.class_to_idx["Ankle boot"] == 9
    assert to_array(shipped.targets)[:3].tolist() == ([9, 0, 0] if train else [9, 2, 1])


def test_shipped_part_is_the_first_of_each_class():
    whole = locate.Path("/usr/share/datasets/fashion-mnist")
    if not whole.is_dir():
        pytest.skip("the whole set is not on this machine")
    full = datasets.FashionMNIST(whole, train=False)
    part = datasets.FashionMNIST(train=False, part="shipped")
    targets = to_array(full.targets)
    keep = np.sort(np.concatenate([np.flatnonzero(targets == c)[:100] for c in range(10)]))
    np.testing.assert_array_equal(to_array(part.data), to_array(full.data)[keep])
    np.testing.assert_array_equal(to_array(part.targets), targets[keep])


def test_shipped_files_stay_small():
    sizes = [path.stat().st_size for path in samples_data_folder().rglob("*") if path.is_file()]
    assert sum(sizes) < 4_000_000
    text = (samples_data_folder() / "README.md").read_text()
    assert "Zalando SE" in text and "CC BY 4.0" in text


def test_order_of_the_search(nowhere):
    root = nowhere / "root"
    for folder, n in (
        (nowhere / "user" / "fashion-mnist", 11),
        (nowhere / "system", 12),
        (root, 13),
        (root / "FashionMNIST" / "raw", 14),
    ):
        write_set(folder, "train", n, plain=n == 12)
        found = datasets.FashionMNIST(root)
        assert len(found) == n and str(folder) in found.source
    assert len(datasets.FashionMNIST()) == 12
    assert len(datasets.FashionMNIST(root, part="full")) == 14
    assert len(datasets.FashionMNIST(root, part="shipped")) == 6000


def test_a_whole_set_that_is_nowhere(nowhere):
    for error in (DataError, RuntimeError):
        with pytest.raises(error, match="train-images-idx3-ubyte"):
            datasets.FashionMNIST(nowhere, part="full")
    with pytest.raises(DataError, match="downloads nothing"):
        datasets.MNIST(nowhere, download=True)
    with pytest.raises(DataError, match="t10k-labels"):
        datasets.MNIST(nowhere, train=False)
    with pytest.raises(DataError, match="part must be"):
        datasets.FashionMNIST(part="half")


def test_mnist_and_emnist_from_folders(nowhere):
    images, labels = write_set(nowhere / "MNIST" / "raw", "t10k")
    mnist = datasets.MNIST(nowhere, train=False, transform=np.asarray)
    assert len(mnist) == 20 and mnist.classes[3] == "3 - three"
    picture, target = mnist[3]
    np.testing.assert_array_equal(picture, images[3])
    assert target == labels[3] and type(target) is int
    write_set(nowhere, "emnist-letters-test", classes=27)
    letters = datasets.EMNIST(nowhere, "letters", train=False, target_transform=str)
    assert letters.classes[:2] == ["N/A", "a"] and letters[4][1] == "4"
    with pytest.raises(DataError, match="split"):
        datasets.EMNIST(nowhere, "numbers")
    counts = {s: len(c) for s, c in datasets.EMNIST.classes_split_dict.items()}
    assert counts == {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 27, "digits": 10, "mnist": 10}


def test_damaged_pairs_are_explained(nowhere):
    folder = nowhere / "MNIST" / "raw"
    write_set(folder, "train", 20)
    labels = folder / "train-labels-idx1-ubyte.gz"
    good = labels.read_bytes()
    for content, message in (
        (gzip.compress(idx_bytes(np.zeros(19, np.uint8)), mtime=0), "20 pictures, .* 19 labels"),
        (gzip.compress(idx_bytes(np.full(20, 10, np.uint8)), mtime=0), "label 0 is 10; there are 10"),
        (gzip.compress(idx_bytes(np.zeros(20, np.int32)), mtime=0), "unsigned bytes, found int32"),
        (good[:-9], "damaged"),
        (b"", "empty"),
    ):
        labels.write_bytes(content)
        with pytest.raises(DataError, match=message):
            datasets.MNIST(nowhere)
    labels.unlink()
    with pytest.raises(DataError, match="but not train-labels-idx1-ubyte"):
        datasets.MNIST(nowhere)
    write_set(folder, "train", 0)
    with pytest.raises(DataError, match="no picture"):
        datasets.MNIST(nowhere)


NORMALIZE = T.Compose([T.ToTensor(), T.Normalize((0.2860,), (0.3530,))])


@pytest.mark.parametrize("transform", [T.ToTensor(), T.Compose([T.ToTensor()]), NORMALIZE], ids=repr)
def test_a_batch_at_once_is_bit_identical_to_sample_by_sample(transform):
    dataset = datasets.Digits(transform=transform)
    indices = [5, 0, 1436, -1, 5]
    fast = dataset.gather_batch(indices)
    slow = [dataset[i] for i in indices]
    assert to_array(fast[0]).dtype == np.float32 and to_array(fast[1]).dtype == np.int64
    np.testing.assert_array_equal(to_array(fast[0]), np.stack([to_array(x) for x, _ in slow]))
    assert to_array(fast[1]).tolist() == [y for _, y in slow]
    (batch, targets), *_ = DataLoader(dataset, 7)
    assert tuple(batch.shape) == (7, 1, 8, 8) and tuple(targets.shape) == (7,)


def test_pictures_are_gathered_only_where_that_is_the_same():
    class Own(datasets.Digits):
        def __getitem__(self, index):
            return 0

    assert Own(transform=T.ToTensor()).gather_batch([0]) is None
    assert datasets.Digits().gather_batch([0]) is None
    assert datasets.Digits(transform=T.ToTensor(), target_transform=str).gather_batch([0]) is None
    with pytest.raises(TypeError, match="default_collate"):
        next(iter(DataLoader(datasets.Digits())))


def test_a_changed_data_attribute_is_followed():
    dataset = datasets.Digits(transform=T.ToTensor())
    from engine.utils.data.tensors import from_array

    dataset.data = from_array(to_array(dataset.data)[:3] * 0)
    assert len(dataset) == 3 and not to_array(dataset[2][0]).any()


def test_digits():
    train, test = datasets.Digits(), datasets.Digits(train=False)
    assert (len(train), len(test)) == (1437, 360)
    pixels = np.unique(to_array(train.data))
    np.testing.assert_array_equal(pixels, np.arange(17) * 255 // 16)
    assert train[0][0].mode == "L" and train[0][0].size == (8, 8) and train[0][1] == 0
    assert np.bincount(to_array(test.targets)).min() >= 30


def test_image_folder(tmp_path):
    from PIL import Image

    for name, colour in (("b/two.png", 20), ("a/x/one.PNG", 10), ("a/zero.png", 0)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 2), colour).save(path, format="png")
    (tmp_path / "a" / "notes.txt").write_text("no picture")
    folder = ImageFolder(tmp_path, T.ToTensor(), target_transform=lambda t: t + 5)
    assert folder.classes == ["a", "b"] and folder.class_to_idx == {"a": 0, "b": 1}
    names = [path[len(str(tmp_path)) + 1 :] for path, _ in folder.samples]
    assert names == ["a/zero.png", "a/x/one.PNG", "b/two.png"]
    assert folder.targets == [0, 0, 1] and folder.imgs is folder.samples and len(folder) == 3
    sample, target = folder[2]
    assert tuple(sample.shape) == (3, 2, 3) and target == 6
    np.testing.assert_array_equal(to_array(sample), np.float32(20) / np.float32(255))
    (batch, _), *_ = DataLoader(folder, 3)
    assert tuple(batch.shape) == (3, 3, 2, 3)


def test_image_folder_names_broken_pictures(tmp_path):
    from PIL import Image

    (tmp_path / "a").mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)).save(
        tmp_path / "a" / "good.png"
    )
    content = (tmp_path / "a" / "good.png").read_bytes()
    (tmp_path / "a" / "cut.png").write_bytes(content[:400])
    (tmp_path / "a" / "text.png").write_text("no picture")
    (tmp_path / "a" / "void.png").write_bytes(b"")
    folder = ImageFolder(tmp_path)
    broken = [path.rsplit("/", 1)[1] for path in folder.broken_files()]
    assert broken == ["cut.png", "text.png", "void.png"]
    with pytest.raises(DataError, match=r"cut\.png"):
        folder[0]


def test_image_folder_without_pictures(tmp_path):
    for error in (DataError, FileNotFoundError):
        with pytest.raises(error, match="not a folder"):
            ImageFolder(tmp_path / "absent")
    with pytest.raises(DataError, match="no sub-folder"):
        ImageFolder(tmp_path)
    (tmp_path / "cats").mkdir()
    with pytest.raises(FileNotFoundError, match="cats"):
        ImageFolder(tmp_path)
    assert len(ImageFolder(tmp_path, allow_empty=True)) == 0


def test_places_of_the_shipped_data(monkeypatch, tmp_path):
    monkeypatch.setenv("NABLASCOPE_DATA", str(tmp_path))
    assert samples_data_folder() == tmp_path
    monkeypatch.setenv("NABLASCOPE_DATA", str(tmp_path / "typo"))
    with pytest.raises(DataError, match="typo"):
        samples_data_folder()
    monkeypatch.delenv("NABLASCOPE_DATA")
    assert (samples_data_folder() / "digits" / "digits.npz").is_file()
    monkeypatch.setattr(locate, "__file__", str(tmp_path / "site" / "engine" / "utils" / "data" / "l"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(locate.site, "ENABLE_USER_SITE", False)
    with pytest.raises(DataError) as caught:
        samples_data_folder()
    for place in ("NABLASCOPE_DATA", "site/samples/data", "prefix/share/nablascope/data"):
        assert place in str(caught.value)
    installed = tmp_path / "prefix" / "share" / "nablascope" / "data"
    installed.mkdir(parents=True)
    assert samples_data_folder() == installed


def test_missing_names_are_named():
    with pytest.raises(AttributeError, match="CIFAR10"):
        datasets.CIFAR10


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import engine.utils.data", "numpy numba scipy PIL sklearn platformdirs"),
        (
            "from engine.utils.data import load_sklearn, playground, read_csv, read_idx; "
            "load_sklearn('digits'); playground.make('circle')",
            "numba scipy PIL sklearn",
        ),
        (
            "from engine.utils.data import DataLoader, datasets, transforms as T; "
            "next(iter(DataLoader(datasets.Digits(transform=T.ToTensor()), 4, shuffle=True)))",
            "PIL sklearn matplotlib torch",
        ),
    ],
    ids=["package", "readers", "pictures"],
)
def test_importing_stays_cheap(code, heavy):
    check = f"; import sys; loaded = set({heavy.split()}) & set(sys.modules); sys.exit(str(loaded))"
    run = subprocess.run(
        [sys.executable, "-c", code + check],
        capture_output=True,
        text=True,
        check=False,
        cwd=samples_data_folder().parents[1],
    )
    assert run.stderr.strip() == "set()"
