import pytest
import torch

from dgiqa_edge.training.trainers import losses


@pytest.fixture
def human():
    return torch.linspace(0.1, 0.9, 16)


def test_perfect_scores_cost_next_to_nothing_and_reversed_ones_much(human):
    assert losses.score_loss(human, human) < 0.1
    assert losses.score_loss(human.flip(0), human) > 0.5


def test_correlation_ignores_scale_and_shift(human):
    assert losses.correlation_loss(0.2 * human + 0.3, human) == pytest.approx(0.0, abs=1e-5)
    assert losses.correlation_loss(-human, human) == pytest.approx(1.0, abs=1e-5)


def test_order_counts_only_clear_pairs():
    predicted = torch.tensor([0.4, 0.6], requires_grad=True)
    assert losses.order_loss(predicted, torch.tensor([0.50, 0.51])) == 0.0
    assert losses.order_loss(predicted, torch.tensor([0.9, 0.1])) > losses.order_loss(
        predicted, torch.tensor([0.1, 0.9])
    )


def test_a_ladder_wants_its_margins_and_no_more_than_a_copy_is_worth():
    none = torch.zeros(0)
    clearer, worse = torch.tensor([0.6, 0.6, 0.6]), torch.tensor([0.4, 0.55, 0.7])
    apart = losses.ladder_loss(none, none, clearer, worse, torch.full((3,), 0.1))
    assert apart == pytest.approx((0.0 + 0.05 + 0.2) / 3)
    above = losses.ladder_loss(torch.tensor([0.5, 0.2]), torch.tensor([0.3, 0.4]), none, none, none)
    assert above == pytest.approx((0.2 + 0.0) / 2)
    assert losses.ladder_loss(none, none, none, none, none) == 0.0


def test_depth_ignores_scale_and_shift_and_sees_shape():
    teacher = torch.rand(2, 12, 16, generator=torch.Generator().manual_seed(0))
    assert losses.depth_loss(3 * teacher + 7, teacher) < 0.02
    assert losses.depth_loss(teacher.flip(2), teacher) > 0.5


@pytest.mark.parametrize("loss", [losses.correlation_loss, losses.order_loss, losses.score_loss])
def test_gradients_are_finite_even_where_all_scores_agree(loss, human):
    predicted = torch.full((16,), 0.5, requires_grad=True)
    loss(predicted, human).backward()
    assert torch.isfinite(predicted.grad).all()
