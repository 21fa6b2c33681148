"""The data sets by name, with the shapes of their images."""

from __future__ import annotations

from dataclasses import dataclass

LARGE_SIDE = 128
"""Images of so many pixels and more are large."""


@dataclass(frozen=True)
class DatasetShape:
    """What a network must fit to run on a data set: image shape (C, H, W) and number of classes.

    `halves` names the data set whose images, averaged over windows of 2x2 pixels, these are.
    """

    name: str
    image: tuple[int, int, int]
    classes: int
    halves: str = ""

    @property
    def large_images(self) -> bool:
        """True where networks begin with their stem for large images, such as a strided 7x7 convolution."""
        return self.image[1] >= LARGE_SIDE

    def is_task_of(self, image: tuple[int, ...], classes: int) -> bool:
        """Whether a network reads images like these, large ones of any size, and tells as many classes apart.

        >>> DATASETS["imagenet"].is_task_of((3, 160, 160), 1000), DATASETS["cifar10"].is_task_of((3, 64, 64), 10)
        (True, False)
        """
        any_size = self.large_images and image[0] == self.image[0] and image[1] >= LARGE_SIDE
        return (image == self.image or any_size) and classes == self.classes


DATASETS = {
    item.name: item
    for item in (
        DatasetShape("cifar10", (3, 32, 32), 10),
        DatasetShape("cifar100", (3, 32, 32), 100),
        DatasetShape("cifar10-16", (3, 16, 16), 10, halves="cifar10"),
        DatasetShape("cifar100-16", (3, 16, 16), 100, halves="cifar100"),
        DatasetShape("imagenet", (3, 224, 224), 1000),
        DatasetShape("mnist", (1, 28, 28), 10),
        DatasetShape("fashion-mnist", (1, 28, 28), 10),
        DatasetShape("digits", (1, 8, 8), 10),
        DatasetShape("speech-commands", (1, 49, 10), 12),
        DatasetShape("visual-wake-words", (3, 96, 96), 2),
        DatasetShape("toyadmos", (640, 1, 1), 640),
    )
}
OWN = "own"
"""What a data set is called that has no name here: the design says the shape of its images and their classes."""
