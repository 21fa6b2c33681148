"""A user's data sets are known by their content: a path with a digest behind it, `photos.npz@sha256:1f3a5b7c9d0e`.

The path says where images lie, the digest which they are: a moved file is the same data set, a changed one another.
"""

from __future__ import annotations

MARK = "@sha256:"


def path_and_digest(source: str) -> tuple[str, str]:
    """Cut a data set's name or path from the digest behind it, which may be missing.

    >>> path_and_digest("mine/photos.npz@sha256:1f3a5b7c9d0e"), path_and_digest("cifar10")
    (('mine/photos.npz', '1f3a5b7c9d0e'), ('cifar10', ''))
    """
    path, _, digest = source.partition(MARK)
    return path, digest


def with_digest(source: str, digest: str) -> str:
    """Write a digest behind a path, unless one stands there or there is none."""
    return source if MARK in source or not digest else f"{source}{MARK}{digest}"


def identity_of(source: str) -> str:
    """Give what makes a data set the same one: the digest of its content where it is known, else its name or path."""
    path, digest = path_and_digest(source)
    return digest or path
