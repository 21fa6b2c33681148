"""Training data as it is usually fed: a DataLoader that asks for images one by one, each transformed on its own."""

from __future__ import annotations

import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset


class PerImage(Dataset):
    """Images (N, C, H, W) of bytes; each is shifted by up to `padding` pixels, mirrored half of the time, normalized.

    That is what torchvision's RandomCrop, RandomHorizontalFlip, ToTensor and Normalize do, without PIL between them.
    """

    def __init__(self, images: torch.Tensor, labels: torch.Tensor, padding: int) -> None:
        self.images, self.labels, self.padding = images, labels, padding
        self.mean = torch.tensor([0.4914, 0.4822, 0.4465])[:, None, None]
        self.std = torch.tensor([0.2470, 0.2435, 0.2616])[:, None, None]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = self.images[index]
        height, width = image.shape[1:]
        padded = functional.pad(image, (self.padding,) * 4)
        row, column = (int(torch.randint(2 * self.padding + 1, (1,))) for _ in range(2))
        image = padded[:, row : row + height, column : column + width]
        if torch.rand(1) < 0.5:
            image = image.flip(-1)
        return (image.float() / 255 - self.mean) / self.std, int(self.labels[index])


def loader(
    images: torch.Tensor, labels: torch.Tensor, batch_size: int, workers: int, padding: int = 4
) -> DataLoader:
    return DataLoader(
        PerImage(images, labels, padding),
        batch_size=batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
