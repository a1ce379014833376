"""AE: how badly an autoencoder of training images reconstructs a pixel; its score, network, loss and recipe."""

from ood_eval.detectors.ae.detector import AE

__all__ = ["AE"]
