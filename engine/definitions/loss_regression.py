"""Losses of numbers: squared, absolute, and the two mixtures of both.

Operands are flat: x (n) and target t (n). Each loss has three definitions: its element, its reduction
``sum / divisor`` (divisor n for the mean, 1 for the sum), and its gradient, in which dy is the gradient that arrives
at each element's loss and divisor is 1 where nothing is reduced.
"""

from engine.definitions.contract import defines


def squared(difference):
    return difference * difference


def smoothed(difference, beta):
    size = abs(difference)
    if size < beta:
        return 0.5 * size * size / beta
    return size - 0.5 * beta


def smoothed_slope(difference, beta):
    if difference <= -beta:
        return -1.0
    if difference >= beta:
        return 1.0
    return difference / beta


def huber(difference, delta):
    size = abs(difference)
    if size <= delta:
        return 0.5 * size * size
    return delta * (size - 0.5 * delta)


def huber_slope(difference, delta):
    if difference <= -delta:
        return -delta
    if difference >= delta:
        return delta
    return difference


def sign(difference):
    if difference > 0.0:
        return 1.0
    if difference < 0.0:
        return -1.0
    return 0.0


@defines("y[i]", reads="x t", latex=r"y_i = (x_i - t_i)^2", plain="y[i] = (x[i] - t[i])²")
def mse_loss_element(x, t, i):
    return squared(x[i] - t[i])


@defines(
    "y[]",
    reads="x t",
    latex=r"y = ⟦divisor != 1:\frac{1}{N}⟧\sum_i (x_i - t_i)^2",
    plain="y = Σ_i (x[i] - t[i])²⟦divisor != 1: / N⟧⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def mse_loss_reduced(x, t, divisor):
    total = 0.0
    for i in range(x.shape[0]):
        total += squared(x[i] - t[i])
    return total / divisor


@defines(
    "dx[i]",
    reads="dy x t",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != "
    r"1:\frac{2\,(x_i - t_i)}{N}¦2\,(x_i - t_i)⟧",
    plain="dx[i] = dy⟦dy.ndim:[i]⟧·2·(x[i] - t[i])⟦divisor != 1:/N⟧⟦divisor != 1:, N = ⟦=divisor¦how many are "
    "averaged⟧⟧",
)
def mse_loss_backward(dy, x, t, divisor, i):
    return dy[i] * 2.0 * (x[i] - t[i]) / divisor


@defines(
    "dt[i]",
    reads="dy x t",
    latex=r"\frac{\partial L}{\partial t_i} = -\frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != "
    r"1:\frac{2\,(x_i - t_i)}{N}¦2\,(x_i - t_i)⟧",
    plain="dt[i] = -dy⟦dy.ndim:[i]⟧·2·(x[i] - t[i])⟦divisor != 1:/N⟧⟦divisor != 1:, N = ⟦=divisor¦how many are "
    "averaged⟧⟧",
)
def mse_loss_backward_target(dy, x, t, divisor, i):
    return -dy[i] * 2.0 * (x[i] - t[i]) / divisor


@defines("y[i]", reads="x t", latex=r"y_i = |x_i - t_i|", plain="y[i] = |x[i] - t[i]|")
def l1_loss_element(x, t, i):
    return abs(x[i] - t[i])


@defines(
    "y[]",
    reads="x t",
    latex=r"y = ⟦divisor != 1:\frac{1}{N}⟧\sum_i |x_i - t_i|",
    plain="y = Σ_i |x[i] - t[i]|⟦divisor != 1: / N⟧⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def l1_loss_reduced(x, t, divisor):
    total = 0.0
    for i in range(x.shape[0]):
        total += abs(x[i] - t[i])
    return total / divisor


@defines(
    "dx[i]",
    reads="dy x t",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != "
    r"1:\frac{\mathrm{sign}(x_i - t_i)}{N}¦\mathrm{sign}(x_i - t_i)⟧",
    plain="dx[i] = dy⟦dy.ndim:[i]⟧·sign(x[i] - t[i])⟦divisor != 1:/N⟧⟦divisor != 1:, N = ⟦=divisor¦how many are "
    "averaged⟧⟧",
)
def l1_loss_backward(dy, x, t, divisor, i):
    return dy[i] * sign(x[i] - t[i]) / divisor


@defines(
    "dt[i]",
    reads="dy x t",
    latex=r"\frac{\partial L}{\partial t_i} = -\frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != "
    r"1:\frac{\mathrm{sign}(x_i - t_i)}{N}¦\mathrm{sign}(x_i - t_i)⟧",
    plain="dt[i] = -dy⟦dy.ndim:[i]⟧·sign(x[i] - t[i])⟦divisor != 1:/N⟧⟦divisor != 1:, N = ⟦=divisor¦how many "
    "are averaged⟧⟧",
)
def l1_loss_backward_target(dy, x, t, divisor, i):
    return -dy[i] * sign(x[i] - t[i]) / divisor


@defines(
    "y[i]",
    reads="x t",
    latex=r"y_i = \begin{cases}\tfrac12 d_i^2/\beta & |d_i| < \beta\\ |d_i| - \tfrac12\beta & |d_i| \ge \beta"
    r"\end{cases},\; d_i = x_i - t_i",
    plain="y[i] = 0.5·|d|²/beta if |d| < beta else |d| - 0.5·beta, d = x[i] - t[i]",
)
def smooth_l1_loss_element(x, t, beta, i):
    return smoothed(x[i] - t[i], beta)


@defines(
    "y[]",
    reads="x t",
    latex=r"y = ⟦divisor != 1:\frac{1}{N}⟧\sum_i "
    r"\begin{cases}\tfrac12 d_i^2/\beta & |d_i| < \beta\\ |d_i| - \tfrac12\beta & |d_i| \ge \beta\end{cases},\; "
    r"d_i = x_i - t_i",
    plain="y = Σ_i (0.5·|d|²/beta if |d| < beta else |d| - 0.5·beta)⟦divisor != 1: / N⟧, d = x[i] - t[i]"
    "⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def smooth_l1_loss_reduced(x, t, beta, divisor):
    total = 0.0
    for i in range(x.shape[0]):
        total += smoothed(x[i] - t[i], beta)
    return total / divisor


@defines(
    "dx[i]",
    reads="dy x t",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != "
    r"1:\frac{\min(\max((x_i - t_i)/\beta, -1), 1)}{N}¦\min(\max((x_i - t_i)/\beta, -1), 1)⟧",
    plain="dx[i] = dy⟦dy.ndim:[i]⟧·min(max((x[i] - t[i])/beta, -1), 1)⟦divisor != 1:/N⟧⟦divisor != 1:, N = "
    "⟦=divisor¦how many are averaged⟧⟧",
)
def smooth_l1_loss_backward(dy, x, t, beta, divisor, i):
    return dy[i] * smoothed_slope(x[i] - t[i], beta) / divisor


@defines(
    "dt[i]",
    reads="dy x t",
    latex=r"\frac{\partial L}{\partial t_i} = -\frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != "
    r"1:\frac{\min(\max((x_i - t_i)/\beta, -1), 1)}{N}¦\min(\max((x_i - t_i)/\beta, -1), 1)⟧",
    plain="dt[i] = -dy⟦dy.ndim:[i]⟧·min(max((x[i] - t[i])/beta, -1), 1)⟦divisor != 1:/N⟧⟦divisor != 1:, N = "
    "⟦=divisor¦how many are averaged⟧⟧",
)
def smooth_l1_loss_backward_target(dy, x, t, beta, divisor, i):
    return -dy[i] * smoothed_slope(x[i] - t[i], beta) / divisor


@defines(
    "y[i]",
    reads="x t",
    latex=r"y_i = \begin{cases}\tfrac12 d_i^2 & |d_i| \le \delta\\ \delta\,(|d_i| - \tfrac12\delta) & |d_i| > \delta"
    r"\end{cases},\; d_i = x_i - t_i",
    plain="y[i] = 0.5·|d|² if |d| <= delta else delta·(|d| - 0.5·delta), d = x[i] - t[i]",
)
def huber_loss_element(x, t, delta, i):
    return huber(x[i] - t[i], delta)


@defines(
    "y[]",
    reads="x t",
    latex=r"y = ⟦divisor != 1:\frac{1}{N}⟧\sum_i "
    r"\begin{cases}\tfrac12 d_i^2 & |d_i| \le \delta\\ \delta\,(|d_i| - \tfrac12\delta) & |d_i| > "
    r"\delta\end{cases},\; d_i = x_i - t_i",
    plain="y = Σ_i (0.5·|d|² if |d| <= delta else delta·(|d| - 0.5·delta))⟦divisor != 1: / N⟧, d = x[i] - t[i]"
    "⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def huber_loss_reduced(x, t, delta, divisor):
    total = 0.0
    for i in range(x.shape[0]):
        total += huber(x[i] - t[i], delta)
    return total / divisor


@defines(
    "dx[i]",
    reads="dy x t",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != "
    r"1:\frac{\min(\max(x_i - t_i, -\delta), \delta)}{N}¦\min(\max(x_i - t_i, -\delta), \delta)⟧",
    plain="dx[i] = dy⟦dy.ndim:[i]⟧·min(max(x[i] - t[i], -delta), delta)⟦divisor != 1:/N⟧⟦divisor != 1:, N = "
    "⟦=divisor¦how many are averaged⟧⟧",
)
def huber_loss_backward(dy, x, t, delta, divisor, i):
    return dy[i] * huber_slope(x[i] - t[i], delta) / divisor


@defines(
    "dt[i]",
    reads="dy x t",
    latex=r"\frac{\partial L}{\partial t_i} = -\frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != "
    r"1:\frac{\min(\max(x_i - t_i, -\delta), \delta)}{N}¦\min(\max(x_i - t_i, -\delta), \delta)⟧",
    plain="dt[i] = -dy⟦dy.ndim:[i]⟧·min(max(x[i] - t[i], -delta), delta)⟦divisor != 1:/N⟧⟦divisor != 1:, N = "
    "⟦=divisor¦how many are averaged⟧⟧",
)
def huber_loss_backward_target(dy, x, t, delta, divisor, i):
    return -dy[i] * huber_slope(x[i] - t[i], delta) / divisor
