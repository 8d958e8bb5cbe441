"""tracer: the decision boundary of a neural network, as curves.

The public names are those of `tracer.public`, which is imported when the first of them is used (PEP 562): the
command line says its version, and can be interrupted, before NumPy is there.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tracer._version import __version__ as __version__

if TYPE_CHECKING:
    from tracer.public import *  # noqa: F403
else:

    def __getattr__(name):
        # Nothing else that begins with an underscore is public: introspection asks for such names.
        if name.startswith("_") and name != "__all__":
            raise AttributeError(f"module 'tracer' has no attribute {name!r}")
        public = import_module("tracer.public")
        globals().update({each: getattr(public, each) for each in public.__all__}, __all__=public.__all__)
        try:
            return globals()[name]
        except KeyError:
            raise AttributeError(f"module 'tracer' has no attribute {name!r}") from None

    def __dir__():
        # Modules and helpers of this file are no names to complete.
        dunders = (name for name in globals() if name.startswith("__"))
        return sorted({*dunders, *import_module("tracer.public").__all__})
