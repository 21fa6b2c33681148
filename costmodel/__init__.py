"""bnncost's cost model: what repairing a binary neural network costs in energy, area and latency.

>>> import costmodel as cm
>>> cm.cost("resnet20[double_residual]/cifar10", profile="asic-45nm").profile
'asic-45nm'
"""

import lazy_loader

# A command that needs one part of the model waits for that part alone; the stub beside this file says where each is.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
