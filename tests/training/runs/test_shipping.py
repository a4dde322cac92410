import torch
from safetensors.torch import load_file

from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.training.runs.shipping import ship


def test_shipped_weights_make_the_same_network(tmp_path):
    torch.manual_seed(0)
    network = Nano().eval()
    network.trunk.stem[1].running_var.fill_(1e-7)  # nothing in half precision
    ship(network.state_dict(), tmp_path / "nano.safetensors")
    stored = load_file(tmp_path / "nano.safetensors")
    assert stored["trunk.stem.0.weight"].dtype == torch.float16
    assert float(stored["trunk.stem.1.running_var"][0]) == torch.tensor(1e-7).item()

    again = Nano().eval()
    again.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in stored.items()})
    views = torch.randn(1, 3, 192, 192), torch.randn(1, 3, 160, 160)
    with torch.no_grad():
        assert torch.allclose(again(*views)[0], network(*views)[0], atol=2e-3)
    assert (tmp_path / "nano.safetensors").stat().st_size < 6.6e6
