"""Trees of JSON of which one to four things are changed, and bytes of every fifth file."""

import copy

from cases.onnx_mutations import bytes_changed, lie, some

VALUES = [
    None,
    True,
    "",
    "relu",
    "softmax",
    [],
    {},
    [[]],
    0,
    -1,
    1e308,
    float("nan"),
    2**40,
    10**400,
    "9" * 99,
]


def places(tree, found=None):
    """All lists and dictionaries in a tree that are not empty, with their keys."""
    found = [] if found is None else found
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        found.append((tree, key))
        places(tree[key], found)
    return found


def tree_changed(rng, tree):
    """One value of a tree replaced, left out, moved, put deeper, doubled, or named otherwise."""
    (at, key), (other, place) = (some(rng, places(tree)) for _ in range(2))
    how = rng.random()
    if how < 0.4:
        number = type(at[key]) in (int, float) and rng.random() < 0.8
        at[key] = lie(rng) if number else copy.deepcopy(some(rng, VALUES))
    elif how < 0.55:
        del at[key]
    elif how < 0.7:
        at[key] = copy.deepcopy(other[place])
    elif how < 0.8:
        at[key] = [at[key]] if rng.random() < 0.7 else {"shape": [lie(rng), lie(rng)], "data": at[key]}
    elif isinstance(at, list):
        at[key:key] = [copy.deepcopy(at[key])] * int(some(rng, [1, 2, 50]))
    else:
        at[str(some(rng, ["slope", "degree", "plane", "classes", "W_radius", "link", "name", ""]))] = at[key]


def tree_with_changes(rng, tree):
    tree = copy.deepcopy(tree)
    for _ in range(rng.integers(1, 5)):
        if places(tree):
            tree_changed(rng, tree)
    return tree


def some_bytes(rng, content):
    """The content; of every fifth the bytes are changed."""
    return bytes_changed(rng, content) if content and rng.random() < 0.2 else content
