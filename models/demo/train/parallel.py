"""Data parallel training in a few one-thread processes.

On two cores two processes of one thread each are faster than one process of two threads (they wait for
each other once a step instead of once an operation), and much faster when the machine has other work.
"""
import time

import torch
import torch.multiprocessing as mp


class Flat:
    """The parameters of some modules as views of one vector, and their gradients likewise."""

    def __init__(self, parameters):
        self.parameters = list(parameters)
        n = sum(p.numel() for p in self.parameters)
        self.data = torch.nn.Parameter(torch.empty(n))
        self.data.grad = torch.zeros(n)
        at = 0
        for p in self.parameters:
            self.data.data[at:at + p.numel()].copy_(p.data.flatten())
            p.data = self.data.data[at:at + p.numel()].view_as(p)
            p.grad = self.data.grad[at:at + p.numel()].view_as(p)
            at += p.numel()

    def clip(self, most):
        norm = self.data.grad.norm()
        if norm > most:
            self.data.grad.mul_(most / (norm + 1e-6))
        return norm


class Group:
    def __init__(self, rank, size, barrier, buffers, shared, minutes):
        self.rank, self.size, self.minutes = rank, size, minutes
        self.barrier, self.buffers, self.shared = barrier, buffers, shared
        self.start = time.time()

    def restart(self):
        """Starts the clock (again), after preparations."""
        self.barrier.wait()
        self.start = time.time()

    @property
    def elapsed(self):
        return time.time() - self.start

    def progress(self):
        """The share of the time that is used up, the same number in all processes."""
        if self.rank == 0:
            self.shared[0] = self.elapsed / (60 * self.minutes)
        self.barrier.wait()
        return float(self.shared[0])

    def average(self, grad):
        if self.size == 1:
            return
        n = grad.numel()
        self.buffers[self.rank][:n].copy_(grad)
        self.barrier.wait()
        for r in range(self.size):
            if r != self.rank:
                grad.add_(self.buffers[r][:n])
        grad.div_(self.size)
        # progress(), before the next step, keeps a fast process from overwriting its buffer too early


def _enter(rank, size, barrier, buffers, shared, minutes, work, args):
    torch.set_num_threads(1)
    torch.manual_seed(1000 + rank)
    work(Group(rank, size, barrier, buffers, shared, minutes), args)


def launch(work, args, size, minutes, parameters):
    """Runs work(group, args) in `size` processes; this one is the first. `parameters`: at most so many."""
    context = mp.get_context("spawn")
    barrier = context.Barrier(size)
    buffers = [torch.zeros(parameters).share_memory_() for _ in range(size)]
    shared = torch.zeros(1, dtype=torch.float64).share_memory_()
    others = [context.Process(target=_enter, args=(r, size, barrier, buffers, shared, minutes, work, args), daemon=True)
              for r in range(1, size)]
    for p in others:
        p.start()
    _enter(0, size, barrier, buffers, shared, minutes, work, args)
    for p in others:
        p.join()
