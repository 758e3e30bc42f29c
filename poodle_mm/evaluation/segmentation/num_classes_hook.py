"""A head and a data set that do not agree on the classes."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from poodle_mm.utils.modules import bare_model


@HOOKS.register_module()
class NumClassesHook(Hook):
    """Refuse to train or test a head of another number of classes than the data set's.

    Raises:
        ValueError: Naming both numbers.
    """

    def before_train(self, runner: Runner) -> None:
        """Check head and training data."""
        self._check(runner, runner.train_dataloader.dataset, 'train_dataloader')

    def before_test(self, runner: Runner) -> None:
        """Check head and test data."""
        self._check(runner, runner.test_dataloader.dataset, 'test_dataloader')

    def _check(self, runner: Runner, dataset, name: str) -> None:
        model = bare_model(runner.model)
        classes = dataset.metainfo['classes']
        for head_name in ('decode_head', 'auxiliary_head'):
            head = getattr(model, head_name, None)
            if head is not None and head.num_classes != len(classes):
                raise ValueError(
                    f'model.{head_name}.num_classes is {head.num_classes}, but the data set of '
                    f'{name} ({type(dataset).__name__}) has {len(classes)} classes: '
                    f'{", ".join(classes[:4])} ...'
                )
