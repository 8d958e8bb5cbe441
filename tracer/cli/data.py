"""Points in a CSV file, for pictures: ``--data points.csv --label column``.

The first row is a header unless it contains a number. Columns belong to the inputs of the model by name if
both have names, else by position. For a model on a plane, points of the input space are projected onto it.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.cli.names import label_of, listed, place
from tracer.cli.parser import is_number
from tracer.fields.checks import shown
from tracer.fields.labels import numbers_by_label
from tracer.fields.plane import Plane


@dataclass(frozen=True)
class Points:
    """The rows of a file as texts, the names of its columns, and the number of the column of classes."""

    path: str
    names: list[str]
    rows: list[list[str]]
    label: int | None

    @classmethod
    def read(cls, path: str | None, label: str | None) -> "Points | None":
        """The points in a file, with the classes in the column `label`; None without a path.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError
            If the file is no table, or does not have the column.
        """
        if path is None:
            return None
        if not Path(path).is_file():
            raise FileNotFoundError(f"--data must be a file that exists; got {shown(path)}")
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                rows = [row for row in csv.reader(file) if row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"--data must be a CSV file in UTF-8; got {shown(path)}: {error}") from None
        if not rows:
            raise ValueError(f"--data must have a row for each point; got the empty file {shown(path)}")
        n = len(rows[0])
        # A row with a number is no header, even if its class is a text.
        names = [str(k) for k in range(n)] if any(map(is_number, rows[0])) else rows.pop(0)
        for k, row in enumerate(rows):
            if len(row) != n:
                raise ValueError(f"--data must have {n} columns in every row; got {len(row)} in row {k + 1}")
        column = None if label is None else place("--label COLUMN", "COLUMN", label, names, n, "a column")
        return cls(path, names, rows, column)

    def drawn_on(self, model: Any) -> dict[str, Any]:
        """The keywords X and y for a picture of a model of two inputs, which may be restricted to a plane."""
        plane: Plane | None = getattr(model, "plane", None)
        drawn = getattr(model, "inputs", None)
        if drawn is not None and set(drawn) <= set(self.names):
            X = self._numbers([self.names.index(name) for name in drawn])
        else:
            X = self._projected(plane)
        return {"X": X, "y": None if self.label is None else self._classes(model)}

    def _projected(self, plane: Plane | None) -> Array:
        """The points (rows, 2): given by their coordinates, or projected from the plane's input space."""
        columns = [k for k in range(len(self.names)) if k != self.label]
        n = 2 if plane is None else len(plane.origin)
        if plane is not None and plane.inputs is not None and set(plane.inputs) <= set(self.names):
            columns = [self.names.index(name) for name in plane.inputs]
        if len(columns) not in (n, 2):
            unlabelled = self.label is None
            cure = "name the column of classes, --label COLUMN" if unlabelled else "leave out the others"
            raise ValueError(
                f"--data must have a column for each of the {n} inputs, besides the column of --label; got "
                f"{shown([self.names[k] for k in columns])}: {cure}"
            )
        points = self._numbers(columns)
        if plane is None or len(columns) != n:
            return points
        return plane.project(points) if plane.features is None else points[:, plane.features]

    def _numbers(self, columns: list[int]) -> Array:
        """Some columns (rows, columns) as numbers."""
        for k, row in enumerate(self.rows):
            for text in (row[j] for j in columns):
                if not is_number(text):
                    raise ValueError(
                        "--data must have numbers in all columns but that of the classes; got "
                        f"{shown(text)} in row {k + 1}"
                    )
        return np.array([[float(row[j]) for j in columns] for row in self.rows]).reshape(-1, len(columns))

    def _classes(self, model: Any) -> list[Any]:
        """The class of each point, as a label of the model; the text itself if the model has none."""
        sides = getattr(model, "sides", None)
        labels: Any = [label for label, _ in sides] if sides else getattr(model, "classes", None)
        if labels is None:
            labels = range(getattr(model, "n_outputs", 0)) if sides is None else ()
        known = numbers_by_label(labels)
        found = [label_of(row[self.label or 0], known) for row in self.rows]
        wrong = next((k for k, label in enumerate(found) if labels and label not in known), None)
        if wrong is not None:
            raise ValueError(
                f"--label must be a column of the classes, {listed(labels)}, or their numbers; "
                f"got {shown(found[wrong])} in row {wrong + 1}"
            )
        return [labels[known[label]] for label in found] if labels else found
