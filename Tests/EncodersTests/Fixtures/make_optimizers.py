"""Prints the numbers of TrainingStepTests: steps of AdamW, LAMB and weight averaging in float64.

LAMB is You et al., arXiv:1904.00962, with the arithmetic of NVIDIA apex's FusedLAMB (adam_w_mode, bias_correction,
grad_averaging, use_nvlamb=False); the average is torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn.

    python make_optimizers.py
"""

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_default_dtype(torch.float64)


class Model(torch.nn.Module):
    """loss = sum of tanh(x w + bias)^2."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor([[0.5, -0.25, 1], [0.75, 0.1, -0.6]]))
        self.bias = torch.nn.Parameter(torch.tensor([0.1, -0.2, 0.3]))

    def forward(self, x):
        return ((x @ self.w + self.bias).tanh() ** 2).sum()


class LAMB(torch.optim.Optimizer):
    def __init__(self, groups, lr, betas, eps):
        super().__init__(groups, dict(lr=lr, betas=betas, eps=eps))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state.update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                state["step"] += 1
                m, v, t = state["m"], state["v"], state["step"]
                m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
                v.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                update = (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + group["eps"])
                update = update + group["weight_decay"] * p
                ratio = 1.0
                if group["weight_decay"] != 0:
                    norms = p.norm(), update.norm()
                    ratio = (norms[0] / norms[1]).item() if min(norms) > 0 else 1.0
                p.add_(update, alpha=-group["lr"] * ratio)


def run(make):
    model = Model()
    groups = [
        {"params": [model.w], "weight_decay": 0.1},
        {"params": [model.bias], "weight_decay": 0.0},
    ]
    optimizer = make(groups, lr=0.05, betas=(0.9, 0.99), eps=1e-6)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.75))
    x = torch.tensor([[1, 2], [-0.5, 0.25]])
    for step in range(3):
        optimizer.zero_grad()
        loss = model(x)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        average.update_parameters(model)
        print(make.__name__, "step", step + 1, "loss", loss.item(), "norm", norm.item())
        for name in ("w", "bias"):
            print(" ", name, getattr(model, name).flatten().tolist())
            print(" ", name + ".ema", getattr(average.module, name).flatten().tolist())


run(torch.optim.AdamW)
run(LAMB)
