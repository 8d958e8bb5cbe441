"""The public names: `tracer` has all of them, and imports this module when the first one is used."""

from tracer._version import __version__
from tracer.atlas.certificate import Certificate, Status
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.clusters import Cluster
from tracer.boundaries.partitions.borders import Arc, Junction
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.partitioning import partition
from tracer.boundaries.partitions.regions import Region
from tracer.boundaries.solving import Roots, solve
from tracer.boundaries.sweeps.many import trace_many
from tracer.boundaries.sweeps.outcome import Outcome
from tracer.boundaries.tracing import trace, trace_from
from tracer.curves.branch_points import BranchPoint
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.nearest.distances import Nearest
from tracer.curves.turning import TurningPoint
from tracer.fields.field import Field
from tracer.fields.function import Function
from tracer.fields.networks.examples import example
from tracer.fields.networks.exponential_sum import ExponentialSum
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.fields.plane import Plane
from tracer.models.conversion import as_network
from tracer.models.loading import load
from tracer.view.display import BoundaryDisplay
from tracer.view.partition_display import PartitionDisplay

__all__ = [
    "Arc",
    "Boundary",
    "BoundaryDisplay",
    "BranchPoint",
    "Certificate",
    "Cluster",
    "Curve",
    "End",
    "ExponentialSum",
    "Field",
    "Function",
    "Junction",
    "Layer",
    "Nearest",
    "Network",
    "Outcome",
    "Partition",
    "PartitionDisplay",
    "Plane",
    "Region",
    "Roots",
    "Status",
    "TurningPoint",
    "__version__",
    "as_network",
    "example",
    "load",
    "partition",
    "solve",
    "trace",
    "trace_from",
    "trace_many",
]
