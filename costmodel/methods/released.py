"""Code that the project was checked against: repositories on GitHub, each at one commit."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A repository, "owner/name", at one commit of 40 digits."""

    repository: str
    commit: str

    @property
    def short(self) -> str:
        """Both in few letters.

        >>> Code("owner/name", "0123456789" * 4).short
        'owner/name@0123456'
        """
        return f"{self.repository}@{self.commit[:7]}"


ABC_NET = Code("layog/Accurate-Binary-Convolution-Network", "37c3a2f285c8fb2ed60d3db6721c5a1ab8af2428")
AB_BNN = Code("Ruichen0424/AB-BNN", "1bd84f5a133068cab4d46f1256cdf5ca2bc7ed39")
ADABIN = Code("huawei-noah/Efficient-Computing", "225ddd2e6ca41915434557f7f49d395e4f801e3e")
ADAM_BNN = Code("liuzechun/AdamBNN", "3351340962137d8501dcd2f771cfaec98b69b034")
AQT = Code("google/aqt", "4899e8a641341701c0e8f13caa511ce23fb5183f")
BCDNET = Code("Sense-GVT/BCDNet", "19233b093a7f97a4bbeb38228e54b87b03b92b1d")
BD_BNN = Code("BlueAnon/BD-BNN", "89b71510167333a5e83b072fe0aebac55263cc66")
BENN = Code("XinDongol/BENN-PyTorch", "be56a81ca0f55117f009b52647733a7eb828c3b0")
BINARY_NET = Code("itayhubara/BinaryNet.pytorch", "80f6d4685510314a974889c1ca50a385431bb69f")
BINARY_NETWORKS = Code("1adrianb/binary-networks-pytorch", "51bdeee64d3da6306aebe4f2464eebd778bf7a38")
BIPER = Code("edmav4/BiPer", "152f97d68db8daccdd55a9eb0241ec2ab5dfb767")
BI_REAL_NET = Code("liuzechun/Bi-Real-net", "f58aa4d1fa730fcd2e33c3745fcd6c479d7f42e3")
BMXNET = Code("hpi-xnor/BMXNet-v2", "af2b1859eafc5c721b1397cef02f946aaf2ce20d")
BNN_XNOR_BIREAL = Code("ShuaiZ1037/bnn-xnor-bireal", "a828667fa6581012d7c446f7db9d4b7753525e75")
BOOLNET = Code("hpi-xnor/BoolNet", "2231bd0da9b0115c3a9c0da321c47a514da578a3")
BOP = Code("plumerai/rethinking-bnn-optimization", "9856919285be9d8892b34f4ca3a9ff150c2ae3ea")
CV_TRICKS = Code("legolas123/cv-tricks.com", "a0f3d59fea418b23197134f155f937905d88c20c")
DISTRIBUTION_LOSS = Code("ruizhoud/DistributionLoss", "9b6eafc5d761f59a96f83e6c6d83905083037f95")
GDFQ = Code("xushoukai/GDFQ", "32d6ff7bb334b3409c30b49b785750bc9c2bd326")
GROUP_NET = Code("bohanzhuang/Group-Net-image-classification", "bbe9c24270cd84264b9319a4227d563f8e07a921")
IE_NET = Code("Alexrich961210/IE-Net", "cd646340e59aedfe62738c832e0e2eda95e0b682")
IR_NET = Code("htqin/IR-Net", "f63a5901d02836e2cf4405da1c68e066353a025f")
LARQ = Code("larq/larq", "fe3ce52171aca19da649571bd541e68f758469f0")
LARQ_ZOO = Code("larq/zoo", "77c5853f095d0df4ec338e1e419125b561d1c1af")
N2UQ = Code("liuzechun/Nonuniform-to-Uniform-Quantization", "547a8d303ee8dcd97bdec6aab1ae784a64c484df")
NNCF = Code("sstrehlk/nncf", "5fa67e0147e51328fd9427676d2f90af4e85b4a2")
OVSW = Code("JingyangXiang/OvSW", "4043cb097789f8c0caaae21fbd658563edca14cb")
PACT_BY_OTHERS = Code("KwangHoonAn/PACT", "fcc99a482e55b0bb39f90d1a57ca2c9b635ec34b")
RBNN = Code("lmbxmu/RBNN", "0b5e73b8df1404d7e41c931221388310dad94d33")
RBONN = Code("SteveTsui/RBONN", "c3ae0baea9043475e271f554f8c9b81a56093e13")
BNEXT = Code("hpi-xnor/BNext", "dfcf347a30e3bc08606b8cad2c8d4a329d5a5b28")
REACTNET = Code("liuzechun/ReActNet", "a6cd08d4605d94135faea6fd73354041e4130b52")
REBNN = Code("SteveTsui/ReBNN", "77adc01dc747522703bcb50974e3f16885fe0ef7")
RECU = Code("z-hXu/ReCU", "9a73bed7a6452736184795759770ae17ad0308ec")
SD_BNN = Code("pingxue-hfut/SD-BNN", "20710da9baa9e6286ff05ed77da70adf5335538b")
SIMAN = Code("lmbxmu/SiMaN", "998669a5ec0b4a3e15d6123e86b604d6f68126fb")
STTN = Code("WeixiangXu/STTN", "361b09c68b18124e5e1dd874e4d693296252691a")
TORCHVISION = Code("pytorch/vision", "01fdb48883a534c746b1c60683a6eb4d70e72db6")
XNOR_NET = Code("allenai/XNOR-Net", "4006d594fe0349a5ed4a5ba6795641d9eecb3aac")
