"""Loads every peer into the registry."""
from peers import baselines, products, wb_peer  # noqa: F401: each registers its peers.
from peers.registry import PEERS

__all__ = ["PEERS"]
