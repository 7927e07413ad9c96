"""Next-token loss over the tokens that carry it, without ever holding all logits.

The logits of a batch over a vocabulary of 150,000 are the largest tensor of a training step. Here the hidden states are
taken for trained positions alone, and logits, loss and gradient are computed a chunk of positions at a time.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from synthcpt.training.attention import attending
from synthcpt.training.inputs import Inputs

_LOGITS_AT_ONCE = {"cpu": 1 << 25, "cuda": 1 << 28}
"""Numbers in a chunk of logits: 128 MiB in fp32, on GPUs 1 GiB, since each chunk adds a matrix of the weights' size to
their gradient, and the more tokens share that, the less it is felt."""


class ChunkedCrossEntropy(torch.autograd.Function):
    """Cross-entropy of ``hidden @ weight.T + bias`` against ``targets``, summed, and each token's own.

    The gradients are computed along with the loss, chunk by chunk, and only scaled on the way back: the logits are
    computed once, and nothing of their size is kept.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapes: hidden (tokens, width), weight (vocabulary, width), bias (vocabulary,), targets (tokens,)."""
        chunk = max(1, _LOGITS_AT_ONCE.get(hidden.device.type, 1 << 25) // weight.shape[0])
        needs = ctx.needs_input_grad
        computed = hidden.dtype
        matrix = weight.to(computed)
        grad_hidden = torch.empty_like(hidden) if needs[0] else None
        # Of many chunks in half precision most would be rounded away in the sum.
        summed = torch.promote_types(weight.dtype, torch.float32) if len(targets) > chunk else weight.dtype
        grad_weight = torch.zeros_like(weight, dtype=summed) if needs[1] else None
        grad_bias = torch.zeros_like(bias) if bias is not None and needs[2] else None
        losses = torch.empty(len(targets), dtype=torch.float32, device=hidden.device)
        for begin in range(0, len(targets), chunk):
            rows = slice(begin, begin + chunk)
            logits = functional.linear(hidden[rows], matrix, bias.to(computed) if bias is not None else None).float()
            wanted = targets[rows, None]
            losses[rows] = -logits.gather(1, wanted)[:, 0]
            largest = logits.amax(dim=-1, keepdim=True)
            slope = logits.sub_(largest).exp_()
            total = slope.sum(dim=-1, keepdim=True)
            losses[rows] += (largest + total.log())[:, 0]
            if not any(needs[:3]):
                continue
            slope.div_(total).scatter_add_(1, wanted, torch.full_like(wanted, -1, dtype=slope.dtype))
            half = slope.to(computed)
            if grad_hidden is not None:
                torch.mm(half, matrix, out=grad_hidden[rows])
            if grad_weight is not None:
                if grad_weight.dtype == computed:
                    grad_weight.addmm_(half.T, hidden[rows])
                else:
                    grad_weight += half.T @ hidden[rows]
            if grad_bias is not None:
                grad_bias += slope.sum(0).to(grad_bias.dtype)
        if grad_weight is not None:
            grad_weight = grad_weight.to(weight.dtype)
        ctx.save_for_backward(grad_hidden, grad_weight, grad_bias)
        ctx.mark_non_differentiable(losses)
        return losses.sum(), losses

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Scales what was computed on the way there."""
        return (*(None if kept is None else kept * grads[0].to(kept.dtype) for kept in ctx.saved_tensors), None)


class NextTokenLoss(nn.Module):
    """A causal language model as the function from a batch to its loss.

    Everything goes through `forward`, since that is where FSDP2 gathers the weights.

    Args:
        model: from transformers.
        neftune: noise on the embeddings while training (Jain et al. 2023, arXiv:2310.05914): uniform, of magnitude
            ``neftune / sqrt(length * width)``, with the length of the token's own text, not of the packed row.

    Attributes:
        split_head: the model's logits are its output embeddings applied to its decoder's last states, and nothing else;
            `find_head` tries that out. Otherwise the model computes its logits itself, all of them.
    """

    def __init__(self, model: nn.Module, *, neftune: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.split_head = False
        self._neftune = neftune
        self._lengths: torch.Tensor | None = None
        if neftune:
            embeddings: Any = model.get_input_embeddings()
            embeddings.register_forward_hook(self._add_noise)

    def forward(self, inputs: Inputs, want: Literal["loss", "logits", "both_heads"] = "loss") -> Any:
        """The loss of a batch, or what it is made of.

        The backward pass must run within `attending` to the same stretches, for layers that compute themselves anew
        in it.

        Args:
            inputs: the batch.
            want: ``loss`` for the sum of the trained tokens' losses in nats, a scalar, and each one's, detached, shape
                (trained,); ``logits`` for those of all tokens as the model computes them, shape (rows, tokens,
                vocabulary); ``both_heads`` for these and for what the output embeddings make of the decoder's states.
        """
        self._lengths = inputs.text_lengths
        with attending(inputs.stretches):
            if want == "loss":
                return self._split_loss(inputs) if self.split_head else self._whole_loss(inputs)
            logits = self.model(**_arguments(inputs)).logits
            return logits if want == "logits" else (logits, self._head(self._hidden(inputs)))

    def find_head(self, inputs: Inputs) -> None:
        """Find out whether the head can be split off, on some tokens, and remember it.

        It cannot where a model caps or scales its logits (Gemma 2, Cohere, Granite). A cap hardly shows in the small
        logits of random weights, so the configuration is asked, too.
        """
        config: Any = self.model.config
        if type(self._head) is nn.Linear and getattr(config, "final_logit_softcapping", None) is None:
            training = self.training
            self.eval()
            with torch.no_grad():
                theirs, mine = self(inputs, "both_heads")
            self.split_head = bool(torch.equal(theirs, mine))  # the same operations: the same bits
            self.train(training)

    @property
    def _head(self) -> Any:
        return self.model.get_output_embeddings()

    def _hidden(self, inputs: Inputs) -> torch.Tensor:
        """The decoder's last states, shape (rows, tokens, width)."""
        states: torch.Tensor = _decoder(self.model)(**_arguments(inputs)).last_hidden_state
        return states

    def _split_loss(self, inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self._hidden(inputs).flatten(0, 1)[inputs.kept]
        head = self._head
        if not len(inputs.kept):  # the loss is 0, but every process must take the same way back
            return hidden.sum() * 0.0 + head.weight.sum() * 0.0, hidden.new_zeros(0, dtype=torch.float32)
        loss, losses = ChunkedCrossEntropy.apply(hidden, head.weight, head.bias, inputs.targets)
        return loss, losses

    def _whole_loss(self, inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.model(**_arguments(inputs)).logits.flatten(0, 1)[inputs.kept].float()
        losses = functional.cross_entropy(logits, inputs.targets, reduction="none")
        return losses.sum(), losses.detach()

    def _add_noise(self, _module: nn.Module, _args: Any, embedded: torch.Tensor) -> torch.Tensor:
        if not self.training or self._lengths is None:
            return embedded
        scale = self._neftune / torch.sqrt(self._lengths.reshape(embedded.shape[:2]) * embedded.shape[-1])
        noise = torch.empty_like(embedded).uniform_(-1, 1)
        return embedded + noise * scale[..., None].to(embedded.dtype)


def _decoder(model: nn.Module) -> nn.Module:
    """The model without its head."""
    found: Any = model.get_decoder() if hasattr(model, "get_decoder") else None
    decoder: nn.Module = found if found is not None and found is not model else model.base_model
    return decoder


def _arguments(inputs: Inputs) -> dict[str, Any]:
    """`use_cache` must be off: with a cache transformers lets texts of a row see one another."""
    arguments: dict[str, Any] = {"input_ids": inputs.ids, "position_ids": inputs.positions, "use_cache": False}
    return {**arguments, "attention_mask": inputs.mask} if inputs.mask is not None else arguments
