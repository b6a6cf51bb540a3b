"""Training on the GPU: the CPU's losses and parameters, step for step, where dropout takes the CPU's masks."""

import numpy as np
import pytest

import engine
from engine import nn


def network():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 3)
    )


OPTIMIZERS = {
    "SGD": lambda p: engine.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: engine.optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: engine.optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: engine.optim.RMSprop(p, centered=True, momentum=0.5),
    "Adagrad": lambda p: engine.optim.Adagrad(p, lr_decay=0.1),
    "Adadelta": lambda p: engine.optim.Adadelta(p),
}


def train(device, make, steps):
    engine.manual_seed(0)
    model = nn.Linear(6, 3).double() if make != OPTIMIZERS["SGD"] else network().double()
    model.to(device)
    x = engine.randn(*((4, 1, 6, 6) if isinstance(model, nn.Sequential) else (4, 6)), dtype=engine.float64).to(device)
    t = engine.tensor([0, 1, 2, 1], device=device)
    optimizer, losses = make(model.parameters()), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, {name: value.cpu().numpy() for name, value in model.state_dict().items()}


@pytest.mark.usefixtures("masks_of_the_cpu")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_give_the_cpus_parameters(name):
    expected, actual = train("cpu", OPTIMIZERS[name], 2), train("cuda", OPTIMIZERS[name], 2)
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-9)
    for key, value in expected[1].items():
        np.testing.assert_allclose(actual[1][key], value, rtol=1e-6, atol=1e-10, err_msg=key)


def test_dropout_on_the_gpu_trains_with_masks_of_its_own():
    def losses(device):
        engine.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(), nn.Linear(3, 2)).to(device)
        x, optimizer = engine.ones(4, 2, device=device), engine.optim.SGD(model.parameters(), lr=0.1)
        found = []
        for _ in range(3):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    assert losses("cuda") == losses("cuda") != losses("cpu")


def test_a_model_made_on_the_cpu_keeps_its_parameters():
    engine.manual_seed(0)
    there = {name: value.cpu().numpy() for name, value in network().to("cuda").state_dict().items()}
    engine.manual_seed(0)
    for name, value in network().state_dict().items():
        np.testing.assert_array_equal(there[name], value.numpy(), err_msg=name)


def test_a_module_and_its_checkpoint_move_between_devices(tmp_path):
    model = nn.Linear(2, 2).to("cuda")
    model(engine.ones(1, 2, device="cuda")).sum().backward()
    assert model.weight.is_cuda and model.weight.grad.device == engine.device("cuda:0")
    engine.save(model.state_dict(), tmp_path / "model.pt")
    loaded = engine.load(tmp_path / "model.pt")
    other = nn.Linear(2, 2)
    other.load_state_dict(loaded)
    np.testing.assert_array_equal(other.weight.detach().numpy(), model.weight.detach().cpu().numpy())
    assert not model.cpu().weight.is_cuda and not model.weight.grad.is_cuda
    assert "device='cuda:0'" in repr(engine.ones(1, device="cuda"))
